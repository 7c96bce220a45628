"""A flood: idle, slow and too many connections, while a normal client works.

Nothing here depends on being fast: contrib/bench --connections measures times.
"""
import resource
import threading
import unittest

from case import Case, client, event, wait_until
from daemon import WRAPPER

# Descriptors of this process and of the daemon that are not the flood's.
OTHER_FILES = 300
SLOW = 100  # of each kind
BEYOND = 200  # connections beyond max_connections

POST = client.request_bytes("POST", client.PATH, event("slow"))


def idle_count():
    """As many as the limit of open files allows, up to the 2500 that are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = hard - OTHER_FILES - 2 * SLOW - BEYOND
    return max(100, min(100 if WRAPPER else 2500, room))


def resident_bytes(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


class Flood(Case):
    def setUp(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        self.idle = idle_count()
        self.room = self.idle + 2 * SLOW
        self.crm = self.sink()
        # + 2: the normal client's connection, and one of it to spare.
        self.onceway = self.daemon(
            self.crm, onceway={"log": {"level": "info"}},
            listener={"max_connections": self.room + 2, "header_timeout": "1d",
                      "body_timeout": "1d", "idle_timeout": "1d"})

    def count(self, name):
        return self.onceway.metrics().get(f"onceway_http_{name}", listener="public")

    def connect_many(self, count):
        connections = []
        self.addCleanup(lambda: [c.close() for c in connections])
        for _ in range(count):
            connections.append(client.Connection(self.onceway.port))
        return connections

    def work(self, normal, name):
        """The normal client sends an event, and it again."""
        normal.post(event(name))
        self.assertAnswer(normal.answer(), 200)
        normal.post(event(name))
        answer = normal.answer()
        self.assertAnswer(answer, 200)
        self.assertIn("duplicate_discarded", answer.text)

    def test_normal_client_in_a_flood(self):
        normal = self.connect(self.onceway)
        self.work(normal, "before")
        before = resident_bytes(self.onceway)
        idle = self.connect_many(self.idle)
        wait_until(lambda: self.count("connections") == self.idle + 1, "idle connections")
        each = (resident_bytes(self.onceway) - before) / self.idle
        if not WRAPPER:
            self.assertLess(each, 16 * 1024, "bytes of an idle connection")

        heads, bodies = self.connect_many(SLOW), self.connect_many(SLOW)
        begun = POST.index(b"\r\n\r\n") + 4
        for c in bodies:
            c.send(POST[:begun])
        for n in range(begun // 2):
            for c in heads:
                c.send(POST[n:n + 1])
            for c in bodies:
                c.send(POST[begun + n:begun + n + 1])
            self.work(normal, f"slow-{n}")
        wait_until(lambda: self.count("connections") == self.room + 1, "slow connections")

        self.refuse_many(normal)

        # Those that were there before lost nothing.
        self.finish_slow(heads, bodies, begun)
        for c in idle[::50]:
            c.post(event("idle"))
            self.assertAnswer(c.answer(), 200)
        self.work(normal, "after")
        self.assertEqual(self.count("timeouts_total"), 0)
        self.assertEqual(self.count("bad_requests_total"), 0)
        self.assertNotRegex(self.onceway.log(), r"\b(error|warning) ")

    def finish_slow(self, heads, bodies, begun):
        for c in heads:
            c.send(POST[begun // 2:])
        for c in bodies:
            c.send(POST[begun + begun // 2:])
        for c in heads + bodies:
            self.assertAnswer(c.answer(), 200)
        delivered = [b for b in self.crm.bodies if b'"slow"' in b]
        self.assertEqual(len(delivered), 1)

    def refuse_many(self, normal):
        """Beyond max_connections each is told so, or closed; and is counted."""
        spare = self.connect(self.onceway)
        wait_until(lambda: self.count("connections") == self.room + 2, "the last connection")
        refused = self.count("refused_total")
        told = 0
        for n in range(BEYOND):
            with client.Connection(self.onceway.port) as c:
                try:
                    answer = c.answer()
                except client.Closed:
                    continue
                self.assertEqual(answer.status, 503)
                self.assertIsNotNone(answer.header("Retry-After"))
                told += 1
            if n % 20 == 0:
                self.work(normal, f"refused-{n}")
        self.assertGreater(told, 0)
        wait_until(lambda: self.count("refused_total") == refused + BEYOND, "all are counted")
        spare.close()
        wait_until(lambda: self.count("connections") == self.room + 1, "only the spare one left")

    def test_storm_of_connections(self):
        """Opened and dropped as fast as four threads can, half of them without a word."""
        normal = self.connect(self.onceway)
        over = threading.Event()
        opened = [0] * 4

        def storm(index):
            while not over.is_set():
                try:
                    with client.Connection(self.onceway.port) as c:
                        opened[index] += 1
                        if opened[index] % 2:
                            c.send(b"POST / HTTP/1.1\r\nHos")
                        if opened[index] % 3:
                            c.reset()
                except OSError:
                    pass  # out of local ports, or reset: as it comes
        threads = [threading.Thread(target=storm, args=(i,)) for i in range(len(opened))]
        for t in threads:
            t.start()
        try:
            for n in range(50):
                self.work(normal, f"storm-{n}")
            wait_until(lambda: sum(opened) > 200, "a storm")
            self.work(normal, "storm-last")
        finally:
            over.set()
            for t in threads:
                t.join()
        wait_until(lambda: self.count("connections") == 1, "the end of the storm")


if __name__ == "__main__":
    unittest.main()
