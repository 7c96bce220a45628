"""Dead letters: what cannot be delivered is kept, and acknowledged; and answers that were lost."""
import json
import threading
import unittest

import sqs_server
import test_sqs
from case import Answer, Later, discarded, event, routed, wait_until
from daemon import run
from test_accepted import Kept, rows


class Dead(Kept):
    def keeping(self, peer, route=(), **options):
        return self.daemon(
            peer, onceway={"state_dir": self.state}, route=dict(route), **options)

    def dead(self):
        return rows(self.state, "died_ms IS NOT NULL")

    def wait_dead(self, count=1):
        wait_until(lambda: len(self.dead()) == count, f"{count} dead letters")
        return self.dead()


class Http(Dead):
    def test_off_unless_asked_for(self):
        onceway = self.keeping(self.sink(Answer(400)))
        self.assertAnswer(self.post(onceway, event()), 502)
        self.assertEqual(self.dead(), [])

    def test_refused(self):
        crm = self.sink(Answer(422, b'{"no":1}'))
        onceway = self.keeping(
            crm, route={"dead_letter": True}, source={"pass_client_errors": True})
        answer = self.post(onceway, event())
        # Acknowledged: not with the sink's own status, though that is to be passed on.
        self.assertAnswer(answer, 202, '{"status":"failed","error":"the sink answered 422"}')
        self.assertEqual([reason for _, _, reason in self.dead()], ["the sink answered 422"])
        self.assertEqual(self.outcomes(onceway, "failed"), 1)
        self.assertEqual(onceway.metrics().get("onceway_dead_letters"), 1)

    def test_attempts_used_up(self):
        crm = self.sink(*[Answer(503)] * 2)
        onceway = self.keeping(
            crm, route={"dead_letter": True},
            sink={"retry": {"attempts": 2, "base": "1ms", "max": "1ms"}})
        self.assertAnswer(self.post(onceway, event()), 202)
        self.assertEqual(len(self.dead()), 1)
        # The key is free: what comes again is delivered.
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_copies_that_waited_need_no_letter_of_their_own(self):
        gate = threading.Event()
        crm = self.sink(Answer(400, gate=gate))
        onceway = self.keeping(crm, route={"dead_letter": True})
        calls = [Later(self.post, onceway, event()) for _ in range(3)]
        wait_until(lambda: onceway.metrics().get(
            "onceway_inflight", route="cxone") == 3, "three in flight")
        gate.set()
        self.assertEqual([c.get().status for c in calls], [202] * 3)
        self.assertEqual(len(self.dead()), 1)
        self.assertEqual(len(crm.requests), 1)


class Missing(Dead):
    BODY = b'{"triggerId":"t","timestamp":"now"}'

    def test_dead_letter(self):
        crm = self.sink()
        onceway = self.keeping(crm, route={"on_missing": "dead_letter"})
        answer = self.post(onceway, self.BODY)
        self.assertAnswer(answer, 202, '{"status":"missing_key","error":"entityId is missing"}')
        self.assertEqual(
            self.dead(), [("cxone", "", "entityId is missing")])
        self.assertEqual(self.outcomes(onceway, "missing_key"), 1)
        self.assertEqual(crm.requests, [])
        # What is only malformed is the vendor's to mend.
        self.assertAnswer(self.post(onceway, b"{"), 422)
        self.assertEqual(len(self.dead()), 1)


class MissingBehindADestination(Dead):
    """EventBridge never sends again what was refused: nobody else would keep it."""
    EVENT = {"version": "0", "id": "e-1", "source": "us", "account": "1", "region": "us-east-1",
             "time": "2026-05-01T12:00:00Z", "resources": [], "detail-type": "made", "detail": {}}

    def destination(self, **options):
        return self.daemon(
            self.sink(), source={"plugin": "eventbridge"},
            route={"key": {"plugin": "fields", "from": ["/detail/order"]}}, **options)

    def test_kept_where_there_is_a_disk(self):
        onceway = self.destination(onceway={"state_dir": self.state})
        self.assertAnswer(self.post(onceway, json.dumps(self.EVENT).encode()), 202)
        self.assertEqual([reason for _, _, reason in self.dead()], ["detail/order is missing"])

    def test_refused_without(self):
        onceway = self.destination()
        self.assertAnswer(self.post(onceway, json.dumps(self.EVENT).encode()), 400)


class Unknown(Dead):
    """The sink takes the request, and its answer is lost."""

    def lost(self, **route):
        self.crm = self.sink(Answer(act="close"))
        return self.keeping(self.crm, route=route)

    def test_retry(self):
        onceway = self.lost()
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        first, second = self.crm.requests
        self.assertEqual(first.header("Idempotency-Key"), second.header("Idempotency-Key"))
        self.assertEqual(self.outcomes(onceway, "unknown"), 0)

    def test_release(self):
        onceway = self.lost(on_unknown="release")
        self.assertAnswer(self.post(onceway, event()), 502)
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.outcomes(onceway, "unknown"), 1)
        self.assertEqual(self.dead(), [])
        self.assertRegex(onceway.log(), "error .*unknown: the sink's answer was lost")
        # It is the vendor's to send it again.
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_hold(self):
        onceway = self.lost(on_unknown="hold")
        answer = self.post(onceway, event())
        self.assertAnswer(answer, 202, '{"status":"unknown","error":"the sink\'s answer was lost"}')
        [(_, _, reason)] = self.dead()
        self.assertRegex(reason, "^the sink's answer was lost")
        self.assertEqual(self.outcomes(onceway, "unknown"), 1)
        self.assertRegex(onceway.log(), "error .*unknown: the sink's answer was lost")
        # Its key is kept: nothing is delivered a second time.
        self.assertAnswer(self.post(onceway, event()), 502)
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.outcomes(onceway, "duplicate"), 1)

    def test_hold_after_it_was_accepted(self):
        onceway = self.lost(on_unknown="hold", ack="accepted")
        self.assertAnswer(self.post(onceway, event()), 202, routed())
        self.wait_dead()
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.outcomes(onceway, "unknown"), 1)


class Replay(Dead):
    """With `onceway dead`, while the daemon runs."""

    def command(self, *arguments):
        done = run("dead", *arguments, "--state-dir", self.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def refused(self, **options):
        crm = self.sink(Answer(400, b'{"no":1}'))
        onceway = self.accepting(crm, **options)
        self.assertAnswer(self.post(onceway, event()), 202)
        self.wait_dead()
        return crm, onceway

    def test_past_the_record_and_then_a_late_duplicate(self):
        crm, onceway = self.refused()
        [letter] = json.loads(self.command("list", "--format", "json"))
        self.assertEqual((letter["route"], letter["reason"]), ("cxone", "the sink answered 400"))
        shown = self.command("show", str(letter["id"]))
        self.assertIn("the sink answered 400", shown)
        self.command("replay", str(letter["id"]))
        self.wait_empty()
        self.assertEqual(self.dead(), [])
        first, second = crm.wait(2)
        self.assertEqual(first.body, second.body)
        self.assertEqual(first.header("Idempotency-Key"), second.header("Idempotency-Key"))
        self.assertRegex(onceway.log(), f"info .*replay of {letter['id']}: delivered: .*key=")
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(len(crm.requests), 2)

    def test_that_fails_again(self):
        crm, onceway = self.refused()
        crm.default = Answer(422)
        self.command("replay", "--all")
        wait_until(lambda: len(crm.requests) == 2, "the replay")
        [(_, _, reason)] = self.wait_dead()
        self.assertEqual(reason, "the sink answered 422")
        [letter] = json.loads(self.command("show", "--all", "--format", "json"))
        self.assertEqual([a["code"] for a in letter["history"]], ["400", "422"])
        self.assertRegex(onceway.log(), r"info .*replay of \d+: failed: ")

    def test_of_a_key_that_was_delivered_meanwhile(self):
        for options, requests, outcome in ((["--honour"], 2, "duplicate"), ([], 3, "passed")):
            with self.subTest(options):
                crm, onceway = self.refused()
                self.assertAnswer(self.post(onceway, event()), 202)
                self.wait_empty()
                self.command("replay", "--all", *options)
                onceway.wait_log(rf"replay of \d+: {outcome}: ")
                self.wait_empty()
                self.assertEqual(len(crm.requests), requests)
                onceway.stop()

    def test_of_what_had_no_key(self):
        crm = self.sink()
        onceway = self.keeping(crm, route={"on_missing": "dead_letter"})
        self.assertAnswer(self.post(onceway, Missing.BODY), 202)
        self.command("replay", "--all")
        [request] = crm.wait(1)
        self.assertEqual(request.body, Missing.BODY)
        self.assertIsNone(request.header("Idempotency-Key"))
        self.wait_empty()

    def test_that_fails_again_where_failures_are_not_kept(self):
        crm = self.sink(Answer(400))
        onceway = self.keeping(crm, route={"on_missing": "dead_letter"})
        self.assertAnswer(self.post(onceway, Missing.BODY), 202)
        self.command("replay", "--all")
        onceway.wait_log(r"replay of \d+: failed: ")
        [(_, _, reason)] = self.wait_dead()
        self.assertEqual(reason, "the sink answered 400")

    def test_after_the_route_has_changed_its_mind(self):
        crm, onceway = self.refused()
        onceway.stop()
        crm.default = Answer(422)
        onceway = self.keeping(crm)
        self.command("replay", "--all")
        onceway.wait_log(r"replay of \d+: failed: ")
        [(_, _, reason)] = self.wait_dead()
        self.assertEqual(reason, "the sink answered 422")

    def test_without_a_daemon_it_waits_for_one(self):
        crm, onceway = self.refused()
        onceway.stop()
        self.command("replay", "--all")
        self.assertEqual(len(rows(self.state)), 1)
        onceway.start()
        crm.wait(2)
        self.wait_empty()


class Queue(Dead, test_sqs.SqsCase):
    @classmethod
    def setUpClass(cls):
        test_sqs.server = sqs_server.Server()
        cls.addClassCleanup(test_sqs.server.close)

    def consuming(self, queue, crm, **options):
        return self.consumer(queue, crm, onceway={"state_dir": self.state}, **options)

    def test_refused_for_good_is_deleted(self):
        queue = self.queue()
        crm = self.sink(choose=lambda r: Answer(400 if b'"number": 1' in r.body else 200))
        queue.send(test_sqs.message(1), test_sqs.message(2))
        onceway = self.consuming(queue, crm)
        queue.wait_empty()
        [(route, key, reason)] = self.wait_dead()
        self.assertEqual((route, key, reason), ("events", "event:id-1", "the sink answered 400"))
        self.assertEqual(self.total(onceway, "events_total", outcome="failed"), 1)

    def test_what_may_work_later_goes_back(self):
        queue, crm = self.queue(), self.sink(Answer(503), Answer(503))
        queue.send(test_sqs.message(1))
        self.consuming(queue, crm)
        queue.wait_empty()
        self.assertEqual(len(crm.requests), 3)
        self.assertEqual(self.dead(), [])


if __name__ == "__main__":
    unittest.main()
