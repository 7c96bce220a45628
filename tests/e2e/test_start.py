"""A start that takes its time, and workers that are not all ready."""
import json
import pathlib
import tempfile
import unittest

from case import Case, configuration, event, routed, wait_until
from daemon import BUILD_DIR


class Gate(Case):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="onceway-gate-")
        self.addCleanup(temporary.cleanup)
        self.file = pathlib.Path(temporary.name) / "file"

    def gated(self, workers, **options):
        # One worker needs no port that it could share.
        config = configuration(9, **(self.workers(workers) if workers > 1 else {}))
        config["onceway"]["plugin_path"] = [str(BUILD_DIR / "tests/e2e/.libs")]
        config["sinks"]["crm"] = {"plugin": "gate", **options}
        return config


class Start(Gate):
    def launch(self, workers=1):
        config = self.gated(workers, start_file=str(self.file))
        onceway = self.daemon_of(config, start=False)
        onceway.launch()
        onceway.wait_log("admin on ")  # signals are watched right after
        return onceway

    def test_nothing_is_taken_before_it_is_complete(self):
        onceway = self.launch()
        self.assertNotIn("ready: onceway", onceway.log())
        self.file.touch()
        onceway._wait_started(True)
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_sigterm_during_the_start(self):
        for workers in (1, 2):
            with self.subTest(f"{workers} workers"):
                onceway = self.launch(workers)
                wait_until(lambda: self.signals_are_watched(onceway), "signals watched")
                onceway.signal()
                onceway.wait_log("signal 15: stopping as soon as the start is complete")
                self.assertIsNone(onceway.process.poll())
                self.file.touch()
                onceway.check_ended()  # with 0
                self.assertNotIn("ready: onceway", onceway.log())
                self.assertIn("drained: bye", onceway.log())
                self.file.unlink()

    def test_a_second_one_does_not_wait(self):
        onceway = self.launch()
        wait_until(lambda: self.signals_are_watched(onceway), "signals watched")
        onceway.signal()
        onceway.wait_log("stopping as soon as")
        onceway.signal()
        onceway.check_ended(status=1)
        self.assertIn("signal 15 again: quitting now", onceway.log())

    @staticmethod
    def signals_are_watched(onceway):
        """Whether SIGTERM is caught: before, it would end the process by itself."""
        status = pathlib.Path(f"/proc/{onceway.process.pid}/status").read_text()
        caught = next(line for line in status.split("\n") if line.startswith("SigCgt:"))
        return int(caught.split()[1], 16) & 1 << 14


class Readiness(Gate):
    def test_one_worker_of_several(self):
        for worker in (0, 1, 2):
            with self.subTest(f"worker {worker}"):
                onceway = self.daemon_of(self.gated(
                    3, unready_file=str(self.file), unready_worker=worker))
                self.assertEqual(onceway.status()["sinks"], {
                    "crm": {"plugin": "gate", "ready": True}})
                self.file.touch()
                answer = wait_until(lambda: self.not_ready(onceway), "not ready")
                self.assertIn("sink crm: its gate is shut", answer.text)
                status = json.loads(onceway.admin("/status").body)
                self.assertIs(status["ready"], False)
                self.assertEqual(status["sinks"], {
                    "crm": {"plugin": "gate", "ready": False, "why": "its gate is shut"}})
                self.file.unlink()
                wait_until(lambda: onceway.admin("/readyz").status == 200, "ready again")
                self.assertIs(onceway.status()["sinks"]["crm"]["ready"], True)
                onceway.stop()

    @staticmethod
    def not_ready(onceway):
        answer = onceway.admin("/readyz")
        return answer if answer.status == 503 else None


if __name__ == "__main__":
    unittest.main()
