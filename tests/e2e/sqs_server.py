"""An SQS emulator (fauxqs) driven by the AWS SDK for JavaScript; see sqs/.

Both come from npm, in the versions that sqs/package-lock.json pins, and are
installed once into the build tree. That needs Node.js 20 or later, npm, and
the network. Without them the tests are skipped; with ONCEWAY_NEED_NODE=1, as contrib/check
has it, they fail and say so.
"""
import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
import threading
import unittest

from daemon import BUILD_DIR, PATIENCE, SOURCE_DIR, wait_until

NODE_MAJOR = 20
FILES = ["package.json", "package-lock.json", "queues.mjs"]


def lacking(what):
    text = (f"{what}: the tests with SQS need Node.js {NODE_MAJOR} or later, npm and its "
            "registry (Debian 13: apt-get install nodejs npm; elsewhere https://nodejs.org)")
    if os.environ.get("ONCEWAY_NEED_NODE") == "1":
        raise AssertionError(text)
    raise unittest.SkipTest(text)


def need_node():
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        lacking("node or npm is not installed")
    version = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(re.match(r"v(\d+)", version)[1]) < NODE_MAJOR:
        lacking(f"node is {version}")
    return node


@functools.lru_cache
def installed():
    """The directory of a copy of sqs/ with its packages."""
    need_node()
    place = BUILD_DIR.resolve() / "tests" / "e2e" / "sqs-packages"
    place.mkdir(parents=True, exist_ok=True)
    lock = (SOURCE_DIR / "tests/e2e/sqs/package-lock.json").read_bytes()
    stamp = place / "installed"
    with open(place / "lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for name in FILES:
            shutil.copyfile(SOURCE_DIR / "tests/e2e/sqs" / name, place / name)
        if not stamp.exists() or stamp.read_bytes() != lock:
            done = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
                 # A registry out of reach is known in a minute or two, not in twenty.
                 "--fetch-retries=1", "--fetch-timeout=60000"], cwd=place,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode:
                lacking(f"npm ci failed in {place}:\n{done.stdout}{done.stderr}")
            stamp.write_bytes(lock)
    return place


class SqsError(Exception):
    """What the SDK threw."""


class Server:
    """One emulator with its queues; nothing of it is left when it is closed."""

    def __init__(self):
        place = installed()
        self.lock = threading.Lock()
        with open(place / "errors", "ab") as errors:
            self.process = subprocess.Popen(
                [need_node(), "queues.mjs"], cwd=place, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors, text=True)
        self.port = self._answer()["port"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the emulator ended with {self.process.wait()}")
        return json.loads(line)

    def __call__(self, command, **arguments):
        """server("SendMessage", QueueUrl=..., ...): what the SDK's command answers."""
        with self.lock:
            self.process.stdin.write(json.dumps([command, arguments]) + "\n")
            self.process.stdin.flush()
            answer = self._answer()
        if "error" in answer:
            raise SqsError(answer["error"])
        return answer["value"]

    def queue(self, name, **attributes):
        return Queue(self, name, attributes)


class Queue:
    def __init__(self, server, name, attributes):
        self.server = server
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        self.url = server("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def __call__(self, command, **arguments):
        return self.server(command, QueueUrl=self.url, **arguments)

    def send(self, *bodies, group=None):
        """In batches of ten. Of a FIFO queue: into that group, none is a copy."""
        for begin in range(0, len(bodies), 10):
            entries = []
            for n, body in enumerate(bodies[begin:begin + 10]):
                entry = {"Id": str(n), "MessageBody": body}
                if group:
                    entry.update(MessageGroupId=group,
                                 MessageDeduplicationId=f"{group}-{os.urandom(8).hex()}")
                entries.append(entry)
            failed = self("SendMessageBatch", Entries=entries).get("Failed")
            if failed:
                raise AssertionError(failed)

    def receive(self, count=10, **arguments):
        """The bodies of what can be received at once. They stay in flight."""
        answer = self("ReceiveMessage", MaxNumberOfMessages=count, **arguments)
        return [m["Body"] for m in answer.get("Messages", [])]

    def take(self, count):
        """That many messages, whole, in the order they came, deleted from the queue."""
        taken = []

        def more():
            answer = self("ReceiveMessage", MaxNumberOfMessages=10, WaitTimeSeconds=1,
                          MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])
            messages = answer.get("Messages", [])
            taken.extend(messages)
            if messages:
                self("DeleteMessageBatch", Entries=[
                    {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]}
                    for n, m in enumerate(messages)])
            return len(taken) >= count
        wait_until(more, f"{count} messages")
        return taken

    def counts(self):
        """How many can be received, and how many are in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self("GetQueueAttributes", AttributeNames=names)["Attributes"]
        return tuple(int(attributes[name]) for name in names)

    def arn(self):
        return self("GetQueueAttributes", AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def wait_empty(self, **options):
        wait_until(lambda: self.counts() == (0, 0), "an empty queue", **options)
