"""Instructions per event, by stage, as callgrind counts them."""
import collections
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile

import servers
from client import PATH, Connection, request_bytes

CONNECTIONS = 32
SAME = 1000 // CONNECTIONS * CONNECTIONS  # distinct events, if they are to be duplicates
FUNCTIONS = 20

# What a function belongs to: by its object, its source file, or its name, first match counts.
STAGES = (
    ("malloc, free", r"/libc[.-].*(malloc|calloc|realloc|free|unlink_chunk|tcache|sysmalloc)"),
    ("copy, compare, clear (libc)", r"/libc[.-].*\b_*(mem|str|raw|wmem)\w*$"),
    ("system calls, other (libc)", r"/libc[.-]"),
    ("key: SHA-256 (libcrypto)", r"/libcrypto"),
    ("Redis' protocol (libhiredis)", r"/libhiredis"),
    ("event loop (libevent)", r"/libevent"),
    ("HTTP, both directions", r"core/io/"),
    ("JSON", r"core/json/"),
    ("key: canonical text", r"plugins/(keyer_|lib/(canonical|float|sha))"),
    ("store", r"plugins/(store_|lib/siphash)"),
    ("source", r"plugins/source_"),
    ("sink", r"plugins/(sink_|lib/)"),
    ("route", r"core/route/"),
    ("events, operations (host)", r"core/plugin/"),
    ("containers, metrics, random", r"core/base/"),
)
OTHER = "other"


class Profile:
    """Self cost per function of a callgrind file, and how often malloc was called."""

    def __init__(self, path):
        self.cost = collections.Counter()  # (object, file, function) -> instructions
        self.allocations = 0
        self.names = {}
        with open(path, encoding="utf-8", errors="replace") as lines:
            self._read(lines)

    def _name(self, kind, text):
        """`(3) name` defines, `(3)` refers."""
        number, _, name = text.partition(" ")
        if name:
            self.names[kind, number] = name
        return self.names.get((kind, number), "")

    def _read(self, lines):
        at, called = {"ob": "", "fl": "", "fn": ""}, ""
        kinds = {"cob": "ob", "cfi": "fl", "cfl": "fl", "cfn": "fn", "fi": "fl", "fe": "fl"}
        inclusive = False
        for line in lines:
            key, equals, value = line.rstrip("\n").partition("=")
            if equals and key in at:
                at[key] = self._name(key, value)
            elif equals and key in kinds:
                name = self._name(kinds[key], value)
                called = name if key == "cfn" else called
            elif equals and key == "calls":
                inclusive = True
                if called in ("malloc", "calloc", "realloc", "posix_memalign"):
                    self.allocations += int(value.split()[0])
            elif line[:1] in "0123456789+-*":
                if not inclusive:
                    self.cost[at["ob"], at["fl"], at["fn"]] += int(line.split()[1])
                inclusive = False

    def stages(self):
        out = collections.Counter()
        for place, cost in self.cost.items():
            text = " ".join(place)
            stage = next((s for s, pattern in STAGES if re.search(pattern, text)), OTHER)
            out[stage] += cost
        return out


class Sender:
    """Sends events over some connections, all at once, so that the loop sees many ready."""

    def __init__(self, port):
        self.connections = [Connection(port) for _ in range(CONNECTIONS)]
        self.number = 0

    @staticmethod
    def event(number):
        body = ('{"triggerId":"trg-5f0c1d","entityId":"ent-%d","timestamp":"2026-05-01T12:00:00Z",'
                '"data":{"eventType":"contact.created","contactId":"c-1000042",'
                '"queueId":"q-support-7","channel":"voice","attributes":{"note":"' % number)
        return (body + "x" * (419 - len(body) - 4) + '"}}}').encode()

    def send(self, count, new):
        for _ in range(count // CONNECTIONS):
            for c in self.connections:
                self.number += 1
                number = self.number if new else self.number % SAME
                c.send(request_bytes("POST", PATH, self.event(number)))
            for c in self.connections:
                answer = c.answer()
                if answer.status != 200:
                    raise SystemExit(f"bench: a request failed: {answer}")


def control(pid, state):
    subprocess.run(["callgrind_control", "-i", state, str(pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def profile(events, new, sink, workers=1, store=()):
    count = events // CONNECTIONS * CONNECTIONS
    with tempfile.TemporaryDirectory(prefix="onceway-bench-") as here:
        out = pathlib.Path(here, "callgrind.out")
        server = servers.Onceway(
            f"valgrind -q --tool=callgrind --instr-atstart=no --callgrind-out-file={out}",
            sink, "1h", onceway={"workers": workers}, store=store,
            listener={"address": f"127.0.0.1:{servers.free_port()}"})
        try:
            sender = Sender(server.port)
            sender.send(SAME, new)
            control(server.process.pid, "on")
            sender.send(count, new)
            control(server.process.pid, "off")
        finally:
            server.close()
        return Profile(out), count


def report(events):
    with contextlib.ExitStack() as stack:
        sink = servers.Nginx(servers.cores()[1])
        stack.callback(sink.close)
        redis = servers.Redis(servers.cores()[1])
        stack.callback(redis.close)
        there = {"plugin": "redis", "url": redis.url}
        runs = {}
        for name, new, to, workers, store in (
                ("duplicates", False, None, 1, ()), ("new, log sink", True, None, 1, ()),
                ("new, http sink", True, sink, 1, ()),
                ("the same, 2 workers", True, sink, 2, ()),
                ("duplicates, redis", False, None, 1, there),
                ("the same, `local_cache`", False, None, 1, {**there, "local_cache": 10000}),
                ("new, log sink, redis", True, None, 1, there)):
            print(f"callgrind: {name}", file=sys.stderr, flush=True)
            redis.ask("FLUSHALL")
            runs[name] = profile(events, new, to, workers, store)
    print_stages(runs)
    print_functions(runs)


def row(name, values):
    print(f"| {name} | " + " | ".join(values) + " |")


def print_stages(runs):
    row("instructions per event", runs)
    row("---", ["---:"] * len(runs))
    by_stage = [(p.stages(), count) for p, count in runs.values()]
    for stage in [s for s, _ in STAGES] + [OTHER]:
        row(stage, [f"{stages[stage] / count:.0f}" for stages, count in by_stage])
    row("**all**", [f"**{sum(p.cost.values()) / count:.0f}**" for p, count in runs.values()])
    row("allocations per event", [f"{p.allocations / count:.1f}" for p, count in runs.values()])


def print_functions(runs):
    for name, (p, count) in runs.items():
        print(f"\nThe dearest functions, {name}:\n")
        for (_, file, function), cost in p.cost.most_common(FUNCTIONS):
            print(f"    {cost / count:7.0f}  {function}  {file}")
