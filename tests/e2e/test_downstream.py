"""A hostile system behind, and what is sent to it: limits that hold, requests made of events."""
import collections
import json
import os
import pathlib
import re
import time
import unittest
from unittest import mock
from urllib.parse import parse_qsl, unquote, urlsplit

from case import Answer, Case, event, routed, together, wait_until
from daemon import EXAMPLE_SECRETS, SOURCE_DIR
from login import SECRET, Login


def attempts_of(crm):
    """Its requests by the event they are of, in order."""
    out = collections.defaultdict(list)
    for r in crm.requests:
        out[r.header("Idempotency-Key")].append(r)
    return out


def by_attempt(*script, default=Answer()):
    """What to answer to each event's first attempt, second, ...: for Sink(choose=)."""
    seen = collections.Counter()

    def choose(request):
        key = request.header("Idempotency-Key")
        seen[key] += 1
        return script[seen[key] - 1] if seen[key] <= len(script) else default
    return choose


class Hostile(Case):
    def test_nothing_before_its_retry_after(self):
        crm = self.sink(choose=by_attempt(Answer(429, headers=[("Retry-After", "3")])))
        onceway = self.daemon(crm)
        answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(10))
        for n, answer in enumerate(answers):
            self.assertAnswer(answer, 200, routed(f"t{n}"))
        for requests in attempts_of(crm).values():
            first, second = requests
            self.assertGreaterEqual(second.at - first.at, 3)

    def test_flapping(self):
        crm = self.sink(choose=by_attempt(Answer(503), Answer(500)))
        onceway = self.daemon(crm)
        answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(30))
        self.assertEqual({a.status for a in answers}, {200})
        self.assertEqual([len(r) for r in attempts_of(crm).values()], [3] * 30)

    def test_whatever_becomes_of_the_first_two_answers(self):
        """Each event arrives, with one key for all its attempts, on no more connections than the
        sink was promised."""
        for act in ("reset", "close", "half", "garbage"):
            with self.subTest(act):
                bad = Answer(act=act)
                crm = self.sink(choose=by_attempt(bad, bad))
                onceway = self.daemon(crm, sink={
                    "pool": {"max_connections": 4}})
                answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(40))
                self.assertEqual({a.status for a in answers}, {200})
                attempts = attempts_of(crm)
                self.assertEqual(len(attempts), 40)
                self.assertEqual({len(r) for r in attempts.values()}, {3})
                # Of garbage the daemon is the first to close: the sink hears of it later.
                if act != "garbage":
                    self.assertLessEqual(crm.most_open, 4)

    def test_hanging_and_slow_by_byte(self):
        for act in ("hang", "drip"):
            with self.subTest(act):
                crm = self.sink(choose=by_attempt(Answer(act=act)))
                onceway = self.daemon(crm, sink={"timeout": {"total": "1s"}})
                begun = time.monotonic()
                answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(8))
                self.assertGreaterEqual(time.monotonic() - begun, 0.99)
                self.assertEqual({a.status for a in answers}, {200})
                self.assertEqual(len(attempts_of(crm)), 8)
                # A daemon that waits for one sink's bytes serves everybody else meanwhile.
                self.assertEqual(onceway.admin("/healthz").status, 200)

    def test_slow_by_byte_every_time(self):
        crm = self.sink(default=Answer(act="drip"))
        onceway = self.daemon(
            crm, sink={"timeout": {"total": "300ms"}, "retry": {"attempts": 2}})
        self.assertAnswer(self.post(onceway, event()), 504)
        self.assertEqual(len(crm.requests), 2)

    def test_a_hundred_megabytes(self):
        """The status counts; what comes behind it is not kept, and so costs no memory."""
        def peak():
            status = pathlib.Path(f"/proc/{onceway.process.pid}/status").read_text()
            return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
        crm = self.sink(Answer(503, b"x" * (100 << 20)), Answer(200, b"y" * (100 << 20)))
        onceway = self.daemon(crm, route={"respond": "sink"}, sink={"timeout": {"total": "60s"}},
                              **{"onceway": {"drain_timeout": "60s"}})
        self.assertAnswer(self.post(onceway, event("warm"), path="/nowhere"), 404)
        before = peak()
        for _ in range(2):
            self.assertAnswer(self.post(onceway, event()), 200, "")
        self.assertEqual(len(crm.requests), 2)
        self.assertLess(peak() - before, 50 << 10)

    def test_never_more_sockets_than_the_workers_may_have(self):
        crm = self.sink(choose=by_attempt(Answer(act="close"), Answer(500)))
        onceway = self.daemon(crm, **self.workers(2), sink={
            "pool": {"max_connections": 3}})
        answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(80))
        self.assertEqual({a.status for a in answers}, {200})
        self.assertEqual(len(crm.requests), 240)
        self.assertLessEqual(crm.most_open, 6)


class Breaker(Case):
    OPEN = {"breaker": {"failures": 3, "cooldown": "2s"}, "retry": {"attempts": 1}}

    def is_open(self, onceway):
        return onceway.metrics().get("onceway_breaker_open", sink="crm")

    def open_it(self, crm, onceway):
        for n in range(3):
            self.assertEqual(self.is_open(onceway), 0)
            self.assertAnswer(self.post(onceway, event(f"bad{n}")), 502)
        self.assertEqual(len(crm.requests), 3)
        self.assertEqual(self.is_open(onceway), 1)

    def test_opens_and_a_probe_closes_it(self):
        crm = self.sink(*[Answer(500)] * 4)
        onceway = self.daemon(crm, **self.workers(2), sink=self.OPEN)
        self.open_it(crm, onceway)
        opened = crm.requests[-1].at
        # Both workers know. Nothing is lost: the vendor is told when to come again.
        for n in range(20):
            answer = self.post(onceway, event(f"t{n}"))
            if len(crm.requests) > 3:
                break  # so slow a machine that the time is over
            self.assertAnswer(answer, 503)
            self.assertIn(answer.header("Retry-After"), ("1", "2"))
        wait_until(lambda: onceway.admin("/readyz").status == 503 or len(crm.requests) > 3,
                   "not ready, or over")
        self.assertRegex(onceway.log(), r"the breaker opens after 3 failures in a row")

        # The first probe fails, the second one is answered.
        def ask():
            return self.post(onceway, event("again")).status
        wait_until(lambda: ask() and len(crm.requests) >= 4, "the probe")
        self.assertGreaterEqual(crm.requests[3].at - opened, 1.9)
        wait_until(lambda: ask() == 200, "the second probe")
        self.assertGreaterEqual(crm.requests[4].at - crm.requests[3].at, 1.9)
        self.assertEqual(len(crm.requests), 5)
        self.assertEqual(self.is_open(onceway), 0)
        self.assertAnswer(self.post(onceway, event("t1")), 200, routed("t1"))
        wait_until(lambda: onceway.admin("/readyz").status == 200, "ready again")
        self.assertRegex(onceway.log(), r"the breaker closes after")

    def test_events_wait_for_it_if_they_have_the_time(self):
        """Who has the attempts and the time becomes the probe, and is delivered without a 503."""
        crm = self.sink(*[Answer(500)] * 3)
        onceway = self.daemon(crm, sink={
            "breaker": {"failures": 3, "cooldown": "1s"}, "retry": {"attempts": 10}})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 4)
        self.assertGreaterEqual(crm.requests[3].at - crm.requests[2].at, 0.9)
        self.assertGreaterEqual(
            onceway.metrics().get("onceway_sink_attempts_total", sink="crm", code="open"), 1)

    def test_refused_connections_open_it(self):
        crm = self.sink(listening=False)
        onceway = self.daemon(crm, start=False, sink={
            "breaker": {"failures": 2, "cooldown": "1h"}, "retry": {"attempts": 1}})
        onceway.start(ready=False)
        for n in range(2):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 502)
        answer = self.post(onceway, event("t3"))
        self.assertAnswer(answer, 503)
        self.assertGreater(int(answer.header("Retry-After")), 3000)
        self.assertEqual(self.is_open(onceway), 1)
        wait_until(lambda: b"its breaker is open" in onceway.admin("/readyz").body, "the reason")


class Rate(Case):
    def assertRate(self, crm, begun, per_second, burst=1):
        """The n-th request came no earlier than n - burst turns after the first could: true
        however late any of them is seen."""
        for n, at in enumerate(sorted(r.at for r in crm.requests)):
            self.assertGreaterEqual(at - begun, (n - burst + 1) / per_second - 0.002, n)

    def test_two_workers_share_it(self):
        crm = self.sink()
        onceway = self.daemon(crm, **self.workers(2), sink={"rate": {"limit": 40}})
        begun = time.monotonic()
        answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(60))
        self.assertEqual({a.status for a in answers}, {200})
        self.assertEqual(len(crm.requests), 60)
        self.assertRate(crm, begun, 40)

    def test_repeated_requests_count_too(self):
        crm = self.sink(choose=by_attempt(Answer(500), Answer(503)))
        onceway = self.daemon(crm, sink={
            "rate": {"limit": 60, "burst": 5}})
        begun = time.monotonic()
        answers = together(lambda n: self.post(onceway, event(f"t{n}")), range(20))
        self.assertEqual({a.status for a in answers}, {200})
        self.assertEqual(len(crm.requests), 60)
        self.assertRate(crm, begun, 60, burst=5)

    def test_who_would_wait_too_long_is_told_so(self):
        crm = self.sink()
        onceway = self.daemon(crm, route={"deadline": "2s"}, sink={
            "rate": {"limit": 1, "per": "1h"}, "retry": {"attempts": 1}})
        self.assertAnswer(self.post(onceway, event("t0")), 200, routed("t0"))
        answer = self.post(onceway, event("t1"))
        self.assertAnswer(answer, 503)
        self.assertGreater(int(answer.header("Retry-After")), 3000)
        self.assertEqual(len(crm.requests), 1)


# Texts that somebody may send in place of an id.
NASTY = ["plain", "a b", "a/b", "a?b=c", "a#b", "a&b", "a+b", "a%2Fb", "%", "..a", "a..", "...",
         "a;b", "http://evil.example/", "//evil.example", "@evil.example:80", "\u00e9\U0001f600",
         "a\\b", "{/data/x}", "'\"<>", "a\x00b", "a\r\nX-Evil: 1", "x" * 300]
WAYS_OUT = ["", ".", "..", "../admin", "a/../../admin", "..\\admin", "..;/admin", "a/./b"]


class Templates(Case):
    def sending(self, **sink):
        crm = self.sink()
        sink.setdefault("url", "http://127.0.0.1:{port}/api/events")
        sink["url"] = sink["url"].replace("{port}", str(crm.port))
        return crm, self.daemon(crm, sink=sink)

    def test_a_url_takes_any_id(self):
        crm, onceway = self.sending(
            url="http://127.0.0.1:{port}/v1/contacts/{/data/id}/notes?by={/data/id}&x=1")
        for n, value in enumerate(NASTY):
            with self.subTest(value):
                self.assertAnswer(
                    self.post(onceway, event(f"t{n}", id=value)), 200, routed(f"t{n}"))
                url = urlsplit(crm.requests[-1].target)
                path = url.path.split("/")
                self.assertEqual((path[:3], path[4:]), (["", "v1", "contacts"], ["notes"]))
                self.assertEqual(unquote(path[3]), value)
                self.assertEqual(
                    parse_qsl(url.query, keep_blank_values=True), [("by", value), ("x", "1")])
                self.assertEqual(crm.requests[-1].header("Host"), f"127.0.0.1:{crm.port}")
                self.assertIsNone(crm.requests[-1].header("X-Evil"))
        self.assertEqual(len(crm.requests), len(NASTY))

    def test_no_way_out_of_the_path(self):
        crm, onceway = self.sending(url="http://127.0.0.1:{port}/v1/contacts/{/data/id}")
        for n, value in enumerate(WAYS_OUT):
            with self.subTest(value):
                answer = self.post(onceway, event(f"t{n}", id=value))
                self.assertAnswer(answer, 422)
                self.assertIn("a part of the URL's path", json.loads(answer.body)["detail"])
        self.assertEqual(crm.requests, [])
        self.assertEqual(
            onceway.metrics().get("onceway_events_total", route="cxone", outcome="invalid"),
            len(WAYS_OUT))

    def test_headers(self):
        crm, onceway = self.sending(headers={
            "X-Name": "Mr {/data/name}", "X-Tenant": "{header:X-Tenant:-none}",
            "X-Trace": "{trace}", "X-Key": "{key}", "X-Source": "{source}", "X-Braces": "{{}}"})
        self.assertAnswer(self.post(onceway, event(name="J\u00f8rgen"), headers=[
            ("X-Tenant", "acme")]), 200, routed())
        sent = crm.requests[0]
        self.assertEqual(sent.header("X-Name").encode("latin-1").decode(), "Mr J\u00f8rgen")
        self.assertEqual(sent.header("X-Tenant"), "acme")
        self.assertEqual(sent.header("X-Source"), "dataaction")
        self.assertEqual(sent.header("X-Braces"), "{}")
        self.assertEqual(sent.header("X-Key"), sent.header("Idempotency-Key"))
        self.assertEqual(sent.header("X-Trace"), sent.header("traceparent").split("-")[1])
        for n, name in enumerate(["a\r\nX-Evil: 1", "a\nb", "\x00", "\x7f", "\u0085"]):
            with self.subTest(name):
                answer = self.post(onceway, event(f"t{n}", name=name))
                self.assertAnswer(answer, 422)
                self.assertIn("/data/name has a control character",
                              json.loads(answer.body)["detail"])
        self.assertEqual(len(crm.requests), 1)

    def test_a_body_is_what_python_makes_of_it(self):
        crm, onceway = self.sending(method="PATCH", body={
            "contact": {"id": "{/data/id}", "name": "Mr {/data/name}", "all": "{/data}"},
            "list": [1, 2.5, True, None, "x", "{/data/id}", []], "text": "{{{/data/name}}}",
            "none": "{/data/none:-null}", "zero": "{/data/none:-0}", "word": "{/data/none:-a\"}",
            "n": "{/data/n}/{/data/n}", "key": "{key}", "event": "{body}"})
        values = [1, -0.5, 10 ** 30, True, None, "", "O'Hara \"J\"\\\n\x00\u2028\U0001f600",
                  [1, {"a": None}], {"b": [], "": "{/x}"}]
        names = ["x", "\"quoted\"", "back\\slash", "line\nbreak\x00", "\u00e9\U0001f600", "{/data}"]
        for n, value in enumerate(values):
            with self.subTest(value):
                name = names[n % len(names)]
                body = event(f"t{n}", id=value, name=name, n=1.5)
                self.assertAnswer(self.post(onceway, body), 200, routed(f"t{n}"))
                sent = crm.requests[-1]
                data = json.loads(body)["data"]
                self.assertEqual(sent.method, "PATCH")
                self.assertEqual(sent.header("Content-Type"), "application/json")
                self.assertEqual(json.loads(sent.body), {
                    "contact": {"id": value, "name": f"Mr {name}", "all": data},
                    "list": [1, 2.5, True, None, "x", value, []], "text": f"{{{name}}}",
                    "none": None, "zero": 0, "word": "a\"", "n": "1.5/1.5",
                    "key": sent.header("Idempotency-Key"), "event": json.loads(body)})

    def test_bodies_are_bounded(self):
        crm, onceway = self.sending(body={"a": "{/data/x}", "b": "{/data/x}"}, max_body="1KiB")
        self.assertAnswer(self.post(onceway, event("t1", x="y" * 490)), 200, routed("t1"))
        self.assertLessEqual(len(crm.requests[0].body), 1024)
        answer = self.post(onceway, event("t2", x="y" * 510))
        self.assertAnswer(answer, 422)
        self.assertIn("1024 bytes", json.loads(answer.body)["detail"])

    def test_what_is_required(self):
        crm, onceway = self.sending(require=["/data/id", "/data/name"])
        answer = self.post(onceway, event("t1", name="x"))
        self.assertAnswer(answer, 422, json.dumps(
            {"detail": "/data/id is missing"}, separators=(",", ":")))
        self.assertEqual(crm.requests, [])
        # Nothing is kept of it: the event may come again, complete.
        self.assertAnswer(self.post(onceway, event("t1", name="x", id=0)), 200, routed("t1"))
        self.assertEqual(crm.bodies, [event("t1", name="x", id=0)])


class RestContact(Case):
    """conf/rest-contact.yaml: the tutorial's REST client."""

    def setUp(self):
        self.api = Login()
        self.sinks.append(self.api.sink)
        self.enterContext(mock.patch.dict(os.environ, {
            **EXAMPLE_SECRETS, "CXONE_CLIENT_SECRET": SECRET, "CXONE_API": self.api.url(""),
            "CXONE_LOGIN": self.api.url("/token")}))
        text = (SOURCE_DIR / "conf/rest-contact.yaml").read_text()
        for address in ("0.0.0.0:8080", "127.0.0.1:9464"):
            self.assertIn(address, text)
            text = text.replace(address, "127.0.0.1:0")
        self.onceway = self.daemon(self.api, start=False)
        self.onceway.config.write_text(text)
        self.onceway.start()

    def update(self, **data):
        return self.post(self.onceway, event(**data), path="/contacts")

    def test_a_contact_is_updated_once(self):
        for reply in ("routed", "duplicate_discarded"):
            answer = self.update(contactId="c/1", firstName="Mary", lastName="Major", priority=7)
            self.assertAnswer(answer, 200)
            self.assertEqual(json.loads(answer.body)["status"], reply)
        self.assertEqual(len(self.api.events), 1)
        sent = self.api.events[0]
        self.assertEqual((sent.method, sent.target), ("PUT", "/v1/contacts/c%2F1"))
        self.assertEqual(sent.header("Authorization"), "Bearer token-1")
        self.assertEqual(sent.header("Accept"), "application/json")
        self.assertEqual(sent.header("Content-Type"), "application/json")
        self.assertEqual(json.loads(sent.body), {
            "first_name": "Mary", "last_name": "Major", "display_name": "Major, Mary",
            "email": None, "priority": 7, "tags": ["onceway", "contacts"]})
        self.assertEqual([a["scope"] for a in self.api.asked],
                         ["contact:read contact:write account:read"])

    def test_it_is_validated_before_any_request(self):
        whole = {"contactId": "c-1", "firstName": "Mary", "lastName": "Major"}
        for name in whole:
            for value in (None, "left out"):
                with self.subTest(f"{name}: {value}"):
                    body = json.loads(event(**{**whole, name: None}))
                    if value:
                        del body["data"][name]
                    answer = self.post(
                        self.onceway, json.dumps(body).encode(), path="/contacts")
                    self.assertAnswer(answer, 422)
                    self.assertEqual(
                        json.loads(answer.body), {"detail": f"/data/{name} is missing"})
        self.assertEqual(self.api.events, [])


if __name__ == "__main__":
    unittest.main()
