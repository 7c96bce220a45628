"""A normal client among idle and slow connections and a flood beyond max_connections."""
import contextlib
import multiprocessing
import os
import resource
import socket
import statistics
import sys
import time

import servers  # first: it makes the end-to-end tests' modules known
import daemon
from client import PATH, Connection, request_bytes

SLOW = 500
OTHER_FILES = 300
BATCH = 500
SAMPLES_PER_SECOND = 100  # of the normal client: it is not what loads the machine


def event(name):
    return ('{"triggerId":"trg-1","entityId":"%s","timestamp":"2026-05-01T12:00:00Z",'
            '"data":{}}' % name).encode()


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def hold(address, count, ready, over):
    """A process of its own: so many connections that sent one event and then nothing."""
    request = request_bytes("POST", PATH, event("idle"))
    sockets = []
    for _ in range(count):
        s = socket.create_connection(address)
        s.sendall(request)
        s.recv(4096)
        sockets.append(s)
    ready.set()
    over.wait()


def slow(address, ready, over):
    """Half of them send a head, half a body, a byte each every now and then."""
    request = request_bytes("POST", PATH, event("slow") + b" " * 60000)
    begun = request.index(b"\r\n\r\n") + 4
    heads = [socket.create_connection(address) for _ in range(SLOW // 2)]
    bodies = [socket.create_connection(address) for _ in range(SLOW - SLOW // 2)]
    for s in bodies:
        s.sendall(request[:begun])
    ready.set()
    at = 0
    while not over.wait(0.1):
        for s in heads:
            # The first 40 bytes, and then further fields, one byte at a time.
            s.send(request[at:at + 1] if at < 40 else b"x")
        for s in bodies:
            s.send(b" ")
        at += 1


def flood(address, over, refused):
    """Opens, is refused, opens again."""
    while not over.is_set():
        with contextlib.suppress(OSError):
            with socket.create_connection(address, timeout=10) as s:
                s.recv(4096)
                refused.value += 1


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def ask(connection, seconds):
    """Seconds each request took. Every one has to be answered 200."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        connection.post(event(f"normal-{len(times) // 2}"))
        status = connection.answer().status
        times.append(time.perf_counter() - begun)
        if status != 200:
            sys.exit(f"bench: the normal client was answered {status}")
        time.sleep(1 / SAMPLES_PER_SECOND)
    return times


class Crowd:
    """Processes that hold connections, kept off the daemon's core."""

    def __init__(self, others):
        self.others = [int(c) for c in others.split(",")]
        self.over = multiprocessing.Event()
        self.processes = []

    def add(self, function, *arguments):
        def run():
            os.sched_setaffinity(0, self.others)
            function(*arguments)
        p = multiprocessing.Process(target=run, daemon=True)
        p.start()
        self.processes.append(p)

    def close(self):
        self.over.set()
        for p in self.processes:
            p.join()


def wait_connections(server, count):
    daemon.wait_until(
        lambda: server.metrics().get("onceway_http_connections", listener="public") >= count,
        f"{count} connections")


def report(count, seconds):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(count, hard - SLOW - OTHER_FILES)
    core, others = servers.cores()
    server = servers.Onceway(f"taskset -c {core}", None, "1h", listener={
        "max_connections": count + SLOW + 1, "idle_timeout": "1h", "header_timeout": "1h",
        "body_timeout": "1h"})
    crowd = Crowd(others)
    address = ("127.0.0.1", server.port)
    rows = []
    # One connection for all rows: in the flood a new one is refused like any other.
    normal = Connection(server.port)
    try:
        ask(normal, 0.5)
        rows.append(("alone", ask(normal, seconds)))
        before = resident_kib(server.process.pid)
        for _ in range(0, count, BATCH):
            ready = multiprocessing.Event()
            crowd.add(hold, address, min(BATCH, count - len(crowd.processes) * BATCH), ready,
                      crowd.over)
            ready.wait()
        wait_connections(server, count)
        each = (resident_kib(server.process.pid) - before) * 1024 / count
        rows.append((f"{count} idle", ask(normal, seconds)))
        ready = multiprocessing.Event()
        crowd.add(slow, address, ready, crowd.over)
        ready.wait()
        wait_connections(server, count + SLOW)
        rows.append((f"and {SLOW} slow", ask(normal, seconds)))
        refused = multiprocessing.Value("q", 0)
        crowd.add(flood, address, crowd.over, refused)
        rows.append(("and a flood beyond max_connections",
                     ask(normal, seconds)))
        rate = refused.value / seconds
    finally:
        normal.close()
        crowd.close()
        server.close()
    print("| a normal client | requests | median ms | p99 ms | most ms |\n"
          "|---|---:|---:|---:|---:|")
    for name, times in rows:
        print(f"| {name} | {len(times)} | {statistics.median(times) * 1000:.2f} "
              f"| {percentile(times, 0.99):.2f} | {max(times) * 1000:.2f} |")
    print(f"\nAn idle connection: {each:.0f} bytes of the daemon's resident memory. The flood: "
          f"{rate:.0f} connections a second, each refused.")
