"""A memory store that keeps keys on disk as they are committed: what kill -9 leaves."""
import pathlib
import random
import resource
import sqlite3
import tempfile
import threading
import unittest

from case import Answer, Case, client, discarded, event, routed, wait_until
from daemon import WRAPPER

KEYS = 500 if WRAPPER else 10000
KILLS = 3 if WRAPPER else 12


class Durable(Case):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-durable-")
        self.file = pathlib.Path(self.temporary.name) / "keys.db"

    def _finish(self):
        """The daemons write until they end, so their directory goes after them."""
        try:
            super()._finish()
        finally:
            self.temporary.cleanup()

    def durable(self, crm, sync="always", start=True, route=(), onceway=(), **options):
        return self.daemon(
            crm, start=start, store={"durable": str(self.file), "sync": sync},
            route={"window": "1h", **dict(route)},
            onceway={"log": {"level": "info"}, **dict(onceway)}, **options)

    def post_all(self, onceway, names, expected, threads=8):
        """Posts an event of each name, on a few connections, and looks at each answer."""
        problems = []

        def run(part):
            try:
                c = self.connect(onceway)
                for name in part:
                    c.post(event(name))
                    answer = c.answer()
                    if (answer.status, answer.text) != (200, expected(name)):
                        problems.append(f"{name}: {answer}")
            except Exception as e:  # shown with the others
                problems.append(repr(e))
        running = [threading.Thread(target=run, args=(names[i::threads],)) for i in range(threads)]
        for t in running:
            t.start()
        for t in running:
            t.join()
        self.assertEqual(problems[:5], [])


class Kill(Durable):
    def test_always_every_answered_event_is_known(self):
        crm = self.sink()
        onceway = self.durable(crm)
        names = [f"t{n}" for n in range(KEYS)]
        self.post_all(onceway, names, routed)
        metrics = onceway.metrics()
        # Several commits share a transaction, or there would be no point in it.
        self.assertLess(
            metrics.get("onceway_store_durable_transactions_total", store="main"), KEYS)
        onceway.kill()
        onceway.start()
        self.assertRegex(onceway.log(), f"store main: {KEYS} keys restored from {self.file}")
        self.post_all(onceway, names, discarded)
        self.assertEqual(len(crm.requests), KEYS)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)

    def test_the_result_is_replayed(self):
        crm = self.sink(Answer(201, body=b'{"id":7}'))
        onceway = self.durable(crm, route={"respond": "sink"})
        self.assertAnswer(self.post(onceway, event()), 201, '{"id":7}')
        onceway.kill()
        onceway.start()
        self.assertAnswer(self.post(onceway, event()), 201, '{"id":7}')
        self.assertEqual(len(crm.requests), 1)

    def test_a_duration_loses_the_last_and_nothing_before(self):
        crm = self.sink()
        onceway = self.durable(crm, sync="100ms")
        names = [f"t{n}" for n in range(KEYS // 5)]
        c = self.connect(onceway)
        for name in names:
            c.post(event(name))
            self.assertAnswer(c.answer(), 200, routed(name))
        wait_until(lambda: onceway.metrics().get(
            "onceway_store_durable_keys_total", store="main") > 0, "the first keys on disk")
        onceway.kill()
        onceway.start()
        c = self.connect(onceway)
        known = []
        for name in names:
            c.post(event(name))
            known.append(c.answer().text == discarded(name))
        kept = known.count(True)
        self.assertGreater(kept, 0)
        self.assertEqual(known, [True] * kept + [False] * (len(names) - kept))

    def test_a_claim_under_way_is_delivered_again(self):
        crm = self.sink(Answer(act="hang"))
        onceway = self.durable(crm, route={"lock": "10m"})
        c = self.connect(onceway)
        c.post(event())
        crm.wait(1)
        onceway.kill()
        self.assertTrue(c.is_closed())
        onceway.start()
        # At once, though its lock would have held for ten minutes.
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_at_random_moments_under_load(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        crm = self.sink()
        onceway = self.durable(crm, **self.workers(2))
        answered, number = [], iter(range(1 << 30))
        lock = threading.Lock()

        def load():
            try:
                c = client.Connection(onceway.port)
            except OSError:
                return
            try:
                while True:
                    with lock:
                        name = f"t{next(number)}"
                    c.post(event(name))
                    answer = c.answer()
                    if answer.status == 200:
                        answered.append(name)
            except (OSError, client.Closed):
                pass
            finally:
                c.close()
        for _ in range(KILLS):
            before, more = len(answered), chance.randrange(1, 400)
            running = [threading.Thread(target=load) for _ in range(6)]
            for t in running:
                t.start()
            wait_until(lambda: len(answered) >= before + more, "answers")  # pylint: disable=W0640
            onceway.kill()
            for t in running:
                t.join()
            onceway.start()
        delivered = len(crm.requests)
        self.post_all(onceway, answered, discarded)
        self.assertEqual(len(crm.requests), delivered)


class Restart(Durable):
    def test_sigterm(self):
        crm = self.sink()
        onceway = self.durable(crm, sync="60s")
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        onceway.stop()
        # Whole, in one file, for whoever wants to look into it.
        self.assertFalse(self.file.with_name("keys.db-wal").exists())
        with sqlite3.connect(self.file) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(db.execute("SELECT count(*) FROM keys").fetchall(), [(1,)])
        db.close()
        onceway.start()
        self.assertAnswer(self.post(onceway, event()), 200, discarded())


class Refused(Durable):
    def ends_with(self, pattern):
        onceway = self.durable(self.sink(), start=False)
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertRegex(onceway.log(), pattern)

    def test_a_corrupt_file(self):
        onceway = self.durable(self.sink())
        for n in range(50):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200)
        onceway.stop()
        data = bytearray(self.file.read_bytes())
        data[len(data) // 2:] = bytes(len(data) - len(data) // 2)
        self.file.write_bytes(data)
        self.ends_with(f"cannot start: store main: durable {self.file} cannot be used: .*; move it "
                       "and its -wal away to start without keys")
        self.assertEqual(self.file.read_bytes(), data)
        self.file.rename(self.file.with_name("damaged"))
        onceway = self.durable(self.sink())
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_two_daemons(self):
        first = self.durable(self.sink())
        self.assertAnswer(self.post(first, event()), 200, routed())
        self.ends_with(f"durable {self.file} is in use by another onceway or another store")
        first.kill()
        second = self.durable(self.sink())
        self.assertAnswer(self.post(second, event()), 200, discarded())

    def test_no_directory(self):
        self.file = self.file.parent / "missing" / "keys.db"
        self.ends_with(f"durable {self.file}: there is no directory {self.file.parent}: create it")


class DiskFull(Durable):
    """No file may grow beyond 200 kB: what is larger cannot be written."""

    def limit(self, onceway, size):
        resource.prlimit(
            onceway.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def errors(self, onceway, name="onceway_store_durable_errors_total"):
        return onceway.metrics().get(name, store="main")

    def start_full(self, sync):
        crm = self.sink(default=Answer(200, body=b"x" * 60000))
        onceway = self.durable(crm, sync=sync, route={"deadline": "3s"})
        self.limit(onceway, 200000)
        for n in range(8):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        wait_until(lambda: self.errors(onceway), "an error")
        wait_until(lambda: "cannot write" in onceway.log(), "a line in the log")
        return onceway

    def test_always(self):
        onceway = self.start_full("always")
        # What the sink has is acknowledged in the end, but it was tried again, and counted.
        self.assertGreater(self.errors(onceway, "onceway_store_errors_total"), 0)
        self.assertRegex(onceway.log(), f"cannot write {self.file}: File too large")
        wait_until(lambda: onceway.admin("/readyz").status == 503, "not ready")
        self.assertIn(str(self.file), onceway.admin("/readyz").text)
        self.limit(onceway, resource.RLIM_INFINITY)
        wait_until(lambda: onceway.admin("/readyz").status == 200, "ready again")
        self.assertAnswer(self.post(onceway, event("after")), 200, routed("after"))
        onceway.kill()
        onceway.start()
        self.assertAnswer(self.post(onceway, event("after")), 200, discarded("after"))

    def test_a_duration(self):
        onceway = self.start_full("10ms")
        self.assertEqual(self.errors(onceway, "onceway_store_errors_total"), 0)
        self.assertEqual(onceway.admin("/readyz").status, 200)
        self.assertEqual(onceway.log().count("cannot write"), 1, "said once")
        self.limit(onceway, resource.RLIM_INFINITY)
        onceway.wait_log("can be written again")
        onceway.kill()
        onceway.start()
        for n in range(8):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, discarded(f"t{n}"))


if __name__ == "__main__":
    unittest.main()
