"""A memory store that outlives its process: what is written, what is restored, what is refused."""
import json
import os
import pathlib
import resource
import signal
import struct
import tempfile
import threading
import time
import unittest

from case import Answer, Case, Later, discarded, event, routed, wait_until
from daemon import WRAPPER


class Checkpoint(Case):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-checkpoint-")
        self.directory = pathlib.Path(self.temporary.name)
        self.file = self.directory / "keys"

    def _finish(self):
        """The daemons write until they end, so their directory goes after them."""
        try:
            super()._finish()
        finally:
            self.temporary.cleanup()

    def with_checkpoint(self, crm, start=True, store=(), **options):
        return self.daemon(
            crm, start=start, store={"checkpoint": str(self.file), **dict(store)}, **options)

    def state(self):
        """Different for each checkpoint; None while there is none."""
        if not self.file.exists():
            return None
        stat = self.file.stat()
        return stat.st_ino, stat.st_mtime_ns

    def written_after(self, onceway):
        """Waits until a checkpoint is there that was begun from now on."""
        for _ in range(2):
            before = self.state()
            wait_until(lambda: self.state() not in (None, before), "a checkpoint")
        self.assertIsNone(onceway.process.poll())


class Restart(Checkpoint):
    def test_sigterm_and_restart(self):
        crm = self.sink(Answer(201, body=b'{"id":7}'))
        onceway = self.with_checkpoint(crm, route={"window": "1h", "respond": "sink"})
        first = self.post(onceway, event())
        self.assertAnswer(first, 201, '{"id":7}')
        time.sleep(1.1)
        onceway.stop()
        self.assertRegex(onceway.log(), "store main: 1 keys kept in checkpoint .*/keys")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertFalse((self.directory / "keys.tmp").exists())

        onceway.start()
        self.assertRegex(onceway.log(), "store main: 1 keys restored from .*/keys, written ")
        again = self.post(onceway, event())
        self.assertAnswer(again, 201, '{"id":7}')
        self.assertEqual(len(crm.requests), 1)
        # The age counts from the delivery, the time it was down included.
        metrics = onceway.metrics()
        self.assertEqual(metrics.get("onceway_duplicate_age_seconds_count", route="cxone"), 1)
        self.assertGreaterEqual(
            metrics.get("onceway_duplicate_age_seconds_sum", route="cxone"), 1.1)
        self.assertEqual(metrics.get("onceway_store_keys", store="main"), 1)

    def test_the_rest_of_the_window_and_no_more(self):
        crm = self.sink()
        onceway = self.with_checkpoint(crm, route={"window": "4s"})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        delivered = time.monotonic()
        onceway.stop()
        time.sleep(1)
        onceway.start()
        answer = self.post(onceway, event())
        if time.monotonic() - delivered < 4:
            self.assertAnswer(answer, 200, discarded())
        time.sleep(max(0, delivered + 4.1 - time.monotonic()))
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_kill_after_a_checkpoint_of_the_timer(self):
        crm = self.sink()
        onceway = self.with_checkpoint(crm, store={"checkpoint_interval": "200ms"})
        self.assertAnswer(self.post(onceway, event("kept")), 200, routed("kept"))
        self.written_after(onceway)
        onceway.kill()
        onceway.start()
        self.assertAnswer(self.post(onceway, event("kept")), 200, discarded("kept"))
        self.assertEqual(len(crm.requests), 1)

    def test_a_claim_under_way_at_the_checkpoint_is_delivered_again(self):
        crm = self.sink(Answer(act="hang"))
        onceway = self.with_checkpoint(
            crm, store={"checkpoint_interval": "200ms"}, route={"lock": "10m"})
        c = self.connect(onceway)
        c.post(event())
        crm.wait(1)
        self.written_after(onceway)
        onceway.kill()
        self.assertTrue(c.is_closed())
        onceway.start()
        # At once, though its lock would have held for ten minutes.
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 2)

    def test_what_is_delivered_during_the_drain_is_kept(self):
        gate = threading.Event()
        crm = self.sink(default=Answer(gate=gate))
        onceway = self.with_checkpoint(crm, **self.workers(2))
        calls = [Later(self.post, onceway, event(f"t{n}")) for n in range(8)]
        crm.wait(8)
        onceway.signal()
        onceway.wait_log("core: draining")
        gate.set()
        for n, call in enumerate(calls):
            self.assertAnswer(call.get(), 200, routed(f"t{n}"))
        onceway.check_ended()
        self.assertRegex(onceway.log(), "8 keys kept in checkpoint")
        onceway.start()
        for n in range(8):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, discarded(f"t{n}"))
        self.assertEqual(len(crm.requests), 8)

    def test_events_go_on_while_it_writes(self):
        crm = self.sink()
        onceway = self.with_checkpoint(crm, store={"checkpoint_interval": "1ms"})
        c = self.connect(onceway)
        for n in range(200):
            c.post(event(f"t{n}"))
            self.assertAnswer(c.answer(), 200, routed(f"t{n}"))
        self.written_after(onceway)
        self.assertEqual(onceway.metrics().get(
            "onceway_store_checkpoint_errors_total", store="main"), 0)
        onceway.kill()
        onceway.start()
        for n in range(200):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, discarded(f"t{n}"))

    def test_the_tutorials_file(self):
        # The tutorial's key for this event, as its service has it in Redis.
        crm = self.sink()
        onceway = self.daemon(crm, route={"respond": "plain"})
        key = json.loads(self.post(onceway, event()).text)["key"]
        onceway.stop()
        state = {f"cxone:dedup:{key}": 250, "cxone:dedup:other": 10}
        self.file.write_text(json.dumps(state, indent=2))
        onceway = self.with_checkpoint(crm)
        self.assertRegex(onceway.log(), "2 keys restored from .*JSON; the next checkpoint")
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(len(crm.requests), 1)
        onceway.stop()
        self.assertTrue(self.file.read_bytes().startswith(b"OWCHKPT\n"))
        onceway.start()
        self.assertAnswer(self.post(onceway, event()), 200, discarded())


class Refused(Checkpoint):
    """What cannot be read starts nothing, and stays as it is."""

    def sound(self):
        onceway = self.with_checkpoint(self.sink())
        for n in range(3):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200)
        onceway.stop()
        return self.file.read_bytes()

    def assertRefused(self, data, pattern):
        self.file.write_bytes(data)
        before = self.file.stat()
        onceway = self.with_checkpoint(self.sink(), start=False)
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertRegex(
            onceway.log(),
            f"cannot start: store main: checkpoint {self.file} cannot be used: {pattern}.*"
            "it stays as it is: move it away to start without keys")
        after = self.file.stat()
        self.assertEqual(self.file.read_bytes(), data)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_truncated(self):
        data = self.sound()
        step = max(1, len(data) // (3 if WRAPPER else 12))
        for length in range(1, len(data), step):
            with self.subTest(length):
                self.assertRefused(data[:length], rf"it ends too early \(byte {length}\)")
        self.assertRefused(b"", "it is empty")

    def test_flipped(self):
        data = self.sound()
        step = max(1, len(data) // (3 if WRAPPER else 12))
        for at in range(0, len(data), step):
            with self.subTest(at):
                flipped = bytearray(data)
                flipped[at] ^= 0x10
                self.assertRefused(bytes(flipped), r".* \(byte \d+\)")

    def test_foreign(self):
        for data in (b"hello", b"#!/bin/sh\n", b"\x1f\x8b\x08" + bytes(40), b"[1]", bytes(100)):
            with self.subTest(data):
                self.assertRefused(data, r"it is not a checkpoint of onceway \(byte 0\)")
        self.assertRefused(b'{"a": [1]}', "the value of `a` is not a number of seconds")

    def test_of_a_later_version(self):
        data = bytearray(self.sound())
        data[8:12] = struct.pack("<I", 2)
        self.assertRefused(bytes(data), "it has version 2; this onceway reads version 1")

    def test_moving_it_away_is_enough(self):
        self.assertRefused(b"hello", "")
        self.file.rename(self.directory / "damaged")
        onceway = self.with_checkpoint(self.sink())
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        onceway.stop()
        self.assertTrue(self.file.exists())

    def test_several_workers(self):
        self.file.write_bytes(b"hello")
        onceway = self.with_checkpoint(self.sink(), start=False, **self.workers(3))
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertEqual(onceway.log().count("it is not a checkpoint"), 1)
        self.assertEqual(self.file.read_bytes(), b"hello")

    def ends_with(self, onceway, pattern):
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertRegex(onceway.log(), pattern)

    def test_no_directory(self):
        self.file = self.directory / "missing" / "keys"
        self.ends_with(
            self.with_checkpoint(self.sink(), start=False),
            f"checkpoint {self.file}: there is no directory {self.file.parent}: create it")

    @unittest.skipIf(os.geteuid() == 0, "nothing is read-only for root")
    def test_read_only_directory(self):
        self.directory.chmod(0o500)
        try:
            self.ends_with(
                self.with_checkpoint(self.sink(), start=False),
                f"cannot create {self.file}.lock: Permission denied")
        finally:
            self.directory.chmod(0o700)

    def test_two_daemons(self):
        first = self.with_checkpoint(self.sink())
        self.assertAnswer(self.post(first, event()), 200, routed())
        self.ends_with(
            self.with_checkpoint(self.sink(), start=False),
            f"checkpoint {self.file} is in use by another onceway or another store")
        # Killed, it leaves nothing that would stop the next one.
        first.kill()
        second = self.with_checkpoint(self.sink())
        self.assertAnswer(self.post(second, event()), 200, routed())


class DiskFull(Checkpoint):
    def test_the_old_file_stays(self):
        crm = self.sink(default=Answer(200, body=b"x" * 60000))
        onceway = self.with_checkpoint(
            crm, store={"checkpoint_interval": "200ms"}, onceway={"log": {"level": "info"}})
        self.assertAnswer(self.post(onceway, event()), 200)
        self.written_after(onceway)
        # A file may not grow beyond 100 kB from now on; two results are more than that.
        limit = (100000, resource.RLIM_INFINITY)
        resource.prlimit(onceway.process.pid, resource.RLIMIT_FSIZE, limit)
        self.assertAnswer(self.post(onceway, event("t2")), 200)
        errors = wait_until(lambda: onceway.metrics().get(
            "onceway_store_checkpoint_errors_total", store="main"), "an error")
        wait_until(lambda: onceway.metrics().get(
            "onceway_store_checkpoint_errors_total", store="main") > errors, "another one")
        kept = self.file.read_bytes()
        self.assertLess(len(kept), 100000)
        self.assertEqual(
            onceway.log().count("cannot write"), 1, "said once, not for each checkpoint")
        self.assertRegex(
            onceway.log(), "store main: checkpoint: cannot write .*: File too large; "
            "the one before is kept")
        # Traffic goes on meanwhile.
        self.assertAnswer(self.post(onceway, event("t3")), 200)
        onceway.signal(signal.SIGTERM)
        onceway.check_ended()
        self.assertRegex(
            onceway.log(), "error .*while draining: store main: checkpoint: cannot write")
        self.assertRegex(onceway.log(), "error .*the last checkpoint was not written: ")
        self.assertEqual(self.file.read_bytes(), kept)
        self.assertFalse((self.directory / "keys.tmp").exists())
        onceway.start()
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertAnswer(self.post(onceway, event("t2")), 200, routed("t2"))


class Full(Checkpoint):
    def test_reject(self):
        onceway = self.daemon(self.sink(), store={"max_keys": 2})
        for n in range(2):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200)
        refused = self.post(onceway, event("t2"))
        self.assertAnswer(refused, 503, '{"detail":"State backend unavailable"}')
        self.assertIsNotNone(refused.header("Retry-After"))
        self.assertAnswer(self.post(onceway, event("t0")), 200, discarded("t0"))
        self.assertEqual(onceway.metrics().get("onceway_store_full_total", store="main"), 1)

    def test_evict(self):
        onceway = self.daemon(self.sink(), store={"max_keys": 2, "on_full": "evict"})
        for n in range(5):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        self.assertAnswer(self.post(onceway, event("t4")), 200, discarded("t4"))
        metrics = onceway.metrics()
        self.assertEqual(metrics.get("onceway_store_evicted_total", store="main"), 3)
        self.assertEqual(metrics.get("onceway_store_full_total", store="main"), 0)

    def test_evict_spares_what_is_under_way(self):
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate), Answer(gate=gate))
        onceway = self.daemon(crm, store={"max_keys": 2, "on_full": "evict"})
        calls = [Later(self.post, onceway, event(f"t{n}")) for n in range(2)]
        crm.wait(2)
        self.assertAnswer(self.post(onceway, event("t2")), 503)
        gate.set()
        for n, call in enumerate(calls):
            self.assertAnswer(call.get(), 200, routed(f"t{n}"))

    def test_bytes(self):
        crm = self.sink(default=Answer(200, body=b"x" * 60000))
        onceway = self.daemon(crm, store={"max_bytes": "1MiB"})
        for n in range(30):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200)
        metrics = wait_until(
            lambda: (m := onceway.metrics()).get("onceway_store_bytes", store="main") > 900000
            and m, "onceway_store_bytes")
        self.assertLessEqual(metrics.get("onceway_store_bytes", store="main"), 1 << 20)
        self.assertGreater(
            metrics.get("onceway_store_results_dropped_total", store="main"), 10)
        # All are still known, with or without their results.
        for n in range(30):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, discarded(f"t{n}"))


if __name__ == "__main__":
    unittest.main()
