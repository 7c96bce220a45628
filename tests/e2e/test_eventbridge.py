"""`mode: http`: what an API destination of EventBridge sends, and is told."""
import base64
import json
import threading
import unittest

import samples
from case import Answer, Case, client, configuration, wait_until
from daemon import run
from samples import acd_start

PATH = "/webhook/eventbridge"
MEMBERS = ("version", "id", "source", "account", "time", "region", "resources", "detail-type",
           "detail")
# What AWS documents that they send beside the connection's own.
HEADERS = [("User-Agent", "Amazon/EventBridge/ApiDestinations"),
           ("Content-Type", "application/json; charset=utf-8"),
           ("Range", "bytes=0-1048575"), ("Accept-Encoding", "gzip,deflate"),
           ("Connection", "close")]


class EventBridge(Case):
    def setUp(self):
        self.crm = self.sink()

    def listening(self, key="auto", sink=(), route=(), **source):
        return self.daemon_of(configuration(
            self.crm.port, sink={"retry": {"attempts": 1}, **dict(sink)},
            source={"plugin": "eventbridge", "path": PATH, **source},
            route={"key": key, **dict(route)}))

    def send(self, onceway, body, *headers):
        """One event, as each comes: on a connection that it closes."""
        with client.Connection(onceway.port) as c:
            c.post(body, PATH, HEADERS + list(headers))
            answer = c.answer()
            self.assertTrue(c.is_closed())
        return answer

    def assertRefused(self, answer, field, problem):
        self.assertEqual((answer.status, json.loads(answer.body)), (400, {
            "error": "Invalid event structure", "field": field, "problem": problem}))


class Envelopes(EventBridge):
    def events(self):
        return [s for s in samples.load() if s.route in ("genesys", "events")]

    def test_every_sample(self):
        onceway = self.listening(samples.KEYS["body"])
        for sample in self.events():
            with self.subTest(sample.name):
                self.assertAnswer(self.send(onceway, sample.body), 200)
        self.assertEqual(self.crm.bodies, [s.body for s in self.events()])
        self.assertGreaterEqual(len(self.events()), 12)

    def test_what_genesys_sends(self):
        onceway = self.listening("genesys")
        for sample in self.events():
            if sample.route == "genesys":
                with self.subTest(sample.name):
                    answer = self.send(onceway, sample.body)
                    self.assertIn(json.loads(answer.body)["status"], ("success", "duplicate"))

    def test_each_missing_member(self):
        onceway = self.listening()
        for sample in self.events():
            for name in MEMBERS:
                with self.subTest(f"{sample.name} without {name}"):
                    rest = {k: v for k, v in sample.event.items() if k != name}
                    self.assertRefused(
                        self.send(onceway, json.dumps(rest).encode()), name, "is missing")
        self.assertEqual(self.crm.requests, [])
        self.assertEqual(
            onceway.metrics().get("onceway_eventbridge_invalid_total", source="dataaction"),
            len(MEMBERS) * len(self.events()))
        self.assertRegex(onceway.log(), "warning source dataaction: .*detail-type is missing")

    def test_each_wrong_member(self):
        onceway = self.listening()
        good = json.loads(acd_start())
        wrong = [(name, 7) for name in MEMBERS if name != "time"]
        wrong += [("time", []), ("account", None), ("detail", "{}"), ("detail", []),
                  ("resources", {}), ("id", ["x"])]
        for name, value in wrong:
            with self.subTest(f"{name}: {value}"):
                answer = self.send(onceway, json.dumps({**good, name: value}).encode())
                self.assertEqual((answer.status, json.loads(answer.body)["field"]), (400, name))
        for body in (b"[]", b'["version","id"]', b'"x"', b"null"):
            self.assertRefused(self.send(onceway, body), "body", "must be a JSON object")
        for body in (b"", b"{", b"\xff", acd_start()[:-1]):
            self.assertAnswer(self.send(onceway, body), 400)
        self.assertEqual(self.crm.requests, [])

    def test_the_tutorials_name(self):
        onceway = self.listening("genesys")
        body = samples.created().replace(b"detail-type", b"detailType")
        self.assertAnswer(self.send(onceway, body), 200)

    def test_the_key_command_is_not_concerned(self):
        """It has no source: what the keyer takes has a key."""
        onceway = self.daemon_of(configuration(
            9, source={"plugin": "eventbridge", "path": PATH}, route={"key": "auto"}),
            start=False)
        done = run("key", "-c", onceway.config, stdin=b'{"id":"e-1"}\n')
        self.assertEqual(done.stdout, b"event:e-1\n")


class Replays(EventBridge):
    def replay(self):
        sample = next(s for s in samples.load() if "replay name" in s.name)
        self.assertIn("replay-name", sample.event)
        return sample

    def test_dedup(self):
        onceway = self.listening()
        replay = self.replay()
        first = {k: v for k, v in replay.event.items() if k != "replay-name"}
        statuses = [json.loads(self.send(onceway, body).body)["status"]
                    for body in (json.dumps(first).encode(), replay.body, replay.body)]
        self.assertEqual(statuses, ["delivered", "duplicate", "duplicate"])
        self.assertEqual(len(self.crm.requests), 1)

    def test_pass(self):
        onceway = self.listening(replays="pass")
        replay = self.replay()
        first = json.dumps(
            {k: v for k, v in replay.event.items() if k != "replay-name"}).encode()
        statuses = [json.loads(self.send(onceway, body).body)["status"]
                    for body in (first, replay.body, replay.body, first)]
        self.assertEqual(statuses, ["delivered", "delivered", "delivered", "duplicate"])
        self.assertEqual(self.crm.bodies, [first, replay.body, replay.body])
        # The sink has had it: under its key it would throw it away.
        keys = [r.header("Idempotency-Key") for r in self.crm.requests]
        self.assertEqual(keys, ["event:" + replay.event["id"], None, None])
        self.assertEqual(onceway.metrics().get(
            "onceway_events_total", route="cxone", outcome="passed"), 2)

    def test_a_replay_that_fails_comes_again(self):
        self.crm.default = Answer(503)
        onceway = self.listening(replays="pass")
        self.assertAnswer(self.send(onceway, self.replay().body), 502)
        self.crm.default = Answer(200)
        self.assertAnswer(self.send(onceway, self.replay().body), 200)


class Connections(EventBridge):
    """The three that a connection of EventBridge can have."""

    def check(self, auth, good, bad):
        onceway = self.listening(auth=auth)
        self.assertAnswer(self.send(onceway, acd_start(), good), 200)
        for header in bad:
            self.assertAnswer(
                self.send(onceway, acd_start(), *([header] if header else [])), 401)
        # A stranger is not told what an envelope lacks.
        self.assertAnswer(self.send(onceway, b"{}"), 401, '{"detail":"Unauthorized"}')
        self.assertEqual(len(self.crm.requests), 1)

    def test_api_key(self):
        self.check({"mode": "header", "header": "X-Api-Key", "secrets": ["s3cret"]},
                   ("x-api-key", "s3cret"),
                   [None, ("x-api-key", "s3cre"), ("Authorization", "s3cret")])

    def test_basic(self):
        def basic(text):
            return "Authorization", "Basic " + base64.b64encode(text.encode()).decode()
        self.check({"mode": "basic", "secrets": ["bus:s3cret"]}, basic("bus:s3cret"),
                   [None, basic("bus:other"), basic("s3cret")])

    def test_oauth(self):
        self.check({"mode": "bearer", "secrets": ["t0ken"]}, ("Authorization", "Bearer t0ken"),
                   [None, ("Authorization", "Bearer other"), ("Authorization", "t0ken")])


class Failures(EventBridge):
    def test_what_eventbridge_repeats(self):
        """5xx, and never a 4xx for what may work later."""
        self.crm.default = Answer(503)
        onceway = self.listening()
        self.assertAnswer(self.send(onceway, acd_start()), 502)
        self.crm.default = Answer(404)
        self.assertAnswer(self.send(onceway, acd_start()), 502)
        self.crm.default = Answer(200)
        self.assertAnswer(self.send(onceway, acd_start()), 200)

    def test_it_hangs_up_and_comes_again(self):
        """After 5 s: the delivery goes on, and its repetition waits for it."""
        gate = threading.Event()
        self.crm.default = Answer(200, gate=gate)
        onceway = self.listening()
        with client.Connection(onceway.port) as c:
            c.post(acd_start(), PATH, HEADERS)
            self.crm.wait(1)
        with client.Connection(onceway.port) as c:
            c.post(acd_start(), PATH, HEADERS)
            wait_until(lambda: onceway.metrics().get("onceway_inflight", route="cxone") == 2,
                       "the repetition to wait")
            gate.set()
            self.assertEqual(json.loads(c.answer().body)["status"], "duplicate")
        self.assertEqual(len(self.crm.requests), 1)

    def test_other_methods(self):
        onceway = self.listening()
        answer = client.ask(onceway.port, "GET", PATH)
        self.assertEqual((answer.status, answer.header("Allow")), (405, "POST"))


if __name__ == "__main__":
    unittest.main()
