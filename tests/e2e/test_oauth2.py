"""OAuth 2 before the system behind: one token for all, whatever becomes of it."""
import threading
import time
import unittest

import client
from case import Answer, Case, Later, event, routed, together, wait_until
from daemon import PATIENCE
from login import SECRET, Login
from secure import Certificates

REFRESHES = "onceway_oauth_refreshes_total"


class OAuth2(Case):
    tls = {}

    def login(self, **how):
        self.behind = Login(**how)
        self.sinks.append(self.behind.sink)
        return self.behind

    def secure_login(self, **how):
        """Over TLS, both the token endpoint and what is behind."""
        files = Certificates()
        self.addCleanup(files.close)
        self.tls = {"tls": {"ca": files("ca.pem")}}
        return self.login(tls=files.server(), **how)

    def serve(self, start=True, host="", sink=(), oauth2=(), **options):
        host = host or ("localhost" if self.tls else "127.0.0.1")
        settings = {
            "url": self.behind.url("/in", host), "retry": {"attempts": 1}, **self.tls,
            "oauth2": {**self.behind.options(host), **self.tls, **dict(oauth2)}, **dict(sink)}
        self.onceway = self.daemon(self.behind.sink, start=False, sink=settings, **options)
        return self.onceway.start(ready=start)

    def send(self, number):
        trigger = f"trg-{number}"
        answer = self.post(self.onceway, event(trigger))
        self.assertAnswer(answer, 200, routed(trigger))

    def check_delivered(self, count):
        """That many events, each of them once."""
        bodies = [r.body for r in self.behind.events]
        self.assertEqual(len(bodies), count)
        self.assertEqual(len(set(bodies)), count)

    def check_no_secrets(self):
        for secret in (SECRET, "token-1", "token-2"):
            self.assertNotIn(secret, self.onceway.log())
            self.assertNotIn(secret, self.onceway.admin("/status").text)

    def refreshes(self, result):
        return self.onceway.metrics().get(REFRESHES, sink="crm", result=result)


class OneToken(OAuth2):
    def test_a_thousand_events_wait_for_one_token(self):
        self.secure_login().gate = gate = threading.Event()
        self.serve()
        wait_until(lambda: self.behind.asked, "a request for a token")
        connections = [self.connect(self.onceway) for _ in range(100)]
        for i, connection in enumerate(connections):
            for j in range(10):
                connection.post(event(f"trg-{i}-{j}"))
        wait_until(lambda: self.onceway.metrics().total("onceway_inflight") == 1000,
                   "a thousand events in flight")
        gate.set()
        for i, connection in enumerate(connections):
            for j in range(10):
                self.assertAnswer(connection.answer(), 200, routed(f"trg-{i}-{j}"))
        self.check_delivered(1000)
        self.assertEqual(len(self.behind.asked), 1)
        self.assertEqual(self.behind.refusals, 0)
        self.assertEqual(self.refreshes("ok"), 1)
        self.check_no_secrets()

    def test_two_workers_share_it(self):
        self.login()
        self.serve(**self.workers(2))
        answers = together(lambda i: self.post(self.onceway, event(f"trg-{i}")), range(60))
        self.assertEqual({a.status for a in answers}, {200})
        self.check_delivered(60)
        self.assertEqual(len(self.behind.asked), 1)
        # Both of them refused at the same time, and still one request for the next.
        self.behind.revoke()
        answers = together(lambda i: self.post(self.onceway, event(f"new-{i}")), range(60))
        self.assertEqual({a.status for a in answers}, {200})
        self.check_delivered(120)
        self.assertEqual(len(self.behind.asked), 2)

    def test_over_tls_as_json(self):
        self.secure_login()
        self.serve(oauth2={"style": "json", "scope": "contact:write", "audience": "crm"})
        self.send(1)
        self.assertEqual(self.behind.asked, [{
            "grant_type": "client_credentials", "client_id": "us", "client_secret": SECRET,
            "scope": "contact:write", "audience": "crm"}])
        self.check_no_secrets()

    def test_a_login_that_is_not_who_it_should_be(self):
        files = Certificates()
        self.addCleanup(files.close)
        self.login(tls=files.server("unknown"))
        ca = {"ca": files("ca.pem")}
        self.serve(start=False, host="localhost", sink={"tls": ca}, oauth2={"tls": ca})
        wait_until(lambda: "unknown CA" in self.onceway.admin("/readyz").text, "/readyz")
        self.assertEqual(self.behind.asked, [])


class Expiry(OAuth2):
    def test_no_event_fails_when_tokens_end(self):
        self.secure_login(life=2)
        self.serve()
        sent, end = 0, time.monotonic() + PATIENCE
        while len(self.behind.used()) < 4:
            self.assertLess(time.monotonic(), end)
            self.send(sent)
            sent += 1
        self.check_delivered(sent)
        self.assertEqual(self.behind.refusals, 0)

    def test_no_event_fails_when_tokens_end_earlier_than_was_said(self):
        self.secure_login(life=1.5, expires_in=3600)
        self.serve()
        sent, end = 0, time.monotonic() + PATIENCE
        while len(self.behind.used()) < 4:
            self.assertLess(time.monotonic(), end)
            self.send(sent)
            sent += 1
        self.check_delivered(sent)
        self.assertEqual(self.behind.refusals, len(self.behind.asked) - 1)

    def test_an_odd_life(self):
        for said in (0, "soon", -5, None, 1e300):
            with self.subTest(said):
                self.login(life=60, expires_in=said)
                self.serve()
                self.send(1)
                self.send(2)
                self.assertEqual(len(self.behind.asked), 1)
                self.onceway.stop()


class Refusals(OAuth2):
    def test_a_storm_of_refusals_makes_one_refresh(self):
        self.secure_login()
        self.serve()
        self.send("first")
        self.behind.revoke()
        gate = self.behind.refusal_gate = threading.Event()
        calls = [Later(self.post, self.onceway, event(f"trg-{i}")) for i in range(80)]
        wait_until(lambda: self.behind.refusals > 1, "several refusals at once")
        gate.set()
        self.assertEqual({c.get().status for c in calls}, {200})
        self.check_delivered(81)
        self.assertEqual(len(self.behind.asked), 2)
        # Each was one attempt, with a token that was good in the end.
        self.assertEqual(self.onceway.metrics().get(
            "onceway_sink_attempts_total", sink="crm", code="200"), 81)

    def test_a_system_that_takes_no_token_at_all(self):
        self.login(life=-1, expires_in=3600)
        self.serve()
        for i in range(8):
            self.assertEqual(self.post(self.onceway, event(f"trg-{i}")).status, 502)
        self.assertEqual(self.behind.events, [])
        self.assertEqual(len(self.behind.asked), 2)


class NoToken(OAuth2):
    def refused(self, answer, why, result, **oauth2):
        """The event is not delivered, for a reason that is told; then all is well again."""
        self.login().instead = answer
        self.serve(start=False, oauth2=oauth2)
        wait_until(lambda: why in self.onceway.admin("/readyz").text, why)
        self.assertEqual(self.onceway.admin("/readyz").status, 503)
        answer = self.post(self.onceway, event())
        self.assertIn(answer.status, (502, 503, 504), answer)
        self.onceway.wait_log("no OAuth 2 token from http://127.0.0.1:")
        self.assertIn(why, self.onceway.log())
        self.assertEqual(self.behind.events, [])
        self.assertEqual(self.refreshes("ok"), 0)
        self.assertGreaterEqual(self.refreshes(result), 1)
        self.assertGreaterEqual(self.onceway.metrics().get(
            "onceway_sink_attempts_total", sink="crm", code="credentials"), 1)
        self.behind.instead = None
        wait_until(lambda: self.onceway.admin("/readyz").status == 200, "it is ready again")
        self.send("again")
        self.check_no_secrets()
        self.onceway.stop()

    def test_the_endpoint_refuses(self):
        self.refused(Answer(401, b'{"error":"invalid_client"}'),
                     "it answered 401 invalid_client: check oauth2.client_id", "refused")
        self.refused(Answer(403, b"<html>"), "it answered 403: check oauth2.scope", "refused")
        self.refused(Answer(302, b"", [("Location", "/login")]),
                     "redirects are not followed: check oauth2.token_url", "refused")

    def test_the_endpoint_does_not_work(self):
        self.refused(Answer(500), "it answered 500", "failed")
        self.refused(Answer(act="hang"), "no answer within 300 ms", "failed", timeout="300ms")
        self.refused(Answer(act="garbage"), "not an answer", "failed")
        self.refused(Answer(act="reset"), "connection lost before an answer", "failed")
        self.refused(Answer(act="half"), "in the middle of the answer", "failed")

    def test_the_endpoint_answers_no_token(self):
        for body, why in (
                (b"<html>Welcome</html>", "not a JSON object"), (b"{}", "has no access_token"),
                (b'{"access_token":"a\\nb"}', "cannot stand in a header"),
                (b'{"access_token":"x","token_type":"mac"}', "not Bearer"),
                (b'{"access_token":"' + b"x" * 70000 + b'"}', "larger than 64 KiB")):
            with self.subTest(why):
                self.refused(Answer(200, body), why, "failed")

    def test_a_wrong_secret_is_told_and_not_shown(self):
        self.login()
        self.serve(start=False, oauth2={"client_secret": "not-" + SECRET})
        wait_until(lambda: "check oauth2.client_id" in self.onceway.admin("/readyz").text,
                   "/readyz")
        answers = together(lambda i: self.post(self.onceway, event(f"trg-{i}")), range(20))
        self.assertTrue({a.status for a in answers} <= {502, 503, 504}, answers)
        self.assertLess(len(self.behind.asked), 4)
        self.check_no_secrets()

    def test_events_wait_for_a_slow_endpoint(self):
        self.login().gate = gate = threading.Event()
        self.serve()
        calls = [client.Connection(self.onceway.port) for _ in range(5)]
        for i, call in enumerate(calls):
            self.addCleanup(call.close)
            call.post(event(f"trg-{i}"))
        wait_until(lambda: self.onceway.metrics().total("onceway_inflight") == 5, "in flight")
        self.assertTrue(calls[0].is_silent(0.5))
        gate.set()
        for i, call in enumerate(calls):
            self.assertAnswer(call.answer(), 200, routed(f"trg-{i}"))

    def test_time_is_up(self):
        self.login().gate = threading.Event()
        self.serve(sink={"timeout": {"total": "300ms"}}, oauth2={"timeout": "60s"})
        self.assertEqual(self.post(self.onceway, event()).status, 504)
        self.assertEqual(self.behind.events, [])


if __name__ == "__main__":
    unittest.main()
