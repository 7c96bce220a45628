"""When the system behind fails: attempts, answers to the vendor, and that nothing is lost."""
import email.utils
import json
import socket
import threading
import time
import unittest

from case import Answer, Case, Later, discarded, event, routed, together, wait_until


class Retries(Case):
    def attempts(self, onceway):
        m = onceway.metrics()
        return {dict(labels)["code"]: int(value) for (name, labels), value in m.samples.items()
                if name == "onceway_sink_attempts_total"}

    def test_recovered_within_the_attempts(self):
        crm = self.sink(Answer(500), Answer(503), Answer(429), Answer(502), Answer(200))
        onceway = self.daemon(crm)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 5)
        self.assertEqual(set(crm.bodies), {event()})
        self.assertEqual(len({r.header("Idempotency-Key") for r in crm.requests}), 1)
        self.assertEqual(
            self.attempts(onceway), {"500": 1, "503": 1, "429": 1, "502": 1, "200": 1})

    def test_failed_then_the_vendors_retry_is_delivered(self):
        crm = self.sink(*[Answer(500)] * 3)
        onceway = self.daemon(crm, sink={"retry": {"attempts": 3}})
        answer = self.post(onceway, event())
        self.assertAnswer(answer, 502)
        self.assertIn("500", json.loads(answer.body)["detail"])
        self.assertEqual(len(crm.requests), 3)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 4)
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(len(crm.requests), 4)

    def test_client_errors_are_final(self):
        for status in (400, 401, 403, 404, 409, 410, 422):
            with self.subTest(status):
                crm = self.sink(Answer(status, b"secret detail of the sink"))
                onceway = self.daemon(crm)
                answer = self.post(onceway, event())
                self.assertAnswer(answer, 502)
                self.assertNotIn(b"secret", answer.body)
                self.assertEqual(len(crm.requests), 1)
                self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_client_errors_passed_on(self):
        crm = self.sink(Answer(404, b"<no/>", [("Content-Type", "text/xml")]), Answer(500))
        onceway = self.daemon(
            crm, source={"pass_client_errors": True}, sink={"retry": {"attempts": 1}})
        answer = self.post(onceway, event())
        self.assertAnswer(answer, 404, "<no/>")
        self.assertEqual(answer.header("Content-Type"), "text/xml")
        self.assertAnswer(self.post(onceway, event()), 502)
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_redirects_are_not_followed(self):
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status):
                other = self.sink()
                crm = self.sink(Answer(status, headers=[
                    ("Location", f"http://127.0.0.1:{other.port}/")]))
                onceway = self.daemon(crm)
                self.assertAnswer(self.post(onceway, event()), 502)
                self.assertEqual((len(crm.requests), other.accepted), (1, 0))

    def test_what_is_retried_is_configured(self):
        crm = self.sink(Answer(404), Answer(404), Answer(200), Answer(503))
        onceway = self.daemon(crm, sink={"retry": {"on": [404]}})
        self.assertAnswer(self.post(onceway, event("a")), 200, routed("a"))
        self.assertEqual(len(crm.requests), 3)
        self.assertAnswer(self.post(onceway, event("b")), 502)
        self.assertEqual(len(crm.requests), 4)

    def test_kept_failures(self):
        crm = self.sink(Answer(400))
        onceway = self.daemon(crm, route={"on_failure": "keep"})
        for _ in range(2):
            self.assertAnswer(self.post(onceway, event()), 502)
        self.assertEqual(len(crm.requests), 1)


class RetryAfter(Case):
    """Only lower bounds: the sink's own clock says that nothing came too early."""

    def gap(self, crm):
        first, second = crm.wait(2)[:2]
        return second.at - first.at

    def test_seconds(self):
        for status in (429, 503):
            with self.subTest(status):
                crm = self.sink(Answer(status, headers=[("Retry-After", "1")]))
                onceway = self.daemon(crm)
                self.assertAnswer(self.post(onceway, event()), 200, routed())
                self.assertGreaterEqual(self.gap(crm), 1)

    def test_date(self):
        until = int(time.time()) + 3  # HTTP dates have whole seconds
        crm = self.sink(Answer(
            429, headers=[("Retry-After", email.utils.formatdate(until, usegmt=True))]))
        onceway = self.daemon(crm)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertGreaterEqual(crm.requests[1].wall, until - 0.01)

    def test_beyond_the_deadline_the_vendor_is_told(self):
        crm = self.sink(Answer(429, headers=[("Retry-After", "3600")]))
        onceway = self.daemon(crm, route={"deadline": "10s"})
        answer = self.post(onceway, event())
        self.assertGreaterEqual(answer.status, 500)
        self.assertEqual(answer.header("Retry-After"), "3600")
        self.assertEqual(len(crm.requests), 1)
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_nonsense_is_ignored(self):
        values = ("-1", "soon", "", "1e9", "Thu, 99 Foo 2099 00:00:00 GMT")
        crm = self.sink(*[Answer(503, headers=[("Retry-After", v)]) for v in values])
        onceway = self.daemon(crm, sink={"retry": {"attempts": 6}})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 6)


class Time(Case):
    def test_hanging_sink(self):
        crm = self.sink(*[Answer(act="hang")] * 2)
        onceway = self.daemon(
            crm, sink={"timeout": {"connect": "500ms", "total": "500ms"},
                       "retry": {"attempts": 2}})
        answer = self.post(onceway, event())
        self.assertAnswer(answer, 504)
        self.assertIn("detail", json.loads(answer.body))
        self.assertEqual(len(crm.requests), 2)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 3)

    def test_the_deadline_ends_retries(self):
        crm = self.sink(default=Answer(500))
        onceway = self.daemon(crm, route={"deadline": "1s"}, sink={
            "retry": {"attempts": 100, "base": "200ms", "max": "200ms", "jitter": "none"}})
        self.assertIn(self.post(onceway, event()).status, (502, 504))
        # Nothing starts past the deadline: attempts at 0, 0.2, ... 0.8 s at most.
        self.assertLessEqual(len(crm.requests), 5)
        self.assertGreaterEqual(len(crm.requests), 1)

    def test_the_deadline_ends_an_attempt(self):
        crm = self.sink(Answer(act="hang"))
        onceway = self.daemon(crm, route={"deadline": "1s"}, sink={
            "timeout": {"total": "1h"}, "retry": {"attempts": 1}})
        begun = time.monotonic()
        self.assertAnswer(self.post(onceway, event()), 504)
        self.assertGreaterEqual(time.monotonic() - begun, 0.98)
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_attempt_and_jitter_bounds(self):
        crm = self.sink(*[Answer(500)] * 3)
        onceway = self.daemon(crm, sink={
            "retry": {"base": "200ms", "max": "300ms", "jitter": "none"}})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        at = [r.at for r in crm.requests]
        waits = [b - a for a, b in zip(at, at[1:])]
        for wait, least in zip(waits, (0.2, 0.3, 0.3)):
            self.assertGreaterEqual(wait, least - 0.01)


class Connections(Case):
    def test_refused(self):
        crm = self.sink(listening=False)
        onceway = self.daemon(crm, sink={"retry": {"attempts": 2}})
        self.assertAnswer(self.post(onceway, event()), 502)
        crm.listen()
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_unknown_host(self):
        crm = self.sink()
        onceway = self.daemon(crm, sink={
            "url": "http://nowhere.invalid/", "retry": {"attempts": 1}})
        self.assertAnswer(self.post(onceway, event()), 502)

    def test_answer_lost(self):
        for act in ("reset", "close", "half", "garbage"):
            with self.subTest(act):
                crm = self.sink(Answer(act=act), Answer(act=act))
                onceway = self.daemon(crm)
                self.assertAnswer(self.post(onceway, event()), 200, routed())
                self.assertEqual(len(crm.requests), 3)
                self.assertEqual(len({r.header("Idempotency-Key") for r in crm.requests}), 1)
                self.assertEqual(set(crm.bodies), {event()})

    def test_answer_lost_every_time(self):
        crm = self.sink(*[Answer(act="half")] * 2)
        onceway = self.daemon(crm, sink={"retry": {"attempts": 2}})
        self.assertAnswer(self.post(onceway, event()), 502)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 3)

    def test_kept_connection_is_reused(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        for n in range(10):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200)
        self.assertEqual(crm.accepted, 1)

    def test_kept_connection_that_the_sink_closed(self):
        crm = self.sink()
        onceway = self.daemon(crm, sink={"retry": {"attempts": 1}})
        for n in range(5):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
            crm.close_connections()
        self.assertEqual(len(crm.requests), 5)

    def test_pool_is_a_bound(self):
        crm = self.sink(default=Answer(gate=threading.Event()))
        onceway = self.daemon(crm, sink={"pool": {"max_connections": 3}})
        calls = Later(together, lambda n: self.post(onceway, event(f"t{n}")), range(30))
        crm.wait(3)
        wait_until(lambda: onceway.metrics().get("onceway_inflight", route="cxone") == 30,
                   "30 events in flight")
        self.assertEqual((len(crm.requests), crm.accepted), (3, 3))
        crm.default.gate.set()
        for n, answer in enumerate(calls.get()):
            self.assertAnswer(answer, 200, routed(f"t{n}"))
        self.assertEqual(crm.most_open, 3)
        self.assertEqual(len(crm.requests), 30)

    def test_line_is_a_bound(self):
        crm = self.sink(default=Answer(gate=threading.Event()))
        onceway = self.daemon(
            crm, sink={"pool": {"max_connections": 1, "max_waiting": 2}, "retry": {"attempts": 1}})
        calls = [Later(self.post, onceway, event(f"t{n}")) for n in range(6)]
        # One at the sink, two in line; the other three are turned away at once.
        wait_until(lambda: sum(c.done() for c in calls) == 3, "three answers")
        for c in calls:
            if c.done():
                self.assertAnswer(c.get(), 503)
                self.assertIsNotNone(c.get().header("Retry-After"))
        crm.default.gate.set()
        answers = [c.get() for c in calls]
        self.assertEqual(sorted(a.status for a in answers), [200] * 3 + [503] * 3)
        # What was turned away is not lost: it can come again.
        for n, answer in enumerate(answers):
            if answer.status == 503:
                self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        self.assertEqual(len(crm.requests), 6)

    def test_large_answer_of_the_sink(self):
        crm = self.sink(Answer(body=b"x" * 2000))
        onceway = self.daemon(crm, sink={"max_response": "1KiB"}, route={"respond": "sink"})
        # Too large to be kept; but the sink has the event, so it is not sent again.
        for _ in range(2):
            self.assertAnswer(self.post(onceway, event()), 200, "")
        self.assertEqual(len(crm.requests), 1)
        self.assertIn("over max_response", onceway.log())


class Unreachable(Case):
    def test_sink_that_accepts_no_connection(self):
        # A full backlog: the handshake is never finished.
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = [socket.socket() for _ in range(8)]
        try:
            for s in held:
                s.setblocking(False)
                s.connect_ex(full.getsockname())
            onceway = self.daemon(self.sink(), sink={
                "url": f"http://127.0.0.1:{full.getsockname()[1]}/",
                "timeout": {"connect": "200ms"}, "retry": {"attempts": 1}})
            answer = self.post(onceway, event())
            self.assertIn(answer.status, (502, 504))
        finally:
            for s in held + [full]:
                s.close()


if __name__ == "__main__":
    unittest.main()
