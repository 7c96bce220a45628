"""An installed Onceway and a plugin that was built outside of its tree.

Not part of `make check`: `make installcheck` runs it, after `make install`
with the same DESTDIR. Environment: DESTDIR, PREFIX, BINDIR, PLUGINDIR,
PKGCONFIGDIR, CC; tests/e2e/run sets the rest.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from case import Case, discarded, event, routed
from daemon import EXAMPLE_SECRETS, SOURCE_DIR, configuration, run

DESTDIR = os.environ["DESTDIR"]
PREFIX = os.environ["PREFIX"]
BINDIR = DESTDIR + os.environ["BINDIR"]
PLUGINDIR = DESTDIR + os.environ["PLUGINDIR"]
PKGCONFIGDIR = DESTDIR + os.environ["PKGCONFIGDIR"]
CC = os.environ.get("CC", "cc")

# The installed program, not the built one; daemon.py looks here.
os.environ["ONCEWAY"] = BINDIR + "/onceway"
# With DESTDIR the program is not where it believes itself to be.
ENVIRONMENT = {"ONCEWAY_PLUGIN_DIR": PLUGINDIR} if DESTDIR else {}
os.environ.update(ENVIRONMENT)

PKG_CONFIG = "pkg-config" + (f" --define-variable=prefix={DESTDIR}{PREFIX}" if DESTDIR else "")


def shell(command, cwd=None, **env):
    return subprocess.run(
        command, shell=True, cwd=cwd, capture_output=True, text=True, check=False,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
             "PKG_CONFIG_PATH": PKGCONFIGDIR, **env})


class Install(Case):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="onceway-install-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.directory = pathlib.Path(cls.temporary.name)
        cls.template = cls.directory / "plugin"
        shutil.copytree(SOURCE_DIR / "contrib/plugin-template", cls.template)
        for path in [cls.template, *cls.template.iterdir()]:
            path.chmod(0o755 if path.is_dir() else 0o644)  # a tarball may be read-only
        cls.made = cls.make()

    @classmethod
    def make(cls, *arguments, cwd=None):
        words = ["make", f"PKG_CONFIG='{PKG_CONFIG}'", f"CC='{CC}'", "CFLAGS='-O1 -Werror'",
                 *arguments]
        return shell(" ".join(words), cwd=cwd or cls.template)

    def variant(self, name, flags):
        """The template again, compiled in another way."""
        directory = self.directory / name
        shutil.copytree(self.template, directory)
        done = self.make("-B", f"CPPFLAGS='{flags}'", cwd=directory)
        self.assertEqual(done.returncode, 0, done)
        return directory

    def onceway(self, *arguments, status=0):
        done = run(*arguments, **ENVIRONMENT)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode(), done.stderr.decode()


class Installed(Install):
    def test_program(self):
        self.assertIn("plugin ABI 1.", self.onceway("--version")[0])
        self.assertEqual(
            sorted(line.split()[1] for line in self.onceway("plugins")[0].splitlines()),
            ["auto", "cognigy", "cxone", "eventbridge", "fields", "genesys", "http", "log",
             "memory", "poll", "redis", "sqs", "sqs", "webhook"])

    def test_plugins_export_one_function_and_link_nothing_of_ours(self):
        for file in sorted(pathlib.Path(PLUGINDIR).glob("*.so")) + [
                self.template / "sink_spool.so"]:
            with self.subTest(file.name):
                self.assertEqual(file.stat().st_mode & 0o022, 0)
                defined = shell(f"nm -D --defined-only '{file}'").stdout.split("\n")
                self.assertEqual([line.split()[2] for line in defined if line], ["ow_module"])
                self.assertNotIn(" ow_", shell(f"nm -D --undefined-only '{file}'").stdout)

    def test_nothing_but_what_belongs(self):
        libraries = sorted(p.name for p in pathlib.Path(PLUGINDIR).iterdir())
        self.assertEqual([n for n in libraries if not n.endswith((".so", ".la"))], [])
        headers = pathlib.Path(DESTDIR + PREFIX) / "include"
        self.assertEqual(
            sorted(str(p.relative_to(headers)) for p in headers.glob("**/onceway/*")),
            ["onceway/" + n for n in ("abi.h", "event.h", "host.h", "option.h", "plugin.h")])

    def test_header_stands_alone(self):
        flags = shell(f"{PKG_CONFIG} --cflags onceway")
        self.assertEqual(flags.returncode, 0, flags.stderr)
        for header in ("abi", "event", "host", "option", "plugin"):
            # Only plugin.h is meant for plugins, but none may lean on what came before it.
            done = shell(
                f"echo '#include <onceway/{header}.h>' | {CC} -std=c11 -Wall -Wextra -Werror "
                f"-pedantic {flags.stdout.strip()} -x c -fsyntax-only -")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_pkg_config(self):
        version = shell(f"{PKG_CONFIG} --modversion onceway").stdout.strip()
        self.assertEqual(self.onceway("--version")[0].split("\n")[0], "onceway " + version)
        self.assertEqual(
            shell(f"{PKG_CONFIG} --variable=plugindir onceway").stdout.strip(), PLUGINDIR)

    def test_examples(self):
        examples = list(pathlib.Path(DESTDIR + PREFIX).glob("share/doc/onceway/examples/*.yaml"))
        self.assertGreater(len(examples), 1)
        for file in examples:
            done = run("check", "-c", file, **ENVIRONMENT, **EXAMPLE_SECRETS)
            self.assertEqual((done.returncode, done.stderr), (0, b""), done)


class Template(Install):
    def test_builds_without_a_warning(self):
        self.assertEqual((self.made.returncode, self.made.stderr), (0, ""), self.made)

    def test_its_own_test(self):
        done = self.make("check")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("\nok\n", done.stdout)

    def test_keeps_its_contract(self):
        done = self.make("conformance", f"ONCEWAY_CONFORMANCE='{BINDIR}/onceway-conformance'")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(": an event is delivered\n", done.stdout)
        self.assertNotIn("not ok", done.stdout)

    def test_is_described(self):
        out, err = self.onceway("plugins", "spool", "--plugin-dir", self.template)
        self.assertEqual(err, "")
        self.assertIn(f"from {self.template}/sink_spool.so (sink_spool 1.0, Apache-2.0, ", out)
        self.assertRegex(out, r"\n  directory +text, required\n")
        plugin = json.loads(self.onceway(
            "plugins", "spool", "--format", "json", "--plugin-dir", self.template)[0])[0]
        self.assertIn("retry.attempts", [o["name"] for o in plugin["options"]])

    def test_make_install(self):
        root = self.directory / "root"
        done = self.make("install", f"DESTDIR='{root}'")
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(pathlib.Path(f"{root}{PLUGINDIR}/sink_spool.so").exists())

    def spool(self, **options):
        events = pathlib.Path(tempfile.mkdtemp(prefix="events-", dir=self.directory))
        config = configuration(9)
        config["onceway"]["plugin_path"] = [str(self.template)]
        config["sinks"]["crm"] = {"plugin": "spool", "directory": str(events), **options}
        return events, config

    def test_delivers(self):
        events, config = self.spool()
        onceway = self.daemon_of(config)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        files = list(events.iterdir())
        self.assertEqual([f.read_bytes() for f in files], [event()])
        self.assertRegex(files[0].name, r"\Acxone:dedup:[0-9a-f]{64}\.json\Z")
        m = onceway.metrics()
        self.assertEqual(m.get("onceway_spool_bytes_total", sink="crm"), len(event()))
        self.assertEqual(m.get("onceway_sink_attempts_total", sink="crm", code="written"), 1)

    def test_fails_and_comes_back(self):
        events, config = self.spool()
        events.rmdir()
        onceway = self.daemon_of(config, start=False)
        onceway.start(ready=False)
        self.assertAnswer(self.post(onceway, event()), 502)
        answer = onceway.admin("/readyz")
        self.assertEqual(answer.status, 503)
        self.assertIn("No such file or directory", answer.text)
        events.mkdir()
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_is_checked(self):
        _, config = self.spool(directory="relative", suffx="")
        file = self.directory / "bad.yaml"
        file.write_text(json.dumps(config))
        _, err = self.onceway("check", "-c", file, status=1)
        self.assertIn("unknown option `suffx` (did you mean `suffix`?)", err)
        del config["sinks"]["crm"]["suffx"]
        file.write_text(json.dumps(config))
        _, err = self.onceway("check", "-c", file, status=1)
        self.assertIn("sink `crm`: option `directory` must begin with `/`", err)


class Refused(Install):
    """Each refusal names the file, both values and the remedy."""

    def refused(self, directory, text):
        file = f"{directory}/sink_spool.so"
        expected = text.format(file=file)
        out, err = self.onceway("plugins", "--plugin-dir", directory)
        self.assertEqual(err, f"onceway: {expected}\n")
        self.assertNotIn("spool", out)
        # The same where a configuration wants the plugin.
        config = configuration(9)
        config["sinks"]["crm"] = {"plugin": "spool", "directory": "/var/spool"}
        yaml = self.directory / "refused.yaml"
        yaml.write_text(json.dumps(config))
        _, err = self.onceway("check", "-c", yaml, "--plugin-dir", directory, status=1)
        self.assertRegex(err, rf"\A{yaml}:1:\d+: error: sink `crm`: {re.escape(expected)}\n")

    def abi(self):
        """The installed program's ABI, as in `1.1`."""
        return re.search(r"plugin ABI (1\.\d+)\n", self.onceway("--version")[0])[1]

    def test_other_major(self):
        self.refused(
            self.variant("major", "-DOW_ABI_MAJOR=2 -DOW_ABI_MINOR=3"),
            "{file} was built for plugin ABI 2.3, this onceway has " + self.abi() + ": rebuild "
            "the plugin with this version's <onceway/plugin.h>")

    def test_newer_minor_needed(self):
        self.refused(
            self.variant("minor", "-DOW_ABI_MINOR=99 -DOW_NEED_MINOR=99"),
            "{file} needs plugin ABI 1.99 or later, this onceway has " + self.abi() + ": upgrade "
            "onceway, or use an older release of the plugin")

    def test_newer_minor_that_can_do_without(self):
        directory = self.variant("newer", "-DOW_ABI_MINOR=99")
        out, err = self.onceway("plugins", "spool", "--plugin-dir", directory)
        self.assertIn("plugin ABI 1.99", out)
        self.assertEqual(err, "")

    def test_no_symbol(self):
        self.refused(
            self.variant("symbol", "-DOW_MODULE_SYMBOL=other_module"),
            "{file} is not a Onceway plugin: it has no symbol `ow_module`; a plugin exports it "
            "with OW_MODULE() of <onceway/plugin.h>")

    def test_writable_by_others(self):
        directory = self.variant("writable", "")
        (directory / "sink_spool.so").chmod(0o664)
        self.refused(
            directory, "{file} can be written by others (mode 0664): make it safe with "
            "`chmod go-w {file}`")

    def test_two_of_one_name(self):
        directory = self.variant("twice", "")
        shutil.copy(directory / "sink_spool.so", directory / "sink_spool2.so")
        out, err = self.onceway("plugins", "spool", "--plugin-dir", directory)
        self.assertEqual(
            err, f"onceway: {directory}/sink_spool2.so has a sink `spool`, which "
            f"{directory}/sink_spool.so has too: remove one of the two\n")
        self.assertIn("sink_spool.so", out)


class Readme(Install):
    def test_a_plugin_in_one_page(self):
        """What the README shows can be copied and run."""
        text = (SOURCE_DIR / "README.md").read_text(encoding="utf-8")
        page = text[text.index("## A plugin in one page"):]
        code = re.search(r"```c\n(.*?)```", page, re.S)[1]
        commands = re.search(r"```\n(cc .*?)```", page, re.S)[1].strip().split("\n")
        directory = self.directory / "readme"
        directory.mkdir()
        (directory / "sink_hello.c").write_text(code)
        self.assertEqual(commands[-1], "onceway plugins hello --plugin-dir .")
        for command in commands[:-1]:
            command = command.replace("pkg-config", PKG_CONFIG).replace("cc ", CC + " ", 1)
            done = shell("umask 022; " + command, cwd=directory)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        out, err = self.onceway("plugins", "hello", "--plugin-dir", directory)
        self.assertEqual(err, "")
        self.assertIn("Greets each event.", out)
        config = configuration(9)
        config["onceway"]["plugin_path"] = [str(directory)]
        config["sinks"]["crm"] = {"plugin": "hello", "greeting": "good morning"}
        onceway = self.daemon_of(config)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        onceway.wait_log(f"sink crm: good morning: {len(event())} bytes, attempt 1")


if __name__ == "__main__":
    unittest.main()
