"""Many copies of many events, racing to two workers: each is delivered once.

It is also what the thread sanitizer is shown (contrib/check threads).
"""
import collections
import socket
import threading
import unittest

import client
from case import Case, discarded, event, routed

KEYS = 5000
COPIES = 10
SPLIT = 2  # connections for one copy of all keys
PIPELINED = 16

TIMEOUT = 300  # under a sanitizer, on a machine that has other things to do


class Racer:
    """Sends its requests over one connection, always PIPELINED ahead of the answers."""

    def __init__(self, port, bodies, start):
        self.bodies, self.start = bodies, start
        self.answers = collections.Counter()
        self.error = None
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.start.wait()
            with self.socket:
                self._race()
        except Exception as e:  # seen by the test
            self.error = e

    def _race(self):
        # Bytes ready to send: what happens in between should be the daemon's doing.
        requests = [client.request_bytes("POST", client.PATH, body) for body in self.bodies]
        sent = min(PIPELINED, len(requests))
        self.socket.sendall(b"".join(requests[:sent]))
        pending, count = b"", 0
        while count < len(requests):
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed after {count} answers")
            pending, came = self._take(pending + data)
            count += came
            self.socket.sendall(b"".join(requests[sent:sent + came]))
            sent += came

    def _take(self, pending):
        """Counts whole answers; returns what is left, and how many there were."""
        count = 0
        while (end := pending.find(b"\r\n\r\n")) >= 0:
            head = pending[:end].lower()
            at = head.index(b"\r\ncontent-length:") + len(b"\r\ncontent-length:")
            stop = head.find(b"\r\n", at)
            length = int(head[at:stop if stop >= 0 else end])
            if len(pending) < end + 4 + length:
                break
            self.answers[head[9:12].decode(), pending[end + 4:end + 4 + length].decode()] += 1
            pending = pending[end + 4 + length:]
            count += 1
        return pending, count


class Race(Case):
    def race(self, onceway, bodies):
        """Each connection has every SPLITth key; all go through them in the same order."""
        start = threading.Barrier(COPIES * SPLIT)
        racers = [Racer(onceway.port, bodies[n % SPLIT::SPLIT], start)
                  for n in range(COPIES * SPLIT)]
        answers = collections.Counter()
        for r in racers:
            r.thread.join(TIMEOUT)
            self.assertFalse(r.thread.is_alive(), "an answer never came")
            if r.error:
                raise r.error
            answers += r.answers
        return answers

    def test_each_key_once(self):
        crm = self.sink()
        # Slow is not wrong: no deadline may turn a late answer into an error.
        onceway = self.daemon(
            crm, onceway={"workers": 2, "log": {"level": "info"}},
            listener=self.workers(2)["listener"], sink={"timeout": {"total": "4m"}},
            route={"deadline": "5m", "lock": "10m", "window": "1h", "max_inflight": 4096})
        bodies = [event(entity=f"entity-{n}") for n in range(KEYS)]
        answers = self.race(onceway, bodies)
        self.assertEqual({status for status, _ in answers}, {"200"}, answers)
        self.assertLessEqual({text for _, text in answers}, {routed(), discarded()})
        self.assertEqual(sum(answers.values()), KEYS * COPIES)
        delivered = collections.Counter(crm.bodies)
        self.assertEqual(set(delivered), set(bodies))
        self.assertEqual({b: n for b, n in delivered.items() if n != 1}, {})
        m = onceway.metrics()
        self.assertEqual(
            {o: m.get("onceway_events_total", route="cxone", outcome=o)
             for o in ("delivered", "duplicate", "failed", "rejected")},
            {"delivered": KEYS, "duplicate": KEYS * (COPIES - 1), "failed": 0, "rejected": 0})
        self.assertEqual(m.get("onceway_lease_lost_total", route="cxone"), 0)


if __name__ == "__main__":
    unittest.main()
