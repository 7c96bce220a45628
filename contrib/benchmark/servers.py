"""What is measured and what it is measured with: onceway, nginx, wrk, each on its core."""
import contextlib
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "e2e"))

import daemon  # noqa: E402  (the end-to-end tests' way to run what was built)
import redis_server  # noqa: E402
from client import PATH  # noqa: E402

EVENTS_LUA = pathlib.Path(__file__).with_name("events.lua")
TICKS = os.sysconf("SC_CLK_TCK")
ANSWER = '{"status":"routed","triggerId":"trg-5f0c1d"}'


def cores():
    """The one for what is measured, and all others."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        sys.exit("bench: two processors are needed, one for the daemon and one for the load")
    return str(mine[0]), ",".join(map(str, mine[1:]))


def cpu_seconds(pid):
    """User and system time of all threads of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


class Certificate:
    """Of localhost, signed by itself, and its key."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-bench-")
        here = pathlib.Path(self.temporary.name)
        self.file, self.key = str(here / "cert.pem"), str(here / "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.file],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.temporary.cleanup()


def speaks_tls(certificate):
    """Whether the onceway that is measured was built with it."""
    config = daemon.configuration(1, listener={
        "tls": {"certificate": certificate.file, "key": certificate.key}})
    config["sinks"]["crm"].update(url="https://localhost:1/", tls={"ca": certificate.file})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(config, file)
        file.flush()
        return daemon.run("check", "-c", file.name).returncode == 0


class Nginx:
    """nginx that reads a body and answers 200, in one process."""

    def __init__(self, core, certificate=None):
        self.scheme = "https" if certificate else "http"
        tls = (f"ssl_certificate {certificate.file}; ssl_certificate_key {certificate.key};"
               if certificate else "")
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-bench-")
        self.port = free_port()
        here = self.temporary.name
        temp = "".join(f"{kind}_temp_path {here}/{kind};"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = pathlib.Path(here, "nginx.conf")
        conf.write_text(f"""
            daemon off; master_process off; pid {here}/pid; error_log stderr error;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; {temp} keepalive_requests 1000000000; {tls}
                server {{
                    listen 127.0.0.1:{self.port} {"ssl" if certificate else ""};
                    location / {{ default_type application/json; return 200 '{ANSWER}'; }}
                }}
            }}""")
        self.process = subprocess.Popen(
            ["taskset", "-c", core, "/usr/sbin/nginx", "-p", here, "-c", str(conf)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        daemon.wait_until(lambda: answers(self.port), "start of nginx")

    def outcomes(self):
        return {}

    def end_round(self):
        pass

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.temporary.cleanup()


class Onceway(daemon.Daemon):
    """onceway with the CXone route and a memory store, or another one."""

    def __init__(self, wrapper, sink, window, certificate=None, onceway=(), listener=(),
                 store=()):
        """sink: an Nginx, or None: events go to a file. certificate: TLS in, and known to sinks."""
        daemon.WRAPPER = shlex.split(wrapper)
        self.scheme = "https" if certificate else "http"
        config = daemon.configuration(
            1, onceway={"log": {"level": "info"}, **dict(onceway)}, listener=listener,
            store=dict(store) or {"max_keys": 10000000}, route={"window": window})
        if sink:
            host = "localhost" if sink.scheme == "https" else "127.0.0.1"
            config["sinks"]["crm"]["url"] = f"{sink.scheme}://{host}:{sink.port}/events"
        if sink and sink.scheme == "https":
            config["sinks"]["crm"]["tls"] = {"ca": certificate.file}
        if certificate:
            config["listeners"]["public"]["tls"] = {
                "certificate": certificate.file, "key": certificate.key}
        super().__init__(config)
        self.record = self.directory / "events.log"
        if not sink:
            config["sinks"]["crm"] = {"plugin": "log", "to": str(self.record)}
            self.config.write_text(json.dumps(config))
        self.start()

    def outcomes(self):
        """How many events ended how, so far."""
        samples = self.metrics().samples.items()
        return {dict(labels)["outcome"]: int(value) for (name, labels), value in samples
                if name == "onceway_events_total"}

    def end_round(self):
        if self.record.exists():
            os.truncate(self.record, 0)

    def close(self):
        self.stop()
        super().close()


class Redis(redis_server.Server):
    """A redis-server on these cores."""

    def __init__(self, cores_of_it):
        super().__init__()
        os.sched_setaffinity(self.process.pid, {int(c) for c in cores_of_it.split(",")})


class TutorialService:
    """The CXone tutorial's service, on that Redis. Debian's Python has what it needs."""

    def __init__(self, core, redis):
        self.scheme, self.port = "http", free_port()
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-bench-")
        self.record = pathlib.Path(self.temporary.name, "events.log")
        script = pathlib.Path(__file__).with_name("tutorial_service.py")
        with open(pathlib.Path(self.temporary.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", core, "/usr/bin/python3", str(script), str(self.port),
                 str(redis.port), str(self.record)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        daemon.wait_until(lambda: answers(self.port), "start of the tutorial's service")

    def outcomes(self):
        return {}

    def end_round(self):
        os.truncate(self.record, 0)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.temporary.cleanup()


class Wrk:
    """The load: 419-byte events, each new or a thousand over and over."""

    def __init__(self, core, connections, threads=1):
        self.core, self.connections, self.threads = core, connections, threads
        # Another run's keys may still be in a store that outlives it.
        self.first = int(time.time()) * 1000000

    def run(self, server, mode, seconds, think_ms=0):
        first = 0
        if mode == "new":
            first = self.first
            self.first += 100000000
        out = subprocess.run(
            ["taskset", "-c", self.core, "wrk", f"-t{self.threads}", f"-c{self.connections}",
             f"-d{seconds}s", "--timeout", "30s", "-s", str(EVENTS_LUA),
             f"{server.scheme}://127.0.0.1:{server.port}{PATH}", "--", mode, str(first), str(think_ms)],
            capture_output=True, text=True, check=False)
        result = re.search(r"^RESULT (.*)$", out.stdout, re.M)
        if out.returncode or not result:
            sys.exit(f"bench: wrk failed:\n{out.stdout}{out.stderr}")
        return {k: int(v) for k, v in (pair.split("=") for pair in result[1].split())}
