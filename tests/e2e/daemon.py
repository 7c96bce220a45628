"""Runs the onceway that was built, on ports the kernel picks, and looks at how it ends.

Environment: BUILD_DIR (where onceway is), SOURCE_DIR, ONCEWAY_WRAPPER (a
command to run it under, valgrind for example), ONCEWAY (another program to
test than the one in BUILD_DIR; it finds its plugins by itself, or by
ONCEWAY_PLUGIN_DIR).
"""
import functools
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

import client
import metrics

SOURCE_DIR = pathlib.Path(os.environ.get("SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD_DIR = pathlib.Path(os.environ.get("BUILD_DIR", "."))
WRAPPER = shlex.split(os.environ.get("ONCEWAY_WRAPPER", ""))

# What conf/*.yaml want. Secrets have no defaults in an example: somebody
# would run it as it is.
EXAMPLE_SECRETS = {
    "HOOK_TOKEN": "hunter2", "HOOK_TOKEN_OLD": "hunter1", "STUDIO_PASSWORD": "hunter2",
    "EVENTBRIDGE_KEY": "hunter2", "GATEWAY_KEY": "hunter2", "SIGNING_KEY": "hunter2",
    "SNS_PASSWORD": "hunter2", "CRM_CLIENT_SECRET": "hunter2",
    "CXONE_CLIENT_SECRET": "hunter2",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}

# How long to wait for what must come. Nothing is ever slower on purpose, so a
# generous bound costs a passing run nothing.
PATIENCE = 120 if WRAPPER else 40

# What sanitizers, valgrind and assert() leave behind; ours has none of these.
REPORTS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:"
    r"|Assertion .* failed|^==\d+==|double free|corrupted", re.M)


def wait_until(condition, what, timeout=PATIENCE):
    """Polls until condition() is true and returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.01)


def environment(**changes):
    env = {k: v for k, v in os.environ.items() if not k.startswith("ONCEWAY")}
    if "ONCEWAY" not in os.environ:
        env["ONCEWAY_PLUGIN_DIR"] = str(BUILD_DIR / ".libs")
    elif "ONCEWAY_PLUGIN_DIR" in os.environ:
        env["ONCEWAY_PLUGIN_DIR"] = os.environ["ONCEWAY_PLUGIN_DIR"]
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("TSAN_OPTIONS", f"suppressions={SOURCE_DIR}/tests/e2e/tsan.supp")
    env.update(changes)
    return env


def program():
    return WRAPPER + [os.environ.get("ONCEWAY") or str(BUILD_DIR / "onceway")]


def run(*arguments, stdin=b"", cwd=None, **env):
    """Runs a command of onceway to its end."""
    done = subprocess.run(
        program() + [str(a) for a in arguments], input=stdin, capture_output=True,
        timeout=PATIENCE, cwd=cwd, env=environment(**env), check=False)
    report = REPORTS.search(done.stderr.decode(errors="replace"))
    if report:
        raise AssertionError(done.stderr.decode(errors="replace"))
    return done


@functools.lru_cache
def left_out():
    """Plugins of this tree that configure was told not to build: {"http", ...}."""
    listed = (SOURCE_DIR / "plugins/plugins.am").read_text()
    tree = re.findall(r"^include plugins/[a-z0-9]+_(\w+)/plugin\.am$", listed, re.M)
    built = {p["name"] for p in json.loads(run("plugins", "--format", "json").stdout)}
    return set(tree) - built


def need(*names):
    """Skips the test unless these plugins were built."""
    missing = sorted(left_out() & set(names))
    if missing:
        raise unittest.SkipTest(f"not built: {', '.join(missing)}")


def need_for(config):
    """Skips the test unless all that a configuration's text names was built."""
    need(*re.findall(r"""\b(?:plugin|key)["']?: *["']?(\w+)""", config))


def merge(base, changes):
    """A copy of base with changes put in, mapping by mapping. None takes an entry out."""
    out = dict(base)
    for name, value in changes.items():
        if value is None:
            out.pop(name, None)
        elif isinstance(value, dict) and isinstance(out.get(name), dict):
            out[name] = merge(out[name], value)
        else:
            out[name] = value
    return out


def configuration(sink_port, onceway=(), listener=(), source=(), store=(), sink=(), route=()):
    """The tutorial's pipeline: one route, all parts at their defaults but for quick retries."""
    return {
        "onceway": merge({"admin": "127.0.0.1:0", "log": {"level": "debug"}}, dict(onceway)),
        "listeners": {"public": merge({"address": "127.0.0.1:0"}, dict(listener))},
        "sources": {"dataaction": merge(
            {"plugin": "webhook", "listener": "public", "path": client.PATH}, dict(source))},
        "stores": {"main": merge({"plugin": "memory"}, dict(store))},
        "sinks": {"crm": merge(
            {"plugin": "http", "url": f"http://127.0.0.1:{sink_port}/api/v1/events",
             "retry": {"base": "5ms", "max": "20ms"}}, dict(sink))},
        "routes": {"cxone": merge(
            {"from": "dataaction", "key": "cxone", "store": "main", "to": "crm"}, dict(route))},
    }


class Daemon:
    """One `onceway run`. Its configuration is a mapping: JSON is YAML."""

    def __init__(self, config):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.directory = pathlib.Path(self.temporary.name)
        self.config = self.directory / "onceway.yaml"
        self.config.write_text(json.dumps(config, indent=2))
        need_for(self.config.read_text())
        self.runs = 0
        self.process = None
        self.files = None
        self.env = {}  # more of the environment
        self.last_log = ""
        self.port = self.admin_port = None

    @property
    def log_file(self):
        return self.directory / f"log.{self.runs}"

    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_log(self, pattern):
        return wait_until(lambda: re.search(pattern, self.log()), f"log line /{pattern}/")

    def launch(self):
        """Starts the process without waiting for it to be ready."""
        self.runs += 1
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                program() + ["run", "-c", str(self.config)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=environment(**self.env), preexec_fn=self._set_limits)

    def limit_files(self, count):
        """From the next launch on it may have that many open files and no more."""
        self.files = count

    def _set_limits(self):
        if self.files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))

    def start(self, ready=True):
        """Starts it and waits; with ready=False, not until its sinks and stores are ready."""
        self.launch()
        try:
            self._wait_started(ready)
        except BaseException:
            self._end()
            raise
        return self

    def _wait_started(self, ready):
        def started():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"onceway ended with {self.process.returncode}:\n{self.log()}")
            return re.search(r"\bready: onceway ", self.log())
        wait_until(started, "start of onceway")
        self.port = self._port_of(r"listener public on .*")
        self.admin_port = self._port_of("admin on .*")
        if ready and self.admin_port:
            wait_until(lambda: self.admin("/readyz").status == 200, "/readyz")

    def _port_of(self, what):
        """As the log says; None: there is no such address."""
        found = re.search(what + r" \(port (\d+)\)", self.log())
        return int(found[1]) if found else None

    def admin(self, path, method="GET"):
        return client.ask(self.admin_port, method, path)

    def metrics(self):
        return metrics.parse(self.admin("/metrics").body.decode())

    def status(self):
        return json.loads(self.admin("/status").body)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the process to end by itself and returns its exit status."""
        return self.process.wait(timeout=PATIENCE)

    def _end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def kill(self):
        """kill -9. Until then it was well."""
        ended = self.process.poll()
        if ended is not None:
            raise AssertionError(f"onceway ended by itself, with {ended}:\n{self.log()}")
        self._end()
        self._check_reports()

    def close(self):
        """Leaves nothing behind but the last log."""
        self._end()
        self.last_log = self.log() if self.runs else ""
        self.temporary.cleanup()

    def stop(self):
        """Ends it as an operator would, and fails unless it ended as it should."""
        if self.process and self.process.poll() is None:
            self.signal()
        self.check_ended()

    def _check_reports(self):
        if REPORTS.search(self.log()):
            raise AssertionError(f"a sanitizer or valgrind complained:\n{self.log()}")

    def check_ended(self, status=0):
        try:
            ended = self.wait()
        except subprocess.TimeoutExpired:
            self._end()
            raise AssertionError(f"onceway did not end:\n{self.log()}") from None
        self._check_reports()
        if ended != status:
            raise AssertionError(f"onceway ended with {ended}, not {status}:\n{self.log()}")
