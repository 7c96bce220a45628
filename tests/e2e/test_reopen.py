"""SIGUSR1: whoever rotates files has renamed them, and wants to have them to himself."""
import json
import os
import signal
import unittest

from case import Case, Later, configuration, event, routed, wait_until

ROTATIONS = 5
EVENTS = 400


class Reopen(Case):
    def logging(self, **options):
        """A daemon whose sink writes a file, and that file."""
        config = configuration(1, **options)
        onceway = self.daemon_of(config, start=False)
        record = onceway.directory / "events.log"
        config["sinks"]["crm"] = {
            "plugin": "log", "to": str(record), "format": "json",
            "retry": {"base": "5ms", "max": "20ms"}}
        onceway.config.write_text(json.dumps(config))
        return onceway.start(), record

    def rotate(self, onceway, record, name):
        """Renames the file and waits for the new one, as logrotate's scripts do."""
        renamed = record.with_name(name)
        record.rename(renamed)
        onceway.signal(signal.SIGUSR1)
        wait_until(record.exists, "the new file")
        return renamed

    def deliver(self, onceway, entity):
        self.assertAnswer(self.post(onceway, event(entity=entity)), 200, routed())

    def lines(self, file):
        text = file.read_text()
        self.assertTrue(text == "" or text.endswith("\n"), text[-200:])
        return [json.loads(line) for line in text.splitlines()]

    def test_the_next_lines_go_to_a_new_file(self):
        onceway, record = self.logging()
        self.deliver(onceway, "one")
        renamed = self.rotate(onceway, record, "events.log.1")
        self.deliver(onceway, "two")
        self.deliver(onceway, "three")
        self.assertEqual((len(self.lines(renamed)), len(self.lines(record))), (1, 2))
        # Nobody holds the old one any more: its space is free when it is removed.
        held = [os.readlink(f"/proc/{onceway.process.pid}/fd/{fd}")
                for fd in os.listdir(f"/proc/{onceway.process.pid}/fd")]
        self.assertNotIn(str(renamed), held)
        self.assertIn(str(record), held)

    def test_no_line_is_lost(self):
        """Two workers write while the file is rotated again and again."""
        onceway, record = self.logging(**self.workers(2))
        posting = [Later(self.post_many, onceway, part) for part in range(4)]
        files = []
        while not all(p.done() for p in posting) or len(files) < ROTATIONS:
            files.append(self.rotate(onceway, record, f"events.log.{len(files)}"))
        for p in posting:
            p.get()
        lines = [line for file in files + [record] for line in self.lines(file)]
        self.assertEqual(len({line["key"] for line in lines}), EVENTS)
        self.assertEqual(len(lines), EVENTS)

    def post_many(self, onceway, part):
        connection = self.connect(onceway)
        for i in range(EVENTS // 4):
            connection.post(event(entity=f"{part}-{i}"))
            self.assertAnswer(connection.answer(), 200, routed())

    def test_the_old_file_is_kept_while_there_can_be_no_new_one(self):
        onceway, record = self.logging()
        renamed = record.with_name("events.log.1")
        record.rename(renamed)
        record.mkdir()
        onceway.signal(signal.SIGUSR1)
        onceway.wait_log(f"error +sink crm: cannot open {record} anew: Is a directory")
        self.deliver(onceway, "one")
        self.assertEqual(len(self.lines(renamed)), 1)
        record.rmdir()
        onceway.signal(signal.SIGUSR1)
        wait_until(record.exists, "the new file")
        self.deliver(onceway, "two")
        self.assertEqual((len(self.lines(renamed)), len(self.lines(record))), (1, 1))


if __name__ == "__main__":
    unittest.main()
