"""Copies of one event at the same time, and more events than there may be."""
import threading
import time
import unittest

from case import Answer, Case, Later, client, discarded, event, routed, together, wait_until

COPIES = 64


class Copies(Case):
    def start(self, *script, **options):
        self.crm = self.sink(*script)
        self.onceway = self.daemon(self.crm, **options)

    def send_copies(self, count=COPIES):
        """Sends copies, each on its own connection; returns their answers to come."""
        return [Later(self.post, self.onceway, event()) for _ in range(count)]

    def wait_inflight(self, count):
        wait_until(lambda: self.onceway.metrics().get("onceway_inflight", route="cxone") == count,
                   f"{count} events in flight")

    def outcomes(self):
        m = self.onceway.metrics()
        return {o: int(m.get("onceway_events_total", route="cxone", outcome=o))
                for o in ("delivered", "duplicate", "failed", "rejected")}

    def test_one_delivery_and_equal_answers(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        copies = self.send_copies()
        self.wait_inflight(COPIES)
        self.assertEqual(self.onceway.metrics().get("onceway_waiting", route="cxone"), COPIES - 1)
        self.assertFalse(any(c.done() for c in copies))
        gate.set()
        answers = [c.get() for c in copies]
        self.assertEqual({(a.status, a.text) for a in answers}, {(200, routed())})
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.outcomes(), {
            "delivered": 1, "duplicate": COPIES - 1, "failed": 0, "rejected": 0})
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())

    def test_without_any_order(self):
        self.start()
        answers = together(lambda _: self.post(self.onceway, event()), range(COPIES))
        self.assertEqual({a.status for a in answers}, {200})
        self.assertGreaterEqual([a.text for a in answers].count(routed()), 1)
        self.assertLessEqual({a.text for a in answers}, {routed(), discarded()})
        self.assertEqual(len(self.crm.requests), 1)

    def test_a_waiting_copy_takes_over(self):
        gate = threading.Event()
        self.start(Answer(500, gate=gate), sink={"retry": {"attempts": 1}})
        copies = self.send_copies()
        self.wait_inflight(COPIES)
        gate.set()
        answers = [c.get() for c in copies]
        statuses = sorted(a.status for a in answers)
        # The one that failed is told so; the others have the next one's success.
        self.assertEqual(statuses, [200] * (COPIES - 1) + [502])
        self.assertEqual({a.text for a in answers if a.status == 200}, {routed()})
        self.assertEqual(len(self.crm.requests), 2)
        self.assertEqual(self.outcomes(), {
            "delivered": 1, "duplicate": COPIES - 2, "failed": 1, "rejected": 0})

    def test_no_copy_is_acknowledged_falsely(self):
        gate = threading.Event()
        self.start(Answer(500, gate=gate), *[Answer(500)] * 20, sink={"retry": {"attempts": 1}})
        copies = self.send_copies(8)
        self.wait_inflight(8)
        gate.set()
        self.assertEqual([c.get().status for c in copies], [502] * 8)
        self.assertEqual(len(self.crm.requests), 8)

    def test_the_first_copys_client_goes_away(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        first = self.connect(self.onceway)
        first.post(event())
        self.crm.wait(1)
        copies = self.send_copies(3)
        self.wait_inflight(4)
        first.reset()
        gate.set()
        for c in copies:
            self.assertAnswer(c.get(), 200, routed())
        self.assertEqual(len(self.crm.requests), 1)

    def test_a_copy_waits_no_longer_than_the_deadline(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), route={"deadline": "1s"}, sink={
            "timeout": {"total": "1h"}, "retry": {"attempts": 1}})
        first = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        # The first one's deadline comes first; then this copy takes over, for what is left.
        self.assertIn(self.post(self.onceway, event()).status, (200, 409, 504))
        self.assertAnswer(first.get(), 504)

    def test_reject(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), route={"in_progress": "reject"})
        first = self.send_copies(1)[0]
        self.crm.wait(1)
        copy = self.post(self.onceway, event())
        self.assertAnswer(copy, 409)
        self.assertGreaterEqual(int(copy.header("Retry-After")), 1)
        gate.set()
        self.assertAnswer(first.get(), 200, routed())
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
        self.assertEqual(self.outcomes(), {
            "delivered": 1, "duplicate": 1, "failed": 0, "rejected": 1})

    def test_ack(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), route={"in_progress": "ack"})
        first = self.send_copies(1)[0]
        self.crm.wait(1)
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
        gate.set()
        self.assertAnswer(first.get(), 200, routed())
        self.assertEqual(len(self.crm.requests), 1)

    def test_other_events_do_not_wait(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        first = self.send_copies(1)[0]
        self.crm.wait(1)
        self.assertAnswer(self.post(self.onceway, event("other")), 200, routed("other"))
        self.assertFalse(first.done())
        gate.set()
        self.assertAnswer(first.get(), 200, routed())


class Bounds(Case):
    def test_max_inflight(self):
        crm = self.sink(default=Answer(gate=threading.Event()))
        onceway = self.daemon(crm, route={"max_inflight": 2})
        calls = [Later(self.post, onceway, event(f"t{n}")) for n in range(2)]
        crm.wait(2)
        for body in (event("t2"), event("t0")):
            answer = self.post(onceway, body)
            self.assertAnswer(answer, 503)
            self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
        crm.default.gate.set()
        for n, c in enumerate(calls):
            self.assertAnswer(c.get(), 200, routed(f"t{n}"))
        self.assertAnswer(self.post(onceway, event("t2")), 200, routed("t2"))
        self.assertEqual(len(crm.requests), 3)

    def test_full_store(self):
        onceway = self.daemon(self.sink(), store={"max_keys": 2})
        for n in range(2):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        answer = self.post(onceway, event("t2"))
        self.assertAnswer(answer, 503)
        self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
        self.assertAnswer(self.post(onceway, event("t0")), 200, discarded("t0"))

    def test_two_workers_share_the_store(self):
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate))
        onceway = self.daemon(crm, **self.workers(2))
        copies = [Later(self.post, onceway, event()) for _ in range(COPIES)]
        wait_until(lambda: onceway.metrics().get("onceway_inflight", route="cxone") == COPIES,
                   "all copies in flight")
        gate.set()
        answers = [c.get() for c in copies]
        self.assertEqual({a.status for a in answers}, {200})
        self.assertLessEqual({a.text for a in answers}, {routed(), discarded()})
        self.assertEqual(len(crm.requests), 1)


class Window(Case):
    def test_after_the_window_it_is_delivered_again(self):
        crm = self.sink()
        onceway = self.daemon(crm, route={"window": "1s"})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        delivered = time.monotonic()

        def again():
            asked = time.monotonic()
            answer = self.post(onceway, event())
            if answer.text == discarded():
                return False
            self.assertAnswer(answer, 200, routed())
            self.assertGreaterEqual(asked - delivered + 0.2, 1)
            return True
        wait_until(again, "the end of the window")
        self.assertEqual(len(crm.requests), 2)

    def test_a_long_delivery_keeps_its_claim(self):
        # One attempt may not last longer than the claim, but all of a delivery may: the
        # claim is renewed meanwhile, and the other worker, which asks the store, would be
        # given an expired one.
        crm = self.sink(Answer(503, headers=[("Retry-After", "4")]))
        onceway = self.daemon(
            crm, route={"lock": "1s"}, sink={"timeout": {"connect": "1s", "total": "1s"}},
            **self.workers(2))
        first = Later(self.post, onceway, event())
        crm.wait(1)
        time.sleep(1.5)
        copies = [Later(self.post, onceway, event()) for _ in range(16)]
        self.assertAnswer(first.get(), 200, routed())
        self.assertEqual({c.get().status for c in copies}, {200})
        m = onceway.metrics()
        self.assertEqual(m.get("onceway_events_total", route="cxone", outcome="delivered"), 1)
        self.assertGreaterEqual(m.get("onceway_store_seconds_count", store="main", op="renew"), 3)
        self.assertEqual(m.get("onceway_lease_lost_total", route="cxone"), 0)


if __name__ == "__main__":
    unittest.main()
