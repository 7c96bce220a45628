"""The commands but run: what they print, where, and how they end."""
import json
import re
import subprocess
import tempfile
import unittest

from daemon import SOURCE_DIR, configuration, environment, need, program, run

PLUGINS = ["keyer auto", "keyer cognigy", "keyer cxone", "keyer fields", "keyer genesys",
           "sink http", "sink log", "sink sqs", "source eventbridge", "source poll",
           "source sqs", "source webhook", "store memory", "store redis"]
TYPES = {"string", "secret", "int", "bool", "duration", "size", "enum", "list", "pairs", "url",
         "address", "pointer", "reference", "tree"}


class Cli(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        need(*(plugin.split()[1] for plugin in PLUGINS))

    def onceway(self, *arguments, status=0, **options):
        """Runs a command; returns what it printed: (stdout, stderr)."""
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode(), done.stderr.decode()


class General(Cli):
    def test_output_that_cannot_be_written(self):
        for words in (["--version"], ["--help"], ["plugins"], ["dead", "--help"]):
            with self.subTest(words), open("/dev/full", "wb") as full:
                done = subprocess.run(
                    program() + words, stdout=full, stderr=subprocess.PIPE, check=False,
                    env=environment())
                self.assertEqual((done.returncode, done.stderr), (
                    1, b"onceway: cannot write to standard output\n"))

    def test_version(self):
        for flag in ("--version", "-V"):
            out, _ = self.onceway(flag)
            self.assertRegex(
                out, r"\Aonceway \d+\.\d+\.\d+\nplugin ABI \d+\.\d+\nlibevent [\d.]+\S*, "
                r"jansson [\d.]+, libyaml [\d.]+, OpenSSL [\d.]+, SQLite [\d.]+\n\Z")

    def test_help(self):
        texts = {self.onceway(*words)[0]
                 for words in (["--help"], ["-h"], ["help"], ["run", "--help"], ["check", "-h"])}
        self.assertEqual(len(texts), 1)
        for word in ("run -c FILE", "check -c FILE", "key -c FILE", "plugins", "--version",
                     "--config", "--route", "--explain", "--format", "--plugin-dir"):
            self.assertIn(word, *texts)

    def test_no_command(self):
        out, err = self.onceway(status=2)
        self.assertEqual((out, err.split("\n")[0]), ("", "Usage: onceway COMMAND [OPTIONS]"))

    def test_wrong_words(self):
        for words, complaint in (
                (["serve"], "unknown command `serve`"),
                (["run"], "say which configuration: -c FILE is missing"),
                (["check", "-c"], "a value is missing after `-c`"),
                (["check", "--config"], "a value is missing after `--config`"),
                (["check", "--frob"], "unknown option `--frob`"),
                (["check", "-x"], "unknown option `-x`"),
                (["check", "-c", "a", "b"], "one word too many: `b`"),
                (["plugins", "http", "log"], "one word too many: `log`"),
                (["plugins", "-c", "a"], "unknown option"),
                (["run", "-c", "a", "--explain"], "unknown option `--explain`"),
                (["plugins", "--format", "xml"], "--format must be text, json, markdown or man")):
            with self.subTest(words):
                out, err = self.onceway(*words, status=2)
                self.assertEqual(out, "")
                self.assertTrue(err.startswith("onceway: " + complaint), err)
                self.assertEqual(err.count("\n"), 1)

    def test_file_that_cannot_be_read(self):
        for command in ("run", "check", "key"):
            _, err = self.onceway(command, "-c", "/nonexistent/onceway.yaml", status=1)
            self.assertIn(
                "/nonexistent/onceway.yaml: error: cannot read it: No such file or directory", err)


class Key(Cli):
    def setUp(self):
        super().setUp()
        self.directory = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.addCleanup(self.directory.cleanup)

    def file(self, config):
        name = self.directory.name + "/onceway.yaml"
        with open(name, "w", encoding="utf-8") as f:
            json.dump(config, f)
        return name

    def keys(self, lines, *arguments, config=None, status=0):
        config = self.file(config or configuration(9))
        out, err = self.onceway(
            "key", "-c", config, *arguments, stdin=b"".join(lines), status=status)
        self.assertEqual(err, "")
        return out

    def test_every_vector_in_order(self):
        with open(SOURCE_DIR / "tests/data/cxone-keys.jsonl", encoding="utf-8") as f:
            vectors = [json.loads(line) for line in f]
        # One line is one event, so an event that has two cannot be given.
        vectors = [v for v in vectors if "\n" not in v["event"]]
        self.assertGreater(len(vectors), 60)
        events = [v["event"].replace("%RUN%", v.get("run", "") * v.get("times", 0)) for v in vectors]
        out = self.keys([e.encode() + b"\n" for e in events], status=1).split("\n")
        self.assertEqual(out.pop(), "")
        self.assertEqual(len(out), len(vectors))
        for vector, line in zip(vectors, out):
            with self.subTest(vector["case"]):
                if "key" in vector:
                    self.assertEqual(line, "cxone:dedup:" + vector["key"])
                elif vector["refused"] == "malformed":
                    self.assertRegex(line, r"\Aerror: not (valid JSON|UTF-8): .* at byte \d+\Z")
                else:
                    self.assertEqual(line, "error: " + vector["refused"])

    def test_status(self):
        good = b'{"triggerId":"t","entityId":"e","timestamp":"x"}\n'
        self.assertEqual(self.keys([]), "")
        one = self.keys([good])
        self.assertRegex(one, r"\Acxone:dedup:[0-9a-f]{64}\n\Z")
        self.assertEqual(self.keys([good, good[:-1]]), one * 2)
        out = self.keys([b"nonsense\n", good, b"\xff\n"], status=1).split("\n")
        self.assertRegex(out[0], "^error: not valid JSON")
        self.assertEqual(out[1], one[:-1])
        self.assertRegex(out[2], "^error: not UTF-8")

    def test_explain(self):
        line = (b'{"triggerId":"tr\\u00e9","entityId":"e\\u001b[31m","timestamp":"x",'
                b'"data":{"contactId":1.50,"queueId":null}}\n')
        out = self.keys([line], "--explain").split("\n")
        self.assertEqual(out[1:], [
            "  field contactId: 1.5 from /data/contactId",
            '  field entityId: "e\\u001b[31m" from /entityId',
            '  field eventType: "unknown" as default, without /data/eventType',
            "  field queueId: null from /data/queueId",
            '  field triggerId: "tr\\u00e9" from /triggerId',
            '  field timestamp (not in the key): "x" from /timestamp',
            '  canonical: {"contactId":1.5,"entityId":"e\\u001b[31m","eventType":"unknown",'
            '"queueId":null,"triggerId":"tr\\u00e9"}',
            "  key: " + out[0][len("cxone:dedup:"):],
            "  label: tr\u00e9",
            ""])

    def test_control_characters_do_not_reach_the_terminal(self):
        out = self.keys(
            [b'{"triggerId":"\\u001b[31m\\u0007","entityId":"e","timestamp":"x"}\n'], "--explain")
        self.assertIn("label: \\x1b[31m\\x07\n", out)
        self.assertNotIn("\x1b", out)

    def test_routes(self):
        config = configuration(9)
        config["sources"]["b"] = {"plugin": "webhook", "listener": "public", "path": "/b"}
        config["routes"]["b"] = {**config["routes"]["cxone"], "from": "b",
                                 "key": {"plugin": "cxone", "prefix": "b:"}}
        good = b'{"triggerId":"t","entityId":"e","timestamp":"x"}\n'
        self.assertRegex(self.keys([good], "-r", "b", config=config), r"\Ab:[0-9a-f]{64}\n\Z")
        self.assertRegex(self.keys([good], "--route=cxone", config=config), r"\Acxone:dedup:")
        file = self.file(config)
        _, err = self.onceway("key", "-c", file, status=1)
        self.assertEqual(err, "onceway: there are several routes, of several "
                              "sources: say which with -r NAME\n")
        _, err = self.onceway("key", "-c", file, "-r", "c", status=1)
        self.assertEqual(err, f"onceway: there is no route `c` in {file}\n")


class Plugins(Cli):
    def test_list(self):
        out, err = self.onceway("plugins")
        self.assertEqual(err, "")
        self.assertEqual(sorted(" ".join(line.split()[:2]) for line in out.splitlines()), PLUGINS)

    def test_one(self):
        for name in ("http", "sink_http"):
            out, _ = self.onceway("plugins", name)
            self.assertTrue(out.startswith("sink http - "), out)
            for word in ("url ", "retry.attempts ", "default 5", "required", "timeout.total"):
                self.assertIn(word, out)

    def test_unknown(self):
        out, err = self.onceway("plugins", "htpp", status=1)
        self.assertEqual(out, "")
        self.assertIn("there is no plugin `htpp`", err)

    def test_json(self):
        out, _ = self.onceway("plugins", "--format", "json")
        plugins = json.loads(out)
        self.assertEqual(sorted(f"{p['kind']} {p['name']}" for p in plugins), PLUGINS)
        for p in plugins:
            self.assertEqual((p["abi_major"], p["license"]), (1, "Apache-2.0"))
            self.assertTrue(p["summary"].endswith("."))
            for o in p["options"]:
                self.assertRegex(o["name"], r"\A[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")
                self.assertIn(o["type"], TYPES)
                self.assertRegex(o["help"], r"\.\Z")
        one, _ = self.onceway("plugins", "--format=json", "memory")
        self.assertEqual(json.loads(one), [p for p in plugins if p["name"] == "memory"])

    def test_markdown(self):
        out, _ = self.onceway("plugins", "http", "--format", "markdown")
        self.assertTrue(out.startswith("## sink `http`\n"), out)
        rows = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(rows[0].count("|"), 6)
        self.assertEqual(rows[1], "|---|---|---|---|---|")
        self.assertGreater(len(rows), 10)
        for row in rows:
            self.assertEqual(len(re.findall(r"(?<!\\)\|", row)), 6, row)

    def test_man(self):
        out, _ = self.onceway("plugins", "http", "--format", "man")
        self.assertTrue(out.startswith(".SS sink http\n"), out)
        self.assertIn("\\fBretry.attempts\\fR", out)
        for line in out.splitlines():
            self.assertRegex(line, r"\A(\.(SS|PP|TP|nf|fi|IP|br|RS|RE)\b|[^.'])|\A\Z")

    def test_examples_are_good(self):
        plugins = json.loads(self.onceway("plugins", "--format", "json")[0])
        for p in plugins:
            with self.subTest(p["name"]), tempfile.TemporaryDirectory() as directory:
                config = configuration(9)
                for section, name, kind in (("sources", "dataaction", "source"),
                                            ("stores", "main", "store"), ("sinks", "crm", "sink")):
                    if kind == p["kind"]:
                        config[section][name] = "@EXAMPLE@"
                if p["kind"] == "keyer":
                    config["routes"]["cxone"]["key"] = "@EXAMPLE@"
                text = json.dumps(config).replace('"@EXAMPLE@"', self.flow(p))
                with open(directory + "/c.yaml", "w", encoding="utf-8") as f:
                    f.write(text)
                self.onceway("check", "-c", directory + "/c.yaml")

    @staticmethod
    def flow(plugin):
        """Examples are options of one instance, as a mapping in one of YAML's two forms."""
        example = plugin["example"].strip()
        if not example.startswith("{"):
            example = "{" + ", ".join(example.splitlines()) + "}"
        if not re.search(r"\bplugin:", example):
            example = example.replace("{", "{plugin: " + plugin["name"] + ", ", 1)
        return example

    def test_missing_directory(self):
        # A directory more does no harm.
        out, _ = self.onceway("plugins", "--plugin-dir", "/nonexistent")
        self.assertEqual(len(out.splitlines()), len(PLUGINS))
        if '"built in"' in self.onceway("plugins", "--format", "json")[0]:
            self.skipTest("some plugins are linked in")
        out, err = self.onceway("plugins", status=1, ONCEWAY_PLUGIN_DIR="/nonexistent")
        self.assertEqual((out, err), ("", "onceway: there are no plugins in /nonexistent\n"))


if __name__ == "__main__":
    unittest.main()
