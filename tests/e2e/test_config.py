"""`onceway check` over the corpus in tests/conf and over the examples in conf."""
import os
import pathlib
import re
import tempfile
import unittest

from daemon import EXAMPLE_SECRETS, SOURCE_DIR, WRAPPER, left_out, need_for, run

CORPUS = SOURCE_DIR / "tests/conf"
VARIABLES = {"ONCEWAY_TEST_URL": "http://127.0.0.1:9000", "ONCEWAY_TEST_SECRET": "hunter2 secret"}


# Complaints say what there is.
needs_all = unittest.skipIf(left_out(), f"not built: {', '.join(sorted(left_out()))}")


def check(file, cwd=None, **variables):
    return run("check", "-c", file, cwd=cwd, **{**VARIABLES, **variables})


def stderr_of(done):
    """Where plugins were looked for depends on who runs the tests."""
    return re.sub(r"\(looked in [^)]*\)", "(looked in PLUGIN_DIR)", done.stderr.decode())


class Corpus(unittest.TestCase):
    maxDiff = None

    def test_good(self):
        files = sorted((CORPUS / "good").glob("*.yaml"))
        self.assertGreater(len(files), 5)
        for file in files:
            with self.subTest(file.name):
                need_for(file.read_text())
                done = check(file.name, cwd=file.parent)
                self.assertEqual(done.returncode, 0, done.stderr.decode())
                self.assertRegex(done.stdout.decode(), rf"\A{file.name}: ok, \d+ routes?\n\Z")
                self.assertNotIn("error", done.stderr.decode())

    @needs_all
    def test_warnings(self):
        done = check("unused.yaml", cwd=CORPUS / "good")
        self.assertEqual(
            done.stderr.decode(),
            "unused.yaml:4:34: warning: store `spare` is not used by any route\n"
            "unused.yaml:5:61: warning: sink `old` is not used by any route\n")
        done = check("window-short.yaml", cwd=CORPUS / "good")
        self.assertEqual(
            done.stderr.decode(),
            "window-short.yaml:5:65: warning: route `a`: option `window` is 500ms: a copy that "
            "waits for another worker or process can miss the result, and is then delivered; "
            "make it at least 2s\n")
        # The keys of one source's routes do not meet.
        self.assertEqual(check("match.yaml", cwd=CORPUS / "good").stderr, b"")
        done = check("shared-keys.yaml", cwd=CORPUS / "good")
        self.assertEqual(
            done.stderr.decode(),
            "shared-keys.yaml:7:3: warning: route `b` and route `a` (line 6) share their keys in "
            "store `main`, but not their sink: what one has delivered is a duplicate to the "
            "other, whose sink never gets it; give one's keyer another `prefix`, or one another "
            "store (for a copy to a second sink there is `also`)\n"
            "shared-keys.yaml:8:3: warning: route `c` and route `b` (line 7) share their keys in "
            "store `main`, but not their sink: what one has delivered is a duplicate to the "
            "other, whose sink never gets it; give one's keyer another `prefix`, or one another "
            "store (for a copy to a second sink there is `also`)\n")

    @needs_all
    def test_bad(self):
        folder = CORPUS / "bad"
        files = sorted(folder.glob("*.yaml"))
        self.assertGreater(len(files), 40)
        self.assertEqual({f.stem for f in files}, {f.stem for f in folder.glob("*.expected")})
        for file in files:
            with self.subTest(file.name):
                done = check(file.name, cwd=folder)
                self.assertEqual(stderr_of(done), file.with_suffix(".expected").read_text())
                self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_every_complaint_has_its_form(self):
        for file in sorted((CORPUS / "bad").glob("*.expected")):
            with self.subTest(file.name):
                lines = file.read_text().splitlines()
                yaml = re.escape(file.with_suffix(".yaml").name)
                for line in lines[:-1]:
                    self.assertRegex(line, rf"\A{yaml}(:\d+:\d+)?: error: [^A-Z.]")
                    self.assertNotIn("hunter2", line)
                count = len(lines) - 1
                self.assertRegex(
                    lines[-1], rf"\Aonceway: {yaml}: {count} error{'' if count == 1 else 's'}\Z")

    @needs_all
    def test_run_refuses_too(self):
        done = run("run", "-c", "several.yaml", cwd=CORPUS / "bad")
        self.assertEqual(done.returncode, 1)
        expected = (CORPUS / "bad/several.expected").read_text()
        self.assertEqual(stderr_of(done), expected[:-1] + ", nothing started\n")


class Examples(unittest.TestCase):
    def test_conf(self):
        files = sorted((SOURCE_DIR / "conf").glob("*.yaml"))
        self.assertGreater(len(files), 1)
        for file in files:
            with self.subTest(file.name):
                need_for(file.read_text())
                done = check(file, **EXAMPLE_SECRETS)
                self.assertEqual(done.returncode, 0, done.stderr.decode())
                self.assertEqual(done.stderr, b"")

    @needs_all
    def test_secrets_must_be_given(self):
        wanted = set()
        for file in sorted((SOURCE_DIR / "conf").glob("*.yaml")):
            text = re.sub(r"#.*", "", file.read_text())
            names = set(re.findall(r"\$\{(\w+)\}", text))
            done = check(file)
            self.assertEqual(done.returncode, 1 if names else 0)
            for name in names:
                self.assertIn(f"variable `{name}` is not set", done.stderr.decode())
            wanted |= names
        self.assertEqual(wanted, set(EXAMPLE_SECRETS))


class Hostile(unittest.TestCase):
    """Whatever is in the file, check ends by itself, with complaints if it must."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.addCleanup(self.directory.cleanup)
        self.file = pathlib.Path(self.directory.name) / "c.yaml"

    def check(self, data, **variables):
        self.file.write_bytes(data)
        done = check(self.file, **variables)
        self.assertIn(done.returncode, (0, 1), data[-200:])
        self.assertEqual(done.returncode == 0, b": error: " not in done.stderr, done.stderr)
        return done

    def test_cut_files(self):
        text = (CORPUS / "good/every-option.yaml").read_bytes()
        step = 397 if WRAPPER else 37
        for end in range(0, len(text), step):
            self.check(text[:end])

    def test_much_of_everything(self):
        self.check(b"a: &a [x]\n" + b"".join(b"k%d: *a\n" % n for n in range(20000)))
        self.check(b"a: &a0 x\n" + b"".join(
            b"b%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40)))
        self.check(b"x: " + b"[" * 100000)
        self.check(b"{" * 100000)
        self.check(b"sinks: {" + b",".join(b"s%d: {}" % n for n in range(3000)) + b"}\n")
        done = self.check(b"x: " + b"a" * 2000000 + b"\n")
        self.assertIn(b"it has more than 1MiB", done.stderr)
        done = self.check(b"".join(b"k%d: \x01\n" % n for n in range(3)))
        self.assertEqual(done.returncode, 1)

    def test_complaints_are_bounded(self):
        done = self.check(b"".join(b"unknown%d: x\n" % n for n in range(20000)))
        self.assertEqual(done.returncode, 1)
        self.assertLess(len(done.stderr.splitlines()), 1100)
        self.assertIn(b"20001 errors", done.stderr)

    def test_names_in_messages_are_bounded(self):
        done = self.check(b"%s: x\n" % (b"n" * 100000))
        self.assertLess(max(len(line) for line in done.stderr.splitlines()), 1000)

    @needs_all
    def test_files_others_can_write(self):
        secret = pathlib.Path(self.directory.name) / "token"
        secret.write_text("hunter2\n")
        text = (CORPUS / "good/variables.yaml").read_text().replace(
            "${PATH}", "${file:" + str(secret) + "}")
        for mode, status in ((0o600, 0), (0o644, 0), (0o666, 1), (0o620, 1)):
            secret.chmod(mode)
            done = self.check(text.encode())
            self.assertEqual(done.returncode, status, done.stderr)
            if status:
                self.assertIn(b"others can write to it: run `chmod go-w ", done.stderr)
        os.mkfifo(self.directory.name + "/fifo")
        done = self.check(text.replace("/token}", "/fifo}").encode())
        self.assertIn(b"it is not a regular file", done.stderr)


if __name__ == "__main__":
    unittest.main()
