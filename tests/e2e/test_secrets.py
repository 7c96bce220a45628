"""No secret is ever shown: not in the log, /metrics, /status, answers, nor by `check`.

Every place of a configuration that can hold a secret gets one, every kind of
error is provoked, and all that comes out is searched.
"""
import base64
import json
import pathlib
import re
import tempfile
import unittest

from case import Answer, Case, client, configuration, event, wait_until
from daemon import Daemon, need_for, run

KEY = base64.b64encode(b"standard-webhooks-key-0123456789").decode()


class Secrets(Case):
    def setUp(self):
        need_for(json.dumps(configuration(9)))
        directory = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.secrets = []

    def secret(self, name, text=None):
        """One to be looked for."""
        text = text or f"s3cret-{name}-{'x' * 12}"
        self.secrets.append(text)
        return text

    def in_file(self, name, text=None):
        """The same, by way of a file."""
        path = self.directory / name
        path.write_text(self.secret(name, text) + "\n")
        path.chmod(0o600)
        return "${file:%s}" % path

    def assertConcealed(self, *texts):
        """None of the secrets is there, nor how it would go over the wire."""
        for text in texts:
            text = text.decode(errors="replace") if isinstance(text, bytes) else text
            for secret in self.secrets:
                for form in (secret, base64.b64encode(secret.encode()).decode()):
                    self.assertNotIn(form, text)
            self.assertNotIn("s3cret", text)
            self.assertNotIn(KEY, text)

    def shown(self, daemon):
        return [daemon.admin(path).text for path in ("/metrics", "/status", "/readyz")]

    def config_of_all(self, port):
        """A source for each mode of auth, and sinks that fail in all their ways."""
        config = configuration(port, onceway={"log": {"level": "debug"}})
        auth = {
            "bearer": {"mode": "bearer", "secrets": [self.secret("bearer"),
                                                     self.in_file("bearer-file")]},
            "basic": {"mode": "basic", "secrets": [f"crm:{self.secret('basic')}"]},
            "header": {"mode": "header", "header": "X-Api-Key",
                       "secrets": [self.in_file("header-file")]},
            "hmac": {"mode": "hmac", "header": "X-Signature", "secrets": [self.secret("hmac")]},
            "standard": {"mode": "standard_webhooks", "secrets": [f"whsec_{KEY}"]},
        }
        for name, options in auth.items():
            config["sources"][name] = {
                "plugin": "webhook", "listener": "public", "path": f"/{name}", "auth": options}
            config["routes"][name] = {
                "from": name, "key": {"plugin": "cxone", "prefix": f"{name}:"},
                "store": "main", "to": "crm"}
        config["sinks"]["crm"].update(
            url=f"http://127.0.0.1:{port}/{self.in_file('path')}?t={self.in_file('query')}",
            headers={"Authorization": f"Bearer {self.secret('authorization')}",
                     "X-Token": self.in_file("token")},
            retry={"attempts": 3, "base": "1ms", "max": "5ms"},
            timeout={"total": "1s"})
        config["sinks"]["full"] = {"plugin": "log", "to": "/dev/full", "retry": {"attempts": 2}}
        config["sources"]["full"] = {"plugin": "webhook", "listener": "public", "path": "/full"}
        config["routes"]["full"] = {"from": "full", "key": "cxone", "store": "main", "to": "full"}
        return config

    def test_while_it_runs(self):
        for form in ("text", "json"):
            with self.subTest(form):
                self.run_all(form)

    def run_all(self, form):
        acts = [Answer(status=500), Answer(status=404), Answer(act="garbage"),
                Answer(act="reset"), Answer(act="half"), Answer(act="close"), Answer(status=302)]
        sink = self.sink(*[a for a in acts for _ in range(3)])
        config = self.config_of_all(sink.port)
        config["onceway"]["log"]["format"] = form
        onceway = self.daemon_of(config)
        answers = []
        for n in range(3 * len(acts) + 1):
            answers.append(self.post(onceway, event(entity=f"e{n}"), path=client.PATH))
        sink.close()
        answers.append(self.post(onceway, event(entity="nobody there"), path=client.PATH))
        answers.append(self.post(onceway, event(), path="/full"))
        for path in ("bearer", "basic", "header", "hmac", "standard"):
            for headers in ([], [("Authorization", "Bearer wrong")], [("X-Api-Key", "wrong")],
                            [("Authorization", "Basic " + "d3Jvbmc6d3Jvbmc=")],
                            [("X-Signature", "00" * 32)],
                            [("webhook-id", "1"), ("webhook-timestamp", "1"),
                             ("webhook-signature", "v1,AAAA")]):
                answers.append(self.post(onceway, event(), path=f"/{path}", headers=headers))
        for body in (b"", b"{", b"\xff", b"[]", b'{"triggerId":1}'):
            answers.append(self.post(onceway, body, path=client.PATH))
        answers.append(client.ask(onceway.port, "GET", "/none"))
        with client.Connection(onceway.port) as c:
            c.send(b"nonsense\r\n\r\n")
            answers.append(c.answer())
        statuses = {a.status for a in answers}
        self.assertLessEqual({200, 400, 401, 404, 422, 502}, statuses)
        shown = self.shown(onceway)
        onceway.stop()
        self.assertIn("the sink answered 500", onceway.log())
        self.assertConcealed(onceway.log(), *shown, *[a.body for a in answers],
                             *[f"{a.headers}" for a in answers])

    def test_log_file_that_cannot_be_opened(self):
        config = configuration(9)
        name = self.in_file("file-name")
        config["sinks"]["crm"] = {"plugin": "log", "to": f"{self.directory}/no/{name}/events"}
        onceway = Daemon(config)
        self.addCleanup(onceway.close)
        onceway.launch()
        onceway.check_ended(1)
        self.assertRegex(
            onceway.log(), r"cannot start: sink crm: cannot open the value given: No such file")
        self.assertConcealed(onceway.log())

    def test_check(self):
        """Each secret where it is refused, and where something beside it is."""
        for form in ("plain", "file"):
            for name, change in self.mistakes(form).items():
                with self.subTest(f"{name} {form}"):
                    config = configuration(9)
                    change(config)
                    file = self.directory / "c.yaml"
                    file.write_text(json.dumps(config, indent=1))
                    for command in ("check", "run"):
                        done = run(command, "-c", file)
                        self.assertEqual(done.returncode, 1, done.stdout)
                        self.assertIn(b"error: ", done.stderr)
                        self.assertConcealed(done.stdout, done.stderr)

    def mistakes(self, form):
        def give(name, text=None):
            return self.secret(name, text) if form == "plain" else self.in_file(name, text)

        def source(**options):
            return lambda c: c["sources"]["dataaction"].update(options)

        def sink(**options):
            return lambda c: c["sinks"]["crm"].update(options)
        mistakes = {
            "bearer": source(auth={"mode": "bearer", "secrets": [give("bearer", "s3cret x ")]}),
            "basic": source(auth={"mode": "basic", "secrets": [give("no-colon")]}),
            "standard": source(auth={"mode": "standard_webhooks", "secrets": [give("whsec")]}),
            "no mode": source(auth={"secrets": [give("no-mode")]}),
            "mapping": source(auth={"mode": "bearer", "secrets": {"a": give("mapping")}}),
            "user in a url": sink(url=f"http://crm:{give('password')}@127.0.0.1:9/"),
            "url": sink(url=f"ftp://127.0.0.1:9/{give('path')}" if form == "file"
                        else f"http://a:{give('p')}@b c/"),
            "headers": sink(headers={"Authorization": give("line", "s3cret line\r\nb")}),
            "header list": sink(headers=[give("in-a-list")]),
            "headers text": sink(headers=give("in-a-text")),
            "another option's": sink(method=give("twice", "s3cret twice"),
                                     headers={"Authorization": self.secrets[-1]}),
            "misspelt": sink(headrs={"Authorization": give("misspelt")}),
        }
        if form == "file":
            mistakes.update({
                "method": sink(method=give("method", "s3cret method")),
                "number": sink(pool={"max_waiting": give("number")}),
                "duration": sink(timeout={"total": give("duration")}),
                "retry": sink(retry={"on": [give("retry")]}),
                "plugin": sink(plugin=give("plugin")),
                "address": lambda c: c["listeners"]["public"].update(address=give("address")),
                "level": lambda c: c["onceway"].update(log={"level": give("level")}),
                "workers": lambda c: c["onceway"].update(workers=give("workers")),
                "reference": lambda c: c["routes"]["cxone"].update(store=give("store")),
                "window": lambda c: c["routes"]["cxone"].update(window=give("window")),
                "path": source(path=give("webhook-path")),
                "name of a file": sink(method="${file:%s}" % (self.directory / "none")),
            })
        return mistakes

    def test_short_secrets_leave_messages_readable(self):
        config = configuration(9)
        secret = self.directory / "short"
        secret.write_text("e")
        secret.chmod(0o600)
        config["sinks"]["crm"]["method"] = "${file:%s} " % secret
        file = self.directory / "c.yaml"
        file.write_text(json.dumps(config))
        done = run("check", "-c", file)
        self.assertRegex(
            done.stderr.decode(),
            r"sink `crm`: option `method`: `the value given` is not an HTTP method\n")


class Repetition(Case):
    def test_how_many_lines_were_left_out(self):
        """What fails in a loop is told a few times a second, and then how often it was."""
        sink = self.sink(default=Answer(status=500))
        onceway = self.daemon(sink, onceway={"log": {"level": "info"}},
                              sink={"retry": {"attempts": 1}, "breaker": {"failures": 0}})
        posted = 0

        def lines():
            return [line for line in onceway.log().splitlines()
                    if "answered 500" in line and "more like this" not in line]

        while len(lines()) == posted:
            self.post(onceway, event(entity=f"e{posted}"))
            posted += 1
            self.assertLess(posted, 10000)
        # The rest is told without a further failure.
        def told():
            return sum(int(n) for n in re.findall(
                r"(\d+) (?:more like this were|like this) left out", onceway.log()))
        wait_until(lambda: len(lines()) + told() >= posted, "the count of what was left out")
        self.assertEqual(len(lines()) + told(), posted)


if __name__ == "__main__":
    unittest.main()
