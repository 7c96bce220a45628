"""onceway-conformance: each suite passes what is sound and fails what breaks a rule."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from daemon import BUILD_DIR, PATIENCE, SOURCE_DIR, environment

BROKEN = BUILD_DIR / "tests/conformance/broken/.libs"
PROGRAM = BUILD_DIR / "onceway-conformance"
EVENTS = SOURCE_DIR / "tests/conformance/plugins/keyer_cxone.jsonl"
# What hangs is waited for this long, in seconds: long enough to come to where it hangs.
LIMIT = 10

# (plugin, the test that must fail, what it must say)
STORES = [
    ("ignores_tokens", "wrong-token", "expected: another token renews: REJECT\ncame: +OK"),
    ("new_twice", "race", "expected: one claim of many for one key gets NEW\n"
                          "came: +a second NEW for claim"),
    ("not_shared", "shared", "expected: claim.. answers IN PROGRESS to the instance of another "
                             "worker\ncame: +NEW"),
    ("early", "lock", r"expected: no takeover before lock_ms have passed\ncame: +\d+ ms too early"
                      r"\ncontract: Claims are atomic"),
    ("never_expires", "lock", "came: +time is up: no call into the plugin was under way"),
    ("strangers_renew", "wrong-renew", "time is up"),
    ("renew_does_nothing", "renew", "expected: a renewed claim lives for lock_ms from then on"),
    ("no_slide", "sliding", "expected: a sliding claim that finds the key finished gives"),
    ("always_slides", "window", "time is up"),
    ("short_window", "window", "expected: a key is remembered for window_ms"),
    ("digest_of_duplicate", "digest", "came: +that of the duplicate"),
    ("cuts_results", "large-results", "expected: the whole body, or none\ncame: +500 of 1000 "),
    ("text_results", "results", "expected: the result's own body\ncame: +1 bytes `a` instead of "
                                "4 bytes"),
    ("text_keys", "any-bytes", "expected: claim.. answers NEW for a key that differs"),
    ("forgets_failed", "results", "expected: the result's `failed` as it was committed"),
    ("release_keeps", "release", "expected: claim.. answers NEW for a key that was released"),
    ("releases_finished", "after-commit", "expected: releasing after the commit: REJECT\n"
                                          "came: +OK"),
    ("finishes_twice", "states", "came: +signal 6 (.|\n)*log: .*an operation was finished twice "
                                 r"\(claim_done\)"),
    ("wrong_function", "states", "came: +signal 6 (.|\n)*log: .*finished with the wrong function "
                                 r"\(op_done\)"),
    ("never_finishes", "renew", r"came: +time is up: renew\(\) of key `conformance:\w+` on worker "
                                "0 had returned and was not finished"),
    ("blocks", "states", r"came: +time is up: claim\(\) of key `conformance:\w+` on worker 0 had "
                         "not returned"),
    ("no_phrase", "ready", "came: +false and no phrase"),
    ("drain_hangs", "life", r"came: +time is up: drain\(\) on worker 0 had returned and was not "
                            "finished"),
    ("drain_fails", "life", r"expected: drain\(\) finishes with OK\ncame: +FAIL: no"),
]
KEYERS = [
    ("counts", "again", r"came: +first key `toy:.*-\d+`, then `"),
    ("by_instance", "other-instance", "expected: the same on the instance of another worker"),
    ("clock", "again", "expected: the same (.|\n)*contract: Pure and synchronous"),
    ("key_and_complaint", "key", "expected: OK comes without a complaint\n"
                                 "came: +`triggerId` is not nice"),
    ("silent", "key", "expected: REJECT says which field it is"),
    ("no_key", "key", "expected: OK comes with a key"),
    ("crashes", "key", r"came: +signal 6 .*: key\(\) of event .* had not returned"),
    ("explains_otherwise", "explaining", "expected: the same when it is to be explained"),
    ("bad_json", "reply", "expected: a reply of type JSON is JSON"),
    ("unknown_outcome", "reply", r"came: +signal 6 .*: reply\(\) for outcome 10"),
    ("header_split", "reply", "expected: a content type that fits into one line"),
    ("odd_status", "numbers", "expected: invalid_status from 400 to 499\ncame: +200"),
]
SINKS = [
    ("finishes_twice", "delivers", "came: +signal 6 (.|\n)*log: .*finished twice "
                                   r"\(deliver_done\)"),
    ("never_finishes", "cancel-at-once", r"came: +time is up: deliver\(\) of key `test:\w+` on "
                                         "worker 0 had returned and was not finished"),
    ("no_code", "delivers", "expected: a code that is not empty"),
    ("code_per_event", "codes", "expected: few different codes"),
    ("no_why", "statuses", "expected: a phrase unless OK"),
    ("ok_anyway", "statuses", "came: +OK for 500"),
    ("retries_what_was_sent", "cancel-later", r"came: +RETRY \(sent\): no answer in time\n"
                                              "contract: Time is up: finish op soon"),
    ("retries_what_was_sent", "peer-closes", "came: +RETRY"),
    ("unknown_not_sent", "nobody-there", "expected: RETRY or FAIL: nothing was sent\n"
                                         "came: +UNKNOWN"),
    ("drain_hangs", "drain-with-work", r"time is up: drain\(\)"),
    ("no_attempts", "policy", "expected: at least one attempt\ncame: +0"),
    ("no_phrase", "ready", "came: +false and no phrase"),
]
SOURCES = [
    ("never_answers", "event", "came: +time is up: the answer to a settled event"),
    ("answers_early", "event", "expected: no answer before the event is settled\n"
                               "came: +an answer: HTTP/1.1 200"),
    ("other_status", "outcomes", "expected: the answer has the status of the settlement\n"
                                 "came: +200 instead of 422"),
    ("two_events", "event", "expected: "),
    ("no_event", "event", "time is up"),
    ("cuts_body", "event", "expected: the event's body is that of the request\n"
                           "came: +2 bytes `{}`"),
    ("drains_early", "drain", r"expected: drain\(\) is not finished while an event is unsettled"),
    ("drain_hangs", "life", r"time is up: drain\(\)"),
    ("unknown_outcome", "outcomes", r"came: +signal 6 .*: settle\(\) with outcome 10"),
]


def conformance(*arguments, **env):
    # What is broken on purpose may leak, and abort is not to be reported by a sanitizer.
    options = {"ASAN_OPTIONS": "detect_leaks=0:handle_abort=0", **env}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False,
        env=environment(**options), errors="replace")


def suite(kind, name, *arguments, **env):
    events = ["--events", EVENTS] if kind in ("keyer", "source") else []
    return conformance(BROKEN / f"{kind}s.so", kind, name, *events, *arguments, **env)


def told(done):
    """What was told of the failure, without the marks of a comment."""
    return re.sub(r"^# *", "", done.stdout, flags=re.M)


class Suites(unittest.TestCase):
    maxDiff = None

    def broken(self, kind, cases):
        def run(case):
            limit = LIMIT if "time is up" in case[2] else PATIENCE
            return suite(kind, case[0], "--only", case[1], "--limit", limit)
        # They mostly wait.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for (name, test, text), done in zip(cases, pool.map(run, cases)):
                with self.subTest(f"{kind} {name}: {test}"):
                    self.assertEqual(done.returncode, 1, done)
                    self.assertIn(f"\nnot ok 1 - {test}: ", done.stdout)
                    self.assertRegex(told(done), text)
                    self.assertIn("\n#   contract: ", done.stdout)

    def sound(self, kind):
        done = suite(kind, "sound")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("# SKIP", done.stdout.replace("the store has no count_duplicate()", "")
                         .replace("# SKIP \n", ""))
        listed = re.findall(r"^(\S+)", conformance(kind, "--list").stdout, re.M)
        self.assertEqual(re.findall(r"^ok \d+ - (\S+):", done.stdout, re.M), listed)
        self.assertIn(f"\n1..{len(listed)}\n", done.stdout)

    def test_stores(self):
        self.broken("store", STORES)

    def test_keyers(self):
        self.broken("keyer", KEYERS)

    def test_sinks(self):
        self.broken("sink", SINKS)

    def test_sources(self):
        self.broken("source", SOURCES)

    def test_sound(self):
        for kind in ("store", "keyer", "sink", "source"):
            with self.subTest(kind):
                self.sound(kind)

    def test_every_test_has_been_seen_to_fail(self):
        # Those that any other failure would be seen in first.
        by_others = {"drain-without-start", "lives", "never-claimed", "race-expired", "many",
                     "cancel", "keys", "count-duplicate", "odd-events", "odd-keys", "limit",
                     "client-gone"}
        for kind, cases in (("store", STORES), ("keyer", KEYERS), ("sink", SINKS),
                            ("source", SOURCES)):
            listed = set(re.findall(r"^(\S+)", conformance(kind, "--list").stdout, re.M))
            self.assertLessEqual(listed - {c[1] for c in cases} - {"life"}, by_others, kind)


class Program(unittest.TestCase):
    def test_rules_are_quoted(self):
        """The sentences it cites are those of the headers."""
        def words(text):
            return " ".join(re.sub(r"[*/]|\s", " ", text).split())
        headers = SOURCE_DIR / "core/include/onceway"
        contract = words(" ".join(p.read_text() for p in headers.glob("*.h")))
        rules = (SOURCE_DIR / "tests/conformance/contract.h").read_text().replace("\\\n", "")
        found = re.findall(r'#define (RULE_\w+)\s+((?:"(?:[^"\\]|\\.)*"\s*)+)', rules)
        self.assertGreater(len(found), 30)
        for name, literal in found:
            sentence = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal)).replace('\\"', '"')
            self.assertIn(words(sentence), contract, name)

    def test_usage(self):
        for arguments, text in (
                ([], "say what to test: source, keyer, store or sink"),
                (["shop", "x"], "say what to test: source, keyer, store or sink `shop`"),
                (["store"], "say which `store`"),
                (["store", "a", "b"], "one word too many: `b`"),
                (["--fast", "store", "a"], "unknown option `--fast`"),
                (["store", "a", "--seed"], "a value is missing after `--seed`"),
                (["store", "a", "--seed", "-1"], "not a number that will do: `--seed`"),
                (["store", "a", "--only", "all"], "no such test (--list names them): `all`")):
            done = conformance(*arguments)
            self.assertEqual((done.returncode, done.stderr), (
                2, f"onceway-conformance: {text}; see `onceway-conformance --help`\n"))
        for option in ("-o", "--events"):
            done = conformance(BROKEN / "stores.so", "store", "sound", option, "/nonexistent")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (
                2, "", "onceway-conformance: /nonexistent: No such file or directory\n"))
        self.assertIn("Usage: onceway-conformance", conformance("--help").stdout)

    def test_what_cannot_be_tested(self):
        done = conformance("store", "nothing")
        self.assertEqual(done.returncode, 1)
        self.assertIn("onceway-conformance: there is no store plugin `nothing` (looked in ",
                      done.stderr)
        done = conformance(BROKEN / "stores.so", "store", "nothing")
        self.assertEqual(done.stderr, "onceway-conformance: "
                         f"{BROKEN}/stores.so has no store `nothing`\n")

    def test_options_are_checked_as_in_a_configuration(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "options.yaml"
            file.write_text("url: http://${PEER}/\nurk: 1\n")
            done = conformance(BROKEN / "sinks.so", "sink", "sound", "-o", file)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, f"{file}:2:1: error: sink `sound`: unknown option `urk` "
                             "(did you mean `url`?)\n")

    def test_a_seed_is_told_and_taken(self):
        done = suite("keyer", "counts", "--only", "again", "--seed", 42)
        self.assertIn(", seed 42\n", done.stdout)
        again = suite("keyer", "counts", "--only", "again", "--seed", 42)
        self.assertEqual(done.stdout, again.stdout)

    def test_a_file_others_can_write_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "stores.so"
            file.write_bytes((BROKEN / "stores.so").read_bytes())
            os.chmod(file, 0o666)
            done = conformance(file, "store", "sound")
            self.assertIn("can be written by others", done.stderr)


if __name__ == "__main__":
    unittest.main()
