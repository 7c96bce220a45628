"""`answer_within`: who cannot wait for the outcome is told in time that the event is kept."""
import threading
import time
import unittest

from case import Answer, Later, discarded, event, routed, wait_until
from test_accepted import Kept, rows

WITHIN = 0.5


class AnswerWithin(Kept):
    def answering(self, peer, route=(), **options):
        return self.daemon(
            peer, onceway={"state_dir": self.state},
            route={"answer_within": f"{int(WITHIN * 1000)}ms", **dict(route)}, **options)

    def test_known_in_time(self):
        crm = self.sink()
        onceway = self.answering(crm)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        # Nothing was put there, not even for a moment.
        self.assertEqual(onceway.metrics().get("onceway_spool_batch_count"), 0)

    def test_not_known_in_time(self):
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate))
        onceway = self.answering(crm)
        begun = time.monotonic()
        copies = [Later(self.post, onceway, event())]
        crm.wait(1)
        copies += [Later(self.post, onceway, event()) for _ in range(3)]
        answers = [c.get() for c in copies]
        self.assertGreaterEqual(time.monotonic() - begun, WITHIN)
        # One event, kept once; its copies waited with it, and are its duplicates.
        self.assertEqual(sorted(a.status for a in answers), [200, 200, 200, 202])
        self.assertEqual(len(rows(self.state)), 1)
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        gate.set()
        self.wait_empty()
        self.assertEqual(self.outcomes(onceway, "delivered"), 1)
        self.assertEqual(self.outcomes(onceway, "duplicate"), 4)
        self.assertEqual(len(crm.requests), 1)

    def test_while_it_is_tried_again(self):
        crm = self.sink(*[Answer(503)] * 3)
        onceway = self.answering(crm, sink={"retry": {"base": "1s", "max": "1s", "jitter": "none"}})
        self.assertAnswer(self.post(onceway, event()), 202, routed())
        onceway.kill()
        onceway.start()
        crm.wait(3)
        self.wait_empty()
        keys = {r.header("Idempotency-Key") for r in crm.requests}
        self.assertEqual(len(keys), 1)

    def test_refused_after_the_answer(self):
        gate = threading.Event()
        crm = self.sink(Answer(400, gate=gate))
        onceway = self.answering(crm)
        self.assertAnswer(self.post(onceway, event()), 202)
        gate.set()
        wait_until(lambda: rows(self.state, "died_ms IS NOT NULL"), "a dead letter")

    def test_refused_before_it(self):
        """Its source still waits: it is a dead letter at once, and acknowledged."""
        onceway = self.answering(self.sink(Answer(400)))
        answer = self.post(onceway, event())
        self.assertAnswer(answer, 202, '{"status":"failed","error":"the sink answered 400"}')
        self.assertEqual(len(rows(self.state, "died_ms IS NOT NULL")), 1)

    def test_disk_that_takes_nothing(self):
        """As if there were no answer_within: the source waits for the outcome."""
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate))
        onceway = self.daemon(
            crm, onceway={"state_dir": self.state, "spool": {"max_size": "1MiB"}},
            listener={"max_body": "4MiB"}, route={"answer_within": "100ms"})
        call = Later(self.post, onceway, event(note="x" * (2 << 20)))
        onceway.wait_log("error .*it cannot be put on disk: the spool is full")
        self.assertFalse(call.done())
        gate.set()
        self.assertAnswer(call.get(), 200, routed())


if __name__ == "__main__":
    unittest.main()
