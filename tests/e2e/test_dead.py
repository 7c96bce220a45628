"""`onceway dead`: dead letters listed, shown, replayed and dropped, beside a daemon or without."""
import base64
import json
import pathlib
import sqlite3
import subprocess
import tempfile
import time
import unittest

from daemon import BUILD_DIR, PATIENCE, WRAPPER, configuration, environment, run, wait_until

HISTORY = '[{"at":1700000000000,"code":"503","why":"service unavailable"},' \
          '{"at":1700000001000,"code":"422","why":"refused"}]'


class Keeper:
    """Has the spool open, as a daemon has."""

    def __init__(self, directory):
        self.process = subprocess.Popen(
            WRAPPER + [BUILD_DIR / "tests/e2e/spool_keeper", directory], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment())

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def dead(self, body="{}", route="orders", key="test:1", reason="refused", **more):
        event = {"route": route, "key": key, "headers": "Content-Type: application/json\r\n",
                 "history": HISTORY, **({"body": body} if isinstance(body, str)
                                        else {"hex": body.hex()})}
        return self.ask(dead=event, reason=reason, **more)["id"]

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Dead(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.file = self.directory / "spool.db"
        self.keeper = None

    def keep(self):
        self.keeper = Keeper(self.directory)
        self.addCleanup(self.keeper.close)
        self.keeper.ask(take=0)
        return self.keeper

    def dead(self, *words, status=0, **options):
        """Runs the command; returns what it printed: (stdout, stderr)."""
        where = [] if "-c" in words else ["--state-dir", self.directory]
        done = run("dead", *words, *where, **options)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode(), done.stderr.decode()

    def list(self, *words, **options):
        return json.loads(self.dead("list", "--format", "json", *words, **options)[0])

    def ids(self, *words):
        return [letter["id"] for letter in self.list(*words)]

    def count(self, where="died_ms IS NOT NULL"):
        with sqlite3.connect(self.file) as db:
            return db.execute(f"SELECT count(*) FROM event WHERE {where}").fetchone()[0]


class Looking(Dead):
    def test_nothing(self):
        self.keep()
        self.assertEqual(self.dead("list")[0], "0 dead letters, 0 KiB\n")
        self.assertEqual(self.dead("list", "--format", "json")[0], "[]\n")
        self.assertEqual(self.dead("show", "--all")[0], "")
        self.assertEqual(self.dead("drop", "--all")[0], "dropped 0 dead letters\n")
        self.assertEqual(self.dead("replay", "--all")[0], "replayed 0 dead letters\n")

    def test_list(self):
        keeper = self.keep()
        keeper.ask(put={"route": "orders", "key": "waits", "body": "{}"})
        first = keeper.dead('{"secret":"of the customer"}', key="cxone:dedup:ab")
        second = keeper.dead(key="", reason="no key")
        out, err = self.dead("list")
        self.assertEqual(err, "")
        lines = out.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r"^ +ID  DIED +TRIES  ROUTE  KEY  REASON$")
        self.assertRegex(lines[1], rf"^ +{first}  \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ +2  "
                         r"orders  cxone:dedup:ab  refused$")
        self.assertRegex(lines[2], rf"^ +{second} .* 2  orders  -  no key$")
        self.assertRegex(lines[3], r"^2 dead letters, \d+ KiB$")
        letters = self.list()
        self.assertEqual([letter["id"] for letter in letters], [first, second])
        self.assertEqual(set(letters[0]), {"id", "route", "source", "key", "reason", "arrived",
                                           "died", "bytes", "attempts"})
        self.assertEqual(letters[0]["attempts"], 2)
        self.assertNotIn("secret", out + json.dumps(letters))

    def test_show_json(self):
        keeper = self.keep()
        body = '{"name":"Zo\u00eb \u20ac","nul":"\\u0000"}'
        shown = keeper.dead(body, status=422, answer="what is this?")
        binary = keeper.dead(b"\xff\x00\x01binary", reason="not text")
        one, two = json.loads(self.dead("show", shown, binary, "--format", "json")[0])
        self.assertEqual(one["id"], shown)
        self.assertEqual(one["body"], body)
        self.assertEqual(one["headers"], [["Content-Type", "application/json"]])
        self.assertEqual(one["answer"], {"status": 422, "content_type": "text/plain",
                                         "body": "what is this?"})
        self.assertEqual(one["history"], [
            {"at": "2023-11-14T22:13:20.000Z", "code": "503", "why": "service unavailable"},
            {"at": "2023-11-14T22:13:21.000Z", "code": "422", "why": "refused"}])
        self.assertEqual(base64.b64decode(two["body_base64"]), b"\xff\x00\x01binary")
        self.assertNotIn("body", two)
        self.assertIsNone(two["answer"])

    def test_show_text(self):
        keeper = self.keep()
        shown = keeper.dead('{"a":\n1}', status=422, answer="no \x1b[31mred")
        out, _ = self.dead("show", shown)
        for line in (f"dead letter {shown}", "  route     orders", "  key       test:1",
                     "  reason    refused", "  attempts  2",
                     "    2023-11-14T22:13:20.000Z  503  service unavailable",
                     "    Content-Type: application/json", "  body (8 bytes)", '{"a":', "1}",
                     "  answer    422 text/plain", "no \\x1b[31mred"):
            self.assertIn(line, out.splitlines())
        binary = keeper.dead(b"\xff\x00")
        self.assertIn("  body (2 bytes, in base64)\n/wA=\n", self.dead("show", binary)[0])

    def test_filters(self):
        keeper = self.keep()
        a = keeper.dead(route="a", key="k:1", reason="Refused with 422")
        b = keeper.dead(route="b", key="k:2", reason="deadline over")
        c = keeper.dead(route="b", key="l:1", reason="refused with 400")
        for words, wanted in (
                (["--route", "b"], [b, c]), (["--key", "k:"], [a, b]), (["--key", "k:2"], [b]),
                (["--reason", "REFUSED"], [a, c]), (["--route", "b", "--reason", "400"], [c]),
                (["--since", "1h"], [a, b, c]), (["--until", "1h"], []),
                (["--since", "2020-01-01", "--until", "2020-01-02T03:04:05Z"], []),
                ([b], [b]), ([c, a], [c, a]), (["--all"], [a, b, c])):
            with self.subTest(words):
                self.assertEqual(self.ids(*words), wanted)
        died = {letter["id"]: letter["died"] for letter in self.list()}
        self.assertIn(b, self.ids("--since", died[b]))
        self.assertEqual(self.list(a, "--route", "b", status=1), [])
        self.assertIn(f"there is no dead letter {a} that the other options leave",
                      self.dead("list", a, "--route", "b", status=1)[1])

    def test_died_by_a_clock_that_was_ahead(self):
        number = self.keep().dead()
        with sqlite3.connect(self.file) as db:
            db.execute("UPDATE event SET died_ms = died_ms + 3600000")
        self.assertEqual(self.ids(), [number])
        self.assertIn("refused", self.dead("show", number)[0])
        self.dead("replay", number)
        self.assertEqual(self.count(), 0)

    def test_a_reader_that_stands_still(self):
        """Whoever reads slowly keeps neither the daemon waiting nor its log from being emptied."""
        keeper = self.keep()
        for i in range(300):
            keeper.dead("x" * 2000, key=f"k:{i}")
        reader = subprocess.Popen(
            WRAPPER + [BUILD_DIR / "onceway", "dead", "show", "--all", "--state-dir",
                       self.directory], stdout=subprocess.PIPE, env=environment())
        self.addCleanup(reader.stdout.close)
        self.assertEqual(reader.stdout.read(11), b"dead letter")
        keeper.dead()

        def is_emptied():
            with sqlite3.connect(self.file) as db:
                busy, logged, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return (busy, moved) == (0, logged)
        # All of the log can go into the file: once it stands still, nobody reads an older state.
        wait_until(is_emptied, "an empty log")
        reader.stdout.read()
        self.assertEqual(reader.wait(timeout=PATIENCE), 0)


class Changing(Dead):
    def test_drop(self):
        keeper = self.keep()
        waiting = keeper.ask(put={"route": "orders", "key": "waits", "body": "{}"})["id"]
        ids = [keeper.dead(key=f"k:{i}") for i in range(4)]
        self.assertEqual(self.dead("drop", ids[0], ids[2])[0], "dropped 2 dead letters\n")
        self.assertEqual(self.ids(), [ids[1], ids[3]])
        out, err = self.dead("drop", ids[0], waiting, ids[1], status=1)
        self.assertEqual(out, "dropped 1 dead letter\n")
        self.assertEqual(err, f"onceway: there is no dead letter {ids[0]}\n"
                         f"onceway: there is no dead letter {waiting}\n")
        out, _ = self.dead("drop", 99, ids[3], "--format", "json", status=1)
        self.assertEqual(json.loads(out), {"dropped": 1, "missing": [99], "daemon": True})
        self.assertEqual(self.count("died_ms IS NULL"), 1)

    def test_one_that_is_said_twice(self):
        keeper = self.keep()
        dead = keeper.dead()
        self.assertEqual(self.ids(dead, dead, f"0{dead}"), [dead])
        self.assertRegex(self.dead("replay", dead, dead)[0], "^replayed 1 dead letter: ")
        self.assertIn("no dead letter 99", self.dead("drop", 99, 99, status=1)[1])

    def test_replay_beside_a_daemon(self):
        keeper = self.keep()
        first = keeper.dead('{"n":1}')
        second = keeper.dead('{"n":2}')
        self.assertEqual(keeper.ask(take=10), {"taken": []})
        out, _ = self.dead("replay", first)
        self.assertEqual(out, "replayed 1 dead letter: the daemon (pid "
                         f"{keeper.process.pid}) takes them within a second\n"
                         if not WRAPPER else out)
        self.assertEqual(keeper.ask(take=10),
                         {"taken": [{"id": first, "mode": 1, "body": '{"n":1}'}]})
        self.dead("replay", second, "--honour")
        self.assertEqual(keeper.ask(take=10),
                         {"taken": [{"id": second, "mode": 2, "body": '{"n":2}'}]})
        self.assertEqual(self.list(), [])
        self.assertEqual(keeper.close(), 0)
        self.assertEqual(self.count("1"), 0)

    def test_replay_without_a_daemon(self):
        keeper = self.keep()
        dead = keeper.dead()
        keeper.close()
        out, _ = self.dead("replay", "--all")
        self.assertEqual(out, f"replayed 1 dead letter: no daemon uses {self.directory} now; "
                         "they are delivered when one starts\n")
        taken = self.keep().ask(take=10)["taken"]
        self.assertEqual([event["id"] for event in taken], [dead])

    def test_replay_at_a_rate(self):
        keeper = self.keep()
        ids = [keeper.dead(key=f"k:{i}") for i in range(5)]
        out, _ = self.dead("replay", "--all", "--rate", "2/m")
        self.assertIn("the last one after 2m", out)
        with sqlite3.connect(self.file) as db:
            due = [row[0] for row in db.execute("SELECT due_ms - since_ms FROM event ORDER BY id")]
        self.assertEqual(due, [0, 30000, 60000, 90000, 120000])
        self.assertEqual([e["id"] for e in keeper.ask(take=10)["taken"]], ids[:1])

    def test_many(self):
        """More than one transaction."""
        keeper = self.keep()
        for i in range(1203):
            keeper.dead(key=f"k:{i}")
        out, _ = self.dead("replay", "--all", "--format", "json")
        self.assertEqual(json.loads(out), {"replayed": 1203, "missing": [], "daemon": True})
        taken = []
        while batch := keeper.ask(take=100)["taken"]:
            taken += [event["id"] for event in batch]
        self.assertEqual(taken, sorted(set(taken)))
        self.assertEqual(len(taken), 1203)

    def test_killed_daemon(self):
        """What was committed before kill -9 is there for the command."""
        keeper = self.keep()
        dead = keeper.dead()
        keeper.kill()
        self.assertEqual(self.ids(), [dead])
        self.assertIn("no daemon", self.dead("replay", dead)[0])

    def test_a_file_that_is_locked(self):
        """Another program writes: waited for, as long as it takes it."""
        keeper = self.keep()
        dead = keeper.dead()
        other = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        command = subprocess.Popen(
            WRAPPER + [BUILD_DIR / "onceway", "dead", "drop", str(dead), "--state-dir",
                       self.directory], stdout=subprocess.PIPE, env=environment())
        self.addCleanup(command.stdout.close)
        time.sleep(0.5)
        self.assertIsNone(command.poll())
        other.execute("COMMIT")
        self.assertEqual(command.wait(timeout=PATIENCE), 0)
        self.assertEqual(command.stdout.read(), b"dropped 1 dead letter\n")


class Refused(Dead):
    def test_wrong_words(self):
        for words, complaint in (
                ([], "say what: list, show, replay or drop"),
                (["lst"], "say what: list, show, replay or drop, not `lst`"),
                (["list", "x1"], "an ID is a number, not `x1`"),
                (["show"], "say which: IDs, a filter, or --all"),
                (["replay"], "say which: IDs, a filter, or --all"),
                (["drop"], "say which: IDs, a filter, or --all"),
                (["drop", "0"], "an ID is a number, not `0`"),
                (["list", "--format", "xml"], "--format must be text or json, not `xml`"),
                (["list", "--since", "soon"], "--since must be a time or a duration, not `soon`"),
                (["list", "--until", "2026-99-01"], "--until must be a time or a duration"),
                (["drop", "1", "--rate", "1/s"], "--rate and --honour are for replay"),
                (["replay", "1", "--rate", "fast"], "--rate must be such as 5/s or 100/m"),
                (["replay", "1", "--rate", "0/s"], "--rate must be such as 5/s or 100/m"),
                (["list", "--explain"], "unknown option `--explain`")):
            with self.subTest(words):
                out, err = self.dead(*words, status=2)
                self.assertEqual(out, "")
                self.assertTrue(err.startswith(f"onceway: {complaint}"), err)
                self.assertEqual(err.count("\n"), 1)
        done = run("dead", "list")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"-c FILE is missing", done.stderr)

    def test_help(self):
        out, _ = self.dead("--help")
        for word in ("--route", "--key", "--reason", "--since", "--until", "--all", "--rate",
                     "--honour", "--state-dir", "--format", "--config"):
            self.assertIn(word, out)
        self.assertIn("dead list|show|replay|drop", run("--help").stdout.decode())

    def test_no_file(self):
        _, err = self.dead("list", status=1)
        self.assertEqual(err, f"onceway: {self.file}: No such file or directory; the daemon makes "
                         "it when it starts\n")
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_a_file_that_is_none(self):
        self.file.write_bytes(b"x" * 5000)
        self.assertIn(f"{self.file} is damaged", self.dead("list", status=1)[1])

    def test_configuration(self):
        file = self.directory / "onceway.yaml"
        file.write_text(json.dumps(configuration(9)))
        _, err = self.dead("list", "-c", file, status=1)
        self.assertEqual(err, f"onceway: {file} has no onceway.state_dir, and so no dead letters; "
                         "set it, or say --state-dir DIR\n")
        keeper = self.keep()
        dead = keeper.dead()
        file.write_text(json.dumps(configuration(9, onceway={"state_dir": str(self.directory)})))
        self.assertIn(f" {dead} ", self.dead("list", "-c", file)[0])

    def test_replay_for_a_route_that_is_gone(self):
        file = self.directory / "onceway.yaml"
        file.write_text(json.dumps(configuration(9, onceway={"state_dir": str(self.directory)})))
        keeper = self.keep()
        ids = [keeper.dead(route=route) for route in ("cxone", "orders", "cxone", "orders")]
        out, err = self.dead("replay", *ids[:3], "-c", file)
        self.assertTrue(out.startswith("replayed 3 dead letters: "), out)
        self.assertEqual(err, f"onceway: 1 of them of route `orders`, which {file} does not have: "
                         "delivered once it has, within onceway.spool.max_age\n")
        out, _ = self.dead("replay", ids[3], "-c", file, "--format", "json")
        self.assertEqual(json.loads(out)["strays"], {"orders": 1})

    def test_a_configuration_for_another_environment(self):
        file = self.directory / "onceway.yaml"
        file.write_text('onceway: {state_dir: "${ONCEWAY_TEST_NOT_SET}"}\n')
        _, err = self.dead("list", "-c", file, status=1)
        self.assertIn("variable `ONCEWAY_TEST_NOT_SET` is not set", err)
        self.assertTrue(err.endswith("with --state-dir DIR no configuration is needed\n"), err)


if __name__ == "__main__":
    unittest.main()
