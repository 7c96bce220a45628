"""What the documents show is checked as it stands there: configurations, links, names of tests."""
import json
import pathlib
import re
import tempfile
import unittest

from daemon import EXAMPLE_SECRETS, SOURCE_DIR, left_out, need_for, run
from secure import Certificates

DOCUMENTS = [SOURCE_DIR / "README.md", *sorted((SOURCE_DIR / "doc").glob("*.md")),
             *sorted((SOURCE_DIR / "plugins").glob("*/*.md"))]
BLOCK = re.compile(r"^( *)```yaml\n(.*?)^ *```$", re.M | re.S)
URL = "http://127.0.0.1:9000/events"
SECTIONS = ("onceway", "listeners", "sources", "stores", "sinks", "routes")

# What stands for whatever a piece of a configuration refers to.
STAND_INS = {
    "listeners": ("listener", "{address: 127.0.0.1:0}"),
    "sources": ("from", "{plugin: webhook, listener: public, path: /NAME}"),
    "stores": ("store", "{plugin: memory}"),
    "sinks": ("to", "{plugin: log, to: log}"),
}


def names_after(word, text):
    """Names that `word: NAME` refers to."""
    return list(dict.fromkeys(re.findall(rf"\b{word}: ([a-z]\w*)", text)))


def sections_of(text):
    """What stands at the top: the text of each section, by its name."""
    parts = re.split(r"^(\w+):", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def indented(text, by):
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in text.splitlines())


def first_name(sections, section, otherwise):
    found = re.match(r"\s*\{?\s*(?:#.*\s*)*(\w+):", sections.get(section, ""))
    return found[1] if found else otherwise


def instance(text):
    """A piece that is no section: a key, what a route matches, or some options of a sink."""
    route = "routes:\n  shown:\n    from: shown\n    store: main\n    to: crm\n"
    if text.startswith("key:"):
        return route + indented(text, 4)
    if text.startswith("event:"):
        return route + "    key: cxone\n    match:\n" + indented(text, 6)
    return "sinks:\n  crm:\n    plugin: http\n" + indented(text, 4)


def completed(text):
    """A whole configuration, made of a piece of one by adding what it refers to."""
    if not set(sections_of(text)) <= set(SECTIONS):
        text = instance(text)
    sections = sections_of(text)
    if "routes" not in sections:
        text += "routes: {{shown: {{from: {}, key: cxone, store: {}, to: {}}}}}\n".format(
            first_name(sections, "sources", "shown"), first_name(sections, "stores", "main"),
            first_name(sections, "sinks", "crm"))
    for section in ("sinks", "stores", "sources", "listeners"):
        word, body = STAND_INS[section]
        names = names_after(word, text)
        if section not in sections and names:
            text += f"{section}:\n" + "".join(
                f"  {n}: {body.replace('NAME', n)}\n" for n in names)
    return text


class Documents(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.directory = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.folder = pathlib.Path(cls.directory.name)
        (cls.folder / "secret").write_text("hunter2\n")

    def on_this_machine(self, text):
        """With files that are there in place of those that are shown."""
        text = re.sub(r"\$\{file:[^}]*\}", f"${{file:{self.folder}/secret}}", text)
        for name, file in (("server", "server"), ("us", "client")):
            text = re.sub(rf"/etc/onceway/{name}\.(pem|key)",
                          lambda m, f=file: self.certificates(f"{f}.{m[1]}"), text)
        return re.sub(r"/etc/onceway/[\w-]*ca\.pem", self.certificates("ca.pem"), text)

    def check(self, text):
        text = self.on_this_machine(text)
        need_for(text)
        file = self.folder / "shown.yaml"
        file.write_text(text)
        values = {**EXAMPLE_SECRETS, "DOWNSTREAM_URL": URL, "LOGIC_URL": URL}
        done = run("check", "-c", file, **values)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""), text)

    def test_configurations(self):
        count = 0
        for document in DOCUMENTS:
            for indent, block in BLOCK.findall(document.read_text()):
                text = re.sub(rf"^{indent}", "", block, flags=re.M)
                if not text.startswith(SECTIONS):
                    text = "\n".join(
                        line.removeprefix(re.match(" *", text)[0]) for line in text.split("\n"))
                count += 1
                with self.subTest(f"{document.relative_to(SOURCE_DIR)}: {text[:60]}"):
                    self.check(completed(text))
        self.assertGreater(count, 25)

    @unittest.skipIf(left_out(), "not all plugins were built")
    def test_a_wrong_one_is_found(self):
        """What is added to a piece conceals no mistake in it."""
        piece = "routes:\n  a: {from: a, key: cxone, store: main, to: crm}\n"
        self.check(completed(piece))
        for wrong in (piece.replace("key: cxone", "key: {plugin: cxone, x: 1}"),
                      piece.replace("key: cxone", "kex: cxone"),
                      "key: {plugin: fields, from: []}\n", "event: {a: []}\n", "url: nonsense\n",
                      "sources:\n  a: {plugin: webhook, path: /a}\n"):
            with self.subTest(wrong), self.assertRaises(AssertionError):
                self.check(completed(wrong))

    def test_links(self):
        for document in DOCUMENTS:
            text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
            for target in re.findall(r"\]\(([^)#\s]+)", text):
                if "://" not in target:
                    with self.subTest(f"{document.name}: {target}"):
                        self.assertTrue((document.parent / target).exists())

    def test_debatable_keys(self):
        """Each key that was a choice is in the table, with what was chosen."""
        text = (SOURCE_DIR / "doc/migrating.md").read_text()
        rows = re.findall(r"^\| ((?:cxone|cognigy|genesys|auto)\b[^|]*) \| ([^|]*) \|", text, re.M)
        told = {}
        for cases, choice in rows:
            for keyer, names in re.findall(r"(\w+)(?:, `action: true`)?: ((?:`[^`]+`(?:, )?)+)", cases):
                for name in re.findall(r"`([^`]+)`", names):
                    told[keyer, name] = choice.startswith(("refused", "no id"))
        chosen = {}
        for keyer in ("cxone", "cognigy", "genesys", "auto"):
            with open(SOURCE_DIR / f"tests/data/{keyer}-keys.jsonl", encoding="utf-8") as f:
                for vector in map(json.loads, f):
                    if vector.get("debatable"):
                        chosen[keyer, vector["case"].split(": ")[-1]] = "refused" in vector
        self.assertEqual(told, chosen)

    def test_names_of_tests(self):
        """`test_x.py Class.test_y` and `test_x.c name` are there."""
        text = (SOURCE_DIR / "doc/migrating.md").read_text()
        named = re.findall(r"`(test_\w+\.(?:py|c)) ([\w.]+)`", text)
        self.assertGreater(len(named), 40)
        for file, name in named:
            with self.subTest(f"{file} {name}"):
                found = list(SOURCE_DIR.glob(f"*/**/{file}"))
                self.assertEqual(len(found), 1, found)
                source = found[0].read_text()
                if file.endswith(".c"):
                    self.assertIn(f"START_TEST({name})", source)
                    continue
                head, _, method = name.partition(".")
                body = re.search(rf"^class {head}\(.*?(?=^class |\Z)", source, re.M | re.S)
                self.assertIsNotNone(body)
                self.assertRegex(body[0], rf"def {method}\(" if method else r"def test_")


if __name__ == "__main__":
    unittest.main()
