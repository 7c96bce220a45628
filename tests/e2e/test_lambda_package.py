"""contrib/lambda: the package is made, unpacked, and run as Lambda runs it."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest
import zipfile

from case import Case
from daemon import (BUILD_DIR, PATIENCE, REPORTS, SOURCE_DIR, WRAPPER, environment, need,
                    wait_until)
from lambda_api import LambdaApi
from redis_server import Server
from samples import acd_start
from secure import Certificates

PACKAGE = SOURCE_DIR / "contrib/lambda/package"
MEMORY = """
onceway: {admin: off}
sources: {eventbridge: {plugin: eventbridge, mode: lambda}}
stores: {main: {plugin: memory}}
sinks: {crm: {plugin: http, url: "${DOWNSTREAM_URL}"}}
routes: {genesys: {from: eventbridge, key: genesys, store: main, to: crm}}
"""


FILES = ["keyer_genesys.so", "sink_http.so", "source_eventbridge.so", "store_memory.so"]
# Some may be linked in.
ALL_ARE_FILES = all((BUILD_DIR / ".libs" / f).exists() for f in FILES)


class Function:
    """A package, unpacked, and the process that Lambda would make of it."""

    def __init__(self, directory, api, **env):
        self.directory = directory
        with open(directory.parent / "log", "wb") as log:
            # Nothing of this machine's environment: no PATH, no HOME.
            self.process = subprocess.Popen(
                [str(directory / "bootstrap")], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**api.environment, **env}, cwd=directory)

    def log(self):
        return (self.directory.parent / "log").read_text()

    def libraries(self):
        """All shared objects that it runs with."""
        maps = pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()
        return {m for m in re.findall(r"(/\S+\.so\S*)$", maps, re.M)}

    def wait(self):
        status = self.process.wait(timeout=PATIENCE)
        if REPORTS.search(self.log()):
            raise AssertionError(self.log())
        return status

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()


@unittest.skipIf(WRAPPER, "it is started by a script of its own")
class PackageCase(Case):
    def setUp(self):
        need("eventbridge", "genesys", "http", "memory")
        temporary = tempfile.TemporaryDirectory(prefix="onceway-lambda-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.crm = self.sink()
        self.api = LambdaApi()
        self.sinks.append(self.api)

    def package(self, config, out, *plugins, **env):
        """What the script did."""
        env = {"ONCEWAY": str(BUILD_DIR / "onceway"),
               "ONCEWAY_PLUGIN_DIR": str(BUILD_DIR / ".libs"), **env}
        return subprocess.run(
            [str(PACKAGE), "-c", str(config), "-o", str(self.directory / out), *plugins],
            capture_output=True, text=True, timeout=PATIENCE, env=environment(**env),
            cwd=self.directory, check=False)

    def packaged(self, config, out, *plugins, **env):
        done = self.package(config, out, *plugins, **env)
        self.assertEqual(done.returncode, 0, done)
        return self.directory / out

    def memory(self):
        file = self.directory / "memory.yaml"
        file.write_text(MEMORY)
        return file

    def function(self, directory, **env):
        function = Function(directory, self.api, **{"DOWNSTREAM_URL": self.url, **env})
        self.addCleanup(function.process.wait)
        self.addCleanup(function.process.kill)
        return function

    @property
    def url(self):
        return f"http://127.0.0.1:{self.crm.port}/"

    def statuses(self, *events):
        answers = [self.api.invoke(e).answer for e in events]
        return [json.loads(a["body"])["status"] for a in answers]


class Package(PackageCase):
    def unpacked(self, file):
        """As Lambda does it: with the modes that stand in the archive."""
        out = self.directory / "task"
        with zipfile.ZipFile(file) as z:
            z.extractall(out)
            for info in z.infolist():
                os.chmod(out / info.filename, (info.external_attr >> 16) & 0o777)
        return out

    def files(self, directory):
        return sorted((str(p), p.stat().st_mtime_ns) for p in directory.rglob("*"))

    def test_the_example_from_an_archive(self):
        """conf/lambda.yaml as it stands, in an environment that has nothing else."""
        need("redis")
        redis = Server()
        self.addCleanup(redis.close)
        file = self.packaged(SOURCE_DIR / "conf/lambda.yaml", "function.zip")
        task = self.unpacked(file)
        before = self.files(task)
        function = self.function(task, REDIS_HOST="127.0.0.1", REDIS_PORT=str(redis.port))
        self.assertEqual(self.statuses(acd_start(1), acd_start(2), acd_start(1)),
                         ["success", "success", "duplicate"])
        self.assertEqual(self.crm.bodies, [acd_start(1), acd_start(2)])
        # Nothing but what is in the package, be it libc.
        outside = {f for f in function.libraries() if not f.startswith(f"{task}/")}
        self.assertEqual(outside, set())
        self.api.wait_asked(4)
        self.assertEqual(function.stop(), 0)
        self.assertEqual(self.files(task), before)
        for line in function.log().splitlines():
            json.loads(line)  # what CloudWatch gets

    def test_some_plugins(self):
        task = self.packaged(
            self.memory(), "task", "eventbridge", "genesys", "http", "memory",
            DOWNSTREAM_URL=self.url)
        if ALL_ARE_FILES:
            self.assertEqual(sorted(p.name for p in (task / "plugins").iterdir()), FILES)
        function = self.function(task)
        self.assertEqual(self.statuses(acd_start(), acd_start()), ["success", "duplicate"])
        self.api.wait_asked(3)
        self.assertEqual(function.stop(), 0)

    def test_a_layer(self):
        """The package in one place, the function's own file in another."""
        layer = self.packaged("none", "layer")
        task = self.directory / "task"
        task.mkdir()
        (task / "onceway.yaml").write_text(MEMORY)
        function = self.function(layer, LAMBDA_TASK_ROOT=str(task))
        self.assertEqual(self.statuses(acd_start()), ["success"])
        self.assertIn(str(task / "onceway.yaml"), function.log())
        function.stop()
        self.api.forget()
        (task / "other.yaml").write_text(MEMORY.replace("genesys:", "other:"))
        function = self.function(layer, ONCEWAY_CONFIG=str(task / "other.yaml"))
        self.assertEqual(self.statuses(acd_start()), ["success"])
        function.stop()

    def test_certificates(self):
        """The libcrypto in it knows the CAs of SSL_CERT_FILE, or else the image's."""
        certificates = Certificates()
        self.addCleanup(certificates.close)
        self.crm = self.sink(tls=certificates.server())
        url = f"https://localhost:{self.crm.port}/"
        task = self.packaged(self.memory(), "task", DOWNSTREAM_URL=url)
        for believed, env in ((True, {"SSL_CERT_FILE": certificates("ca.pem")}), (False, {})):
            function = self.function(task, **{"DOWNSTREAM_URL": url, **env})
            invocation = self.api.invoke(acd_start(int(believed)), seconds=300 if believed else 3)
            self.assertEqual(invocation.wait().kind, "response" if believed else "error")
            function.stop()
            self.api.forget()
        self.assertEqual(self.crm.bodies, [acd_start(1)])
        self.assertIn("certificate", function.log())

    def test_what_is_wrong_at_the_start_is_reported(self):
        task = self.packaged(self.memory(), "task", DOWNSTREAM_URL=self.url)
        (task / "onceway.yaml").write_text(
            MEMORY.replace("plugin: memory", 'plugin: memory, url: "é\\"${NONE}"'))
        function = self.function(task)
        self.assertEqual(function.wait(), 1)
        wait_until(lambda: self.api.init_errors, "the report")
        request, = self.api.init_errors
        said = json.loads(request.body)
        self.assertEqual(said["errorType"], "Onceway.StartFailed")
        self.assertEqual(
            request.header("Lambda-Runtime-Function-Error-Type"), "Onceway.StartFailed")
        self.assertRegex(said["errorMessage"], "onceway.yaml:4:.*NONE")
        self.assertIn(said["errorMessage"].split("\n")[0], function.log())
        self.assertEqual(self.api.asked, 0)


class Refusals(PackageCase):
    def test_what_would_not_start_is_not_packaged(self):
        cases = [
            (self.memory(), [], {}, "variable `?DOWNSTREAM_URL"),
            (self.directory / "none.yaml", [], {}, "none.yaml: there is no such file"),
            (self.memory(), ["nonesuch"], {"DOWNSTREAM_URL": self.url}, "nonesuch"),
            ("none", [], {"ONCEWAY": "/bin/false"}, "false cannot show its plugins"),
        ]
        if ALL_ARE_FILES:
            cases.append((self.memory(), ["genesys", "http", "memory"],
                          {"DOWNSTREAM_URL": self.url}, "would not start: .*eventbridge"))
        for config, plugins, env, said in cases:
            with self.subTest(said):
                done = self.package(config, "out.zip", *plugins, **env)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, said)
                self.assertFalse((self.directory / "out.zip").exists())

    def test_a_place_that_is_none(self):
        done = self.package(self.memory(), "none/out.zip", DOWNSTREAM_URL=self.url)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Apackage: \S+/none/out.zip: make the directory first\n\Z")
        done = self.package(self.memory(), "out.zip", ONCEWAY="/none/onceway")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stderr, "package: ONCEWAY is /none/onceway, which is not a program\n")

    def test_nothing_is_overwritten(self):
        (self.directory / "out.zip").write_text("mine")
        (self.directory / "out").mkdir()
        (self.directory / "out/file").write_text("mine")
        for out, said in (("out.zip", "is there already"), ("out", "is not empty")):
            done = self.package(self.memory(), out, DOWNSTREAM_URL=self.url)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
        self.assertEqual((self.directory / "out.zip").read_text(), "mine")


if __name__ == "__main__":
    unittest.main()
