"""The source sqs beside a consumer on the AWS SDK that does what the tutorial's does."""
import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
import unittest

import daemon
import servers
import sqs_server
from measuring import keeper, say, span

RECEIVERS = (1, 2, 4, 8)
TUTORIAL = "the tutorial's consumer on the AWS SDK"
# What is started, connected and compiled by then is not measured.
WARM = 0.2


def event(number):
    return json.dumps({
        "version": "0", "id": f"bench-{number:032d}", "detail-type": "Conversation Event",
        "source": "aws.partner/genesys.com", "account": "123456789012",
        "time": "2024-05-01T12:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {"conversationId": f"conv-{number:032d}", "participants": 2,
                   "queueId": "q-7", "mediaType": "voice", "direction": "inbound"}})


class Lines:
    """A file that grows by a line for each event."""

    def __init__(self, path):
        self.file = open(path, "rb")  # as long as it is measured
        self.count = 0

    def wait(self, count):
        end = time.monotonic() + 600
        while self.count < count:
            new = self.file.read(1 << 20)
            self.count += new.count(b"\n")
            if not new:
                time.sleep(0.01)
                if time.monotonic() > end:
                    raise SystemExit(f"bench: only {self.count} of {count} events after 600 s")
        return time.monotonic()


class Onceway(daemon.Daemon):
    """Source sqs, store redis, log sink to a file."""

    def __init__(self, core, queue, endpoint, redis, receivers):
        daemon.WRAPPER = shlex.split(f"taskset -c {core}")
        super().__init__({
            "onceway": {"admin": "127.0.0.1:0", "log": {"level": "info"}},
            "listeners": {"public": {"address": "127.0.0.1:0"}},
            "sources": {"events": {
                "plugin": "sqs", "queue_url": queue.url, "endpoint": endpoint,
                "region": "us-east-1", "access_key_id": "test", "secret_access_key": "test",
                "wait_time": "5s", "receivers": receivers}},
            "stores": {"main": {"plugin": "redis", "url": redis.url}},
            "sinks": {"file": {"plugin": "log", "to": "FILE"}},
            "routes": {"events": {"from": "events", "key": "auto", "store": "main",
                                  "to": "file", "window": "5m"}}})
        self.record = self.directory / "events.log"
        self.record.touch()
        self.config.write_text(self.config.read_text().replace('"FILE"', f'"{self.record}"'))
        self.start()

    def close(self):
        self.kill()  # what is left of a long poll is nobody's
        super().close()


class Consumer:
    """The tutorial's way, with one poll under way."""

    def __init__(self, core, queue, endpoint, redis):
        place = sqs_server.installed()
        shutil.copyfile(pathlib.Path(__file__).with_name("sqs_consumer.mjs"),
                        place / "sqs_consumer.mjs")
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-bench-")
        self.record = pathlib.Path(self.temporary.name, "events.log")
        self.record.touch()
        with open(pathlib.Path(self.temporary.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", core, sqs_server.need_node(), "sqs_consumer.mjs", queue.url,
                 endpoint, str(redis.port), str(self.record)],
                cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.temporary.cleanup()


@dataclasses.dataclass
class Row:
    name: str
    receivers: int  # 0: it is the tutorial's
    rates: list = dataclasses.field(default_factory=list)
    cpu: list = dataclasses.field(default_factory=list)  # microseconds per message
    busy: list = dataclasses.field(default_factory=list)  # share of its core
    emulator: list = dataclasses.field(default_factory=list)  # the emulator's of the other


class Bench:
    def __init__(self, keep):
        self.core, others = servers.cores()
        self.redis = keep(servers.Redis(others))
        self.sqs = keep(sqs_server.Server())
        for task in os.listdir(f"/proc/{self.sqs.process.pid}/task"):
            os.sched_setaffinity(int(task), {int(c) for c in others.split(",")})
        self.endpoint = f"http://127.0.0.1:{self.sqs.port}"
        self.first = int(time.time()) * 1000000  # no two runs have the same ids
        self.queues = 0

    def filled(self, messages):
        self.queues += 1
        queue = self.sqs.queue(f"bench-{self.queues}")
        queue.send(*[event(self.first + n) for n in range(messages)])
        self.first += messages
        return queue

    def start(self, row, queue):
        if row.receivers:
            return Onceway(self.core, queue, self.endpoint, self.redis, row.receivers)
        return Consumer(self.core, queue, self.endpoint, self.redis)

    def cpu(self, candidate):
        return [servers.cpu_seconds(pid)
                for pid in (candidate.process.pid, self.sqs.process.pid)]

    def measure(self, row, messages):
        queue = self.filled(messages)
        with contextlib.closing(self.start(row, queue)) as candidate:
            lines = Lines(candidate.record)
            began = lines.wait(messages * WARM)
            first, cpu = lines.count, self.cpu(candidate)
            seconds = lines.wait(messages) - began
            mine, emulator = [b - a for a, b in zip(cpu, self.cpu(candidate))]
            queue.wait_empty()
            if lines.wait(messages) and lines.count != messages:
                raise SystemExit(f"bench: {row.name}: {lines.count} events of {messages}")
        row.rates.append((messages - first) / seconds)
        row.cpu.append(mine * 1e6 / (messages - first))
        row.busy.append(mine / seconds)
        row.emulator.append(emulator / seconds)
        queue("DeleteQueue")


def table(rows):
    print("| | messages/s | per receiver | CPU \u00b5s per message | core busy "
          "| the emulator's core busy |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        per = [rate / max(row.receivers, 1) for rate in row.rates]
        print(f"| {row.name} | {span(row.rates, 0)} | {span(per, 0)} | {span(row.cpu, 1)} "
              f"| {statistics.median(row.busy):.0%} | {statistics.median(row.emulator):.0%} |")


def report(rounds, messages):
    rows = [Row(TUTORIAL, 0)] + [
        Row(f"onceway, {n} receiver{'s' if n > 1 else ''}", n) for n in RECEIVERS]
    with contextlib.ExitStack() as stack:
        try:
            bench = Bench(keeper(stack))
        except (unittest.SkipTest, AssertionError) as e:
            print(f"Not measured: {e}")
            return
        for number in range(rounds):
            for row in rows:
                say(f"round {number + 1} of {rounds}: {row.name}")
                bench.measure(row, messages)
    print(f"{rounds} rounds of {messages} messages: median (least to most)\n")
    table(rows)
    theirs, ours = rows[0], rows[1]
    rates = [a / b for a, b in zip(ours.rates, theirs.rates)]
    cpu = [b / a for a, b in zip(ours.cpu, theirs.cpu)]
    print(f"\nOne receiver beside one: {span(rates, 1)} times as many messages a second; the "
          f"consumer takes {span(cpu, 1)} times the CPU.")
