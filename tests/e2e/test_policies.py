"""What a route does with events that are not simply new, and when its store fails."""
import json
import pathlib
import tempfile
import threading
import unittest

from case import Answer, Case, Later, configuration, discarded, event, routed, wait_until
from daemon import BUILD_DIR

MODULES = [str(pathlib.Path(BUILD_DIR).resolve() / "tests/e2e/.libs")]


class Policies(Case):
    def start(self, *script, **route):
        self.crm = self.sink(*script)
        self.onceway = self.daemon(self.crm, route=route)

    def send(self, *arguments, **data):
        return self.post(self.onceway, event(*arguments, **data))

    def count(self, outcome, family="onceway_events_total"):
        return self.onceway.metrics().get(family, route="cxone", outcome=outcome)

    def keys(self):
        return [r.header("Idempotency-Key") for r in self.crm.requests]


class OnMissing(Policies):
    BODY = b'{"triggerId":"t","timestamp":"2024-05-01T12:00:00Z"}'

    def test_reject(self):
        self.start()
        answer = self.post(self.onceway, self.BODY)
        self.assertAnswer(answer, 422)
        self.assertEqual(json.loads(answer.body)["detail"][0]["loc"], ["body", "entityId"])
        self.assertEqual((self.count("missing_key"), self.count("invalid")), (1, 0))
        self.assertEqual(self.crm.requests, [])

    def test_pass(self):
        self.start(on_missing="pass")
        for _ in range(2):
            self.assertAnswer(self.post(self.onceway, self.BODY), 200, routed("t"))
        self.assertEqual(self.crm.bodies, [self.BODY] * 2)
        self.assertEqual(self.keys(), [None, None])
        self.assertEqual(self.count("passed"), 2)
        # What is not lacking but wrong is invalid as before.
        wrong = self.BODY.replace(b'"t"', b'7')
        self.assertAnswer(self.post(self.onceway, wrong), 422)
        self.assertEqual(self.count("invalid"), 1)


class OnMismatch(Policies):
    """One key, two payloads: the note is no part of the key."""

    def test_ignore(self):
        self.start()
        self.assertAnswer(self.send(note="a"), 200, routed())
        self.assertAnswer(self.send(note="b"), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_reject(self):
        self.start(on_mismatch="reject")
        self.assertAnswer(self.send(note="a"), 200, routed())
        self.assertAnswer(self.send(note="b"), 422)
        self.assertAnswer(self.send(note="a"), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual((self.count("mismatch"), self.count("duplicate")), (1, 1))

    def test_pass(self):
        self.start(on_mismatch="pass")
        self.assertAnswer(self.send(note="a"), 200, routed())
        self.assertAnswer(self.send(note="b"), 200, routed())
        self.assertAnswer(self.send(note="a"), 200, discarded())
        self.assertEqual(self.crm.bodies, [event(note="a"), event(note="b")])
        self.assertIsNone(self.keys()[1])
        self.assertEqual(self.count("passed"), 1)

    def test_copies_that_wait(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), on_mismatch="reject")
        first = Later(self.send)
        self.crm.wait(1)
        same, other = Later(self.send), Later(lambda: self.send(note="b"))
        wait_until(lambda: self.onceway.metrics().get("onceway_waiting", route="cxone") == 2,
                   "two copies wait")
        gate.set()
        self.assertAnswer(first.get(), 200, routed())
        self.assertAnswer(same.get(), 200, routed())
        self.assertAnswer(other.get(), 422)


class Observe(Policies):
    def test_everything_is_delivered(self):
        bodies = [event(), event(), event(note="b"), OnMissing.BODY, b'{"triggerId":7}', b"[1"]
        self.start(observe=True, on_mismatch="reject")
        for body in bodies:
            self.assertAnswer(self.post(self.onceway, body), 200)
        self.assertEqual(self.crm.bodies, bodies)
        observed = {o: self.count(o, "onceway_observed_total") for o in
                    ("duplicate", "mismatch", "missing_key", "invalid", "rejected")}
        self.assertEqual(observed, {
            "duplicate": 1, "mismatch": 1, "missing_key": 1, "invalid": 2, "rejected": 0})
        self.assertEqual((self.count("delivered"), self.count("passed")), (1, 5))
        self.onceway.wait_log(r"info.* observed: would have been duplicate: it was delivered")
        self.assertIs(self.onceway.status()["routes"]["cxone"]["observe"], True)

    def test_replies_are_those_of_deliveries(self):
        self.start(observe=True)
        self.assertAnswer(self.send(), 200, routed())
        self.assertAnswer(self.send(), 200, routed())
        self.assertAnswer(self.post(self.onceway, b"{"), 200, '{"status":"delivered"}')

    def test_copies_do_not_wait(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), observe=True)
        first = Later(self.send)
        self.crm.wait(1)
        self.assertAnswer(self.send(), 200, routed())
        self.assertFalse(first.done())
        gate.set()
        self.assertAnswer(first.get(), 200, routed())


class InProgress(Policies):
    def test_answers(self):
        for policy, status in (("reject", 409), ("ack", 200)):
            with self.subTest(policy):
                gate = threading.Event()
                self.start(Answer(gate=gate), in_progress=policy)
                first = Later(self.send)
                self.crm.wait(1)
                answer = self.send()
                self.assertAnswer(answer, status)
                self.assertEqual(answer.header("Retry-After"), "1" if status == 409 else None)
                self.assertFalse(first.done())
                gate.set()
                self.assertAnswer(first.get(), 200, routed())


class Also(Case):
    def start(self, *scripts, **options):
        self.crm = self.sink()
        self.others = [self.sink(*script) for script in scripts]
        names = [f"other{i}" for i in range(len(scripts))]
        config = configuration(self.crm.port, route={"also": names}, **options)
        for name, other in zip(names, self.others):
            config["sinks"][name] = {
                "plugin": "http", "url": f"http://127.0.0.1:{other.port}/{name}"}
        self.onceway = self.daemon_of(config)

    def copies(self, outcome, sink="other0"):
        return self.onceway.metrics().get(
            "onceway_copies_total", route="cxone", sink=sink, outcome=outcome)

    def wait_copies(self, outcome, count=1, sink="other0"):
        wait_until(lambda: self.copies(outcome, sink) == count, f"{count} copies {outcome}")

    def test_each_sink_gets_a_copy_of_what_was_accepted(self):
        self.start([], [])
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
        for i, other in enumerate(self.others):
            self.wait_copies("sent", sink=f"other{i}")
            self.assertEqual(other.bodies, [event()])
            self.assertEqual(other.requests[0].header("Idempotency-Key"),
                             self.crm.requests[0].header("Idempotency-Key"))

    def test_a_refused_event_is_not_copied(self):
        self.start([])
        self.crm.script = [Answer(400)]
        self.assertAnswer(self.post(self.onceway, event()), 502)
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        self.wait_copies("sent")
        self.assertEqual(len(self.others[0].requests), 1)

    def test_a_copy_has_one_attempt_and_changes_nothing(self):
        self.start([Answer(503)], [Answer(act="hang")])
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        self.wait_copies("failed")
        self.assertEqual(len(self.others[0].requests), 1)
        self.assertEqual(self.onceway.metrics().get(
            "onceway_events_total", route="cxone", outcome="delivered"), 1)

    def test_a_drain_waits_for_copies(self):
        gate = threading.Event()
        self.start([Answer(gate=gate)])
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        self.others[0].wait(1)
        self.onceway.signal()
        self.onceway.wait_log("drain")
        gate.set()
        self.onceway.check_ended()
        self.assertNotIn("a copy was not accepted", self.onceway.log())


class Store(Case):
    """With a store that fails on command (store_breakable.c)."""

    def start(self, *script, fallback=False, **route):
        self.folder = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.addCleanup(self.folder.cleanup)
        self.state = pathlib.Path(self.folder.name, "state")
        self.crm = self.sink(*script)
        config = configuration(
            self.crm.port, onceway={"plugin_path": MODULES},
            store={"plugin": "breakable", "file": str(self.state)}, route=route)
        if fallback:
            config["stores"]["spare"] = {"plugin": "memory"}
            config["routes"]["cxone"]["on_store_error"] = {"fallback": "spare"}
        self.onceway = self.daemon_of(config)

    def wrong(self, *words):
        """From here on that is wrong with the store."""
        new = self.state.with_suffix(".new")
        new.write_text("".join(f"{w}\n" for w in words))
        new.rename(self.state)

    def operations(self):
        log = pathlib.Path(f"{self.state}.log")
        return [line.split(" ")[0] for line in log.read_text().splitlines()]

    def send(self, trigger="trg-1", **data):
        return self.post(self.onceway, event(trigger, **data))

    def metric(self, name, **labels):
        return self.onceway.metrics().get(name, **labels)

    def outcome(self, name):
        return self.metric("onceway_events_total", route="cxone", outcome=name)

    def on_fallback(self):
        gauge = self.metric("onceway_store_fallback", route="cxone")
        self.assertIs(self.onceway.status()["routes"]["cxone"]["on_fallback"], gauge == 1)
        return gauge == 1

    def test_reject(self):
        self.start()
        self.wrong("claim")
        answer = self.send()
        self.assertAnswer(answer, 503)
        self.assertEqual(answer.header("Retry-After"), "1")
        self.assertEqual(self.crm.requests, [])
        self.wrong()
        self.assertAnswer(self.send(), 200, routed())

    def test_pass(self):
        self.start(on_store_error="pass")
        self.wrong("claim")
        for _ in range(2):
            self.assertAnswer(self.send(), 200, routed())
        self.assertEqual(len(self.crm.requests), 2)
        self.assertEqual(len({r.header("Idempotency-Key") for r in self.crm.requests}), 1)
        self.assertEqual(self.outcome("passed"), 2)
        self.assertNotIn("commit", self.operations())

    def test_pass_delivers_copies_that_come_together_once(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), on_store_error="pass")
        self.wrong("claim")
        first = Later(self.send)
        self.crm.wait(1)
        copy = Later(self.send)
        wait_until(lambda: self.metric("onceway_waiting", route="cxone") == 1, "a copy waits")
        gate.set()
        self.assertAnswer(first.get(), 200, routed())
        self.assertAnswer(copy.get(), 200, routed())
        self.assertEqual(len(self.crm.requests), 1)

    def test_fallback_and_back(self):
        self.start(fallback=True)
        self.assertAnswer(self.send("before"), 200, routed("before"))
        self.assertFalse(self.on_fallback())
        self.wrong("claim")
        self.assertAnswer(self.send("a"), 200, routed("a"))
        self.assertTrue(self.on_fallback())
        self.assertAnswer(self.send("a"), 200, discarded("a"))
        # What was taken before the failure is not known to the fallback.
        self.assertAnswer(self.send("before"), 200, routed("before"))
        self.wrong()

        def back():
            self.assertEqual(self.send("probe").status, 200)
            return not self.on_fallback()
        wait_until(back, "the first store is used again")
        self.assertAnswer(self.send("before"), 200, discarded("before"))
        self.assertAnswer(self.send("b"), 200, routed("b"))
        self.assertAnswer(self.send("b"), 200, discarded("b"))
        log = self.onceway.log()
        self.assertEqual(log.count("store main cannot take keys"), 1)
        self.assertEqual(log.count("store main takes keys again"), 1)

    def test_a_slow_claim_is_given_back(self):
        self.start(fallback=True)
        self.wrong("hang")
        self.assertAnswer(self.send(), 200, routed())
        wait_until(lambda: "release" in self.operations(), "the claim is given back")
        self.assertEqual(len(self.crm.requests), 1)

    def test_ready_without_its_store(self):
        cases = (({}, 503), ({"on_store_error": "pass"}, 200), ({"observe": True}, 200),
                 ({"fallback": True}, 200))
        for options, status in cases:
            with self.subTest(options):
                self.start(**options)
                self.wrong("unready")
                wait_until(
                    lambda: self.onceway.status()["stores"]["main"]["ready"] is False,
                    "the store is not ready")
                self.assertEqual(self.onceway.admin("/readyz").status, status)

    def test_a_commit_that_fails_is_tried_again(self):
        self.start()
        self.wrong("commit")
        first = Later(self.send)
        wait_until(lambda: self.state.with_name("state.log").exists() and
                   self.operations().count("commit") >= 3, "three commits")
        self.assertFalse(first.done())
        self.wrong()
        self.assertAnswer(first.get(), 200, routed())
        self.assertAnswer(self.send(), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_what_cannot_be_committed_is_delivered_all_the_same(self):
        self.start(deadline="300ms")
        self.wrong("commit")
        self.assertAnswer(self.send(), 200, routed())
        self.assertGreaterEqual(self.operations().count("commit"), 2)

    def test_window_mode(self):
        for mode, word in (("fixed", "claim"), ("sliding", "sliding")):
            with self.subTest(mode):
                self.start(window_mode=mode)
                self.assertAnswer(self.send(), 200, routed())
                self.assertAnswer(self.send(), 200, discarded())
                self.assertEqual(self.operations(), [word, "commit", word])

    def test_observe_delivers_without_the_store(self):
        self.start(observe=True)
        self.wrong("claim")
        self.assertAnswer(self.send(), 200, routed())
        self.assertEqual(self.metric(
            "onceway_observed_total", route="cxone", outcome="rejected"), 1)


if __name__ == "__main__":
    unittest.main()
