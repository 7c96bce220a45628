"""A store in Redis whose keys outlive a Redis that forgets: written, restored, refused."""
import json
import pathlib
import tempfile
import threading
import unittest

from case import Answer, Later, discarded, event, routed, wait_until
from test_redis import RedisCase


class Checkpoint(RedisCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-checkpoint-")
        self.directory = pathlib.Path(self.temporary.name)
        super().setUp()

    def _finish(self):
        """The daemons write until they end, so their directory goes after them."""
        try:
            super()._finish()
        finally:
            self.temporary.cleanup()

    def with_file(self, peer, name="keys", store=(), **options):
        return self.on_redis(
            peer, store={"checkpoint": str(self.directory / name), **dict(store)}, **options)

    def restart_redis(self):
        """It keeps nothing."""
        self.redis.kill()
        self.redis.start()

    def written_after(self, name="keys"):
        """Waits until a checkpoint is there that was begun from now on."""
        file = self.directory / name

        def state():
            return file.exists() and (file.stat().st_ino, file.stat().st_mtime_ns)
        for _ in range(2):
            before = state()
            wait_until(lambda: state() not in (False, before), "a checkpoint")

    def refuses_to_start(self, onceway):
        onceway.launch()
        onceway.check_ended(1)

    def test_both_are_restarted(self):
        crm = self.sink(Answer(201, b'{"id":7}'))
        onceway = self.with_file(crm, route={"respond": "sink", "window": "1h"})
        self.assertAnswer(self.post(onceway, event()), 201, '{"id":7}')
        onceway.stop()
        self.assertRegex(onceway.log(), "store main: 1 keys kept in checkpoint .*/keys")
        self.assertFalse((self.directory / "keys.tmp").exists())
        self.restart_redis()
        onceway.start()
        # Before anything listens: not even the first event may find an empty Redis.
        self.assertAnswer(self.post(onceway, event()), 201, '{"id":7}')
        self.assertEqual(len(crm.requests), 1)
        self.assertIn("1 keys restored from ", onceway.log())
        key = self.only_key()
        self.assertGreater(self.redis.ask("TTL", key), 3000)
        self.assertLessEqual(self.redis.ask("TTL", key), 3600)

    def test_redis_alone_is_restarted(self):
        crm = self.sink()
        onceway = self.with_file(crm, store={
            "checkpoint_interval": "100ms", "reconnect": {"base": "10ms", "max": "50ms"}})
        bodies = [event(f"t{n}") for n in range(300)]
        for body in bodies:
            self.assertAnswer(self.post(onceway, body), 200)
        self.written_after()
        self.restart_redis()
        onceway.wait_log("300 keys restored from ")
        for n, body in enumerate(bodies):
            self.assertAnswer(self.post(onceway, body), 200, discarded(f"t{n}"))
        self.assertEqual(len(crm.requests), 300)

    def test_killed_with_redis(self):
        gate = threading.Event()
        crm = self.sink(Answer(), Answer(gate=gate))
        onceway = self.with_file(crm, store={"checkpoint_interval": "100ms"})
        self.assertAnswer(self.post(onceway, event("kept")), 200)
        under_way = Later(self.post, onceway, event("under way"))
        crm.wait(2)
        self.written_after()
        onceway.kill()
        self.restart_redis()
        gate.set()
        with self.assertRaises(Exception):
            under_way.get()
        onceway.start()
        self.assertAnswer(self.post(onceway, event("kept")), 200, discarded("kept"))
        # Its claim is not in the file: nobody waits for an owner that is gone.
        self.assertAnswer(self.post(onceway, event("under way")), 200, routed("under way"))

    def test_two_processes_with_a_file_each(self):
        crm = self.sink()
        first, second = (self.with_file(crm, name) for name in ("first", "second"))
        self.assertAnswer(self.post(first, event("a")), 200)
        self.assertAnswer(self.post(second, event("b")), 200)
        for onceway in (first, second):
            onceway.stop()
            # Both keep what is in Redis, whoever put it there.
            self.assertIn("2 keys kept in checkpoint", onceway.log())
        self.restart_redis()
        for onceway in (first, second):
            onceway.start()
        self.assertIn("2 keys restored from ", first.log())
        self.assertIn("0 keys restored from ", second.log())
        self.assertIn("; 2 were there; ", second.log())
        for onceway in (first, second):
            for name in ("a", "b"):
                self.assertAnswer(self.post(onceway, event(name)), 200, discarded(name))

    def test_one_file_for_two_is_refused(self):
        first = self.with_file(self.sink())
        second = self.with_file(self.sink(), start=False)
        self.refuses_to_start(second)
        self.assertIn("is in use by another onceway", second.log())
        self.assertAnswer(self.post(first, event()), 200, routed())

    def test_a_damaged_file(self):
        onceway = self.with_file(self.sink())
        self.assertAnswer(self.post(onceway, event()), 200)
        onceway.stop()
        file = self.directory / "keys"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        self.restart_redis()
        self.refuses_to_start(onceway)
        self.assertRegex(onceway.log(), f"checkpoint {file} cannot be used: .* move it away")
        self.assertEqual(file.read_bytes(), bytes(data))
        self.assertEqual(self.redis.ask("DBSIZE"), 0)
        file.rename(self.directory / "keys.damaged")
        onceway.start()
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_the_tutorials_file(self):
        key = self.key_of(event())
        (self.directory / "keys").write_text(json.dumps({key: 250}, indent=2))
        crm = self.sink()
        onceway = self.with_file(crm)
        self.assertEqual(self.redis.ask("GET", key), "1")
        self.assertLessEqual(self.redis.ask("TTL", key), 250)
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(crm.requests, [])

    def test_a_memory_stores_file(self):
        """Who moves from one store to the other names the same file."""
        crm = self.sink(Answer(201, b'{"id":7}'))
        file = str(self.directory / "keys")
        before = self.daemon(crm, store={"checkpoint": file}, route={"respond": "sink"})
        self.assertAnswer(self.post(before, event()), 201, '{"id":7}')
        before.stop()
        after = self.with_file(crm, route={"respond": "sink"})
        self.assertAnswer(self.post(after, event()), 201, '{"id":7}')
        after.stop()
        again = self.daemon(crm, store={"checkpoint": file}, route={"respond": "sink"})
        self.assertAnswer(self.post(again, event()), 201, '{"id":7}')
        self.assertEqual(len(crm.requests), 1)

    def test_with_two_workers(self):
        crm = self.sink()
        onceway = self.with_file(crm, **self.workers(2))
        bodies = [event(f"t{n}") for n in range(50)]
        for body in bodies:
            self.assertAnswer(self.post(onceway, body), 200)
        onceway.stop()
        self.assertIn("50 keys kept in checkpoint", onceway.log())
        self.restart_redis()
        onceway.start()
        self.assertEqual(onceway.log().count("keys restored from "), 1)
        for body in bodies:
            self.assertAnswer(self.post(onceway, body), 200)
        self.assertEqual(len(crm.requests), 50)

    def test_never_keys_and_events_go_on(self):
        """It reads what is there by SCAN, beside the events, and looks at no other keys."""
        with self.redis.client() as c:
            for n in range(3000):
                c("SET", f"event:{n}", "1", "EX", 600)
                c("SET", f"others:{n}", "1", "EX", 600)
        onceway = self.with_file(self.sink(), store={"checkpoint_interval": "50ms"})
        before = self.redis.calls("getrange")["getrange"]
        for n in range(100):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        self.written_after()
        onceway.stop()
        self.assertIn("3100 keys kept in checkpoint", onceway.log())
        calls = self.redis.calls("keys", "getrange")
        self.assertEqual(calls["keys"], 0)
        self.assertGreaterEqual(calls["getrange"] - before, 3100)


if __name__ == "__main__":
    unittest.main()
