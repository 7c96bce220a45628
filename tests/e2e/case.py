"""What all end-to-end tests share: daemons and sinks that end with their test."""
import functools
import hashlib
import json
import socket
import sys
import threading
import unittest

import client
from daemon import Daemon, configuration, wait_until
from sink import Answer, Sink

__all__ = ["Answer", "Case", "Daemon", "Later", "client", "configuration", "discarded",
           "event", "key_of", "routed", "together", "wait_until"]


def event(trigger="trg-1", entity="ent-1", **data):
    """A CXone Data Action event, as the tutorial has it."""
    return json.dumps({
        "triggerId": trigger, "entityId": entity, "timestamp": "2024-05-01T12:00:00Z",
        "data": {"eventType": "contact.created", "contactId": "c-100", **data}}).encode()


@functools.lru_cache(maxsize=None)
def key_of(trigger="trg-1", entity="ent-1"):
    """The key of that event, with its prefix: as the tutorial's service makes it."""
    fields = {"triggerId": trigger, "entityId": entity, "eventType": "contact.created",
              "contactId": "c-100", "queueId": ""}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return "cxone:dedup:" + hashlib.sha256(text.encode()).hexdigest()


def routed(trigger="trg-1"):
    return json.dumps({"status": "routed", "triggerId": trigger}, separators=(",", ":"))


def discarded(trigger="trg-1"):
    return json.dumps(
        {"status": "duplicate_discarded", "triggerId": trigger}, separators=(",", ":"))


def together(function, arguments):
    """Calls function(argument) for all at the same time; returns what they returned, in order."""
    results = [None] * len(arguments)
    start = threading.Barrier(len(arguments))

    def call(i):
        start.wait()
        try:
            results[i] = function(arguments[i])
        except Exception as e:  # seen by the caller, as the thread's result
            results[i] = e
    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(arguments))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


class Later:
    """A call that goes on while the test does other things."""

    def __init__(self, function, *arguments):
        self.result = None
        self.thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self.thread.start()

    def _run(self, function, arguments):
        try:
            self.result = function(*arguments)
        except Exception as e:  # seen by the caller, as the result
            self.result = e

    def done(self):
        return not self.thread.is_alive()

    def get(self):
        self.thread.join()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Case(unittest.TestCase):
    maxDiff = None

    def run(self, result=None):
        self.daemons, self.sinks = [], []
        self.addCleanup(self._finish)
        faults = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > faults:
            for d in self.daemons:
                print(f"--- {self.id()}: log\n{d.last_log}", file=sys.stderr)

    def sink(self, *script, **options):
        sink = Sink(*script, **options)
        self.sinks.append(sink)
        return sink

    def daemon(self, peer, /, start=True, **options):
        """A daemon that delivers to that Sink. options: see configuration()."""
        return self.daemon_of(configuration(peer.port, **options), start)

    def daemon_of(self, config, start=True):
        daemon = Daemon(config)
        self.daemons.append(daemon)
        return daemon.start() if start else daemon

    def _finish(self):
        """No test may leave a process behind, and each must end cleanly."""
        for s in self.sinks:
            s.release()
        try:
            for d in self.daemons:
                if d.process and d.process.poll() is None:
                    d.stop()
        finally:
            for d in self.daemons:
                d.close()
            for s in self.sinks:
                s.close()

    def post(self, daemon, body, **options):
        return client.post(daemon.port, body, **options)

    def workers(self, count):
        """Options for a daemon with several workers, on one port.

        Port 0 would give each worker's socket a port of its own. This one is
        ours, and kept from everybody but those who say SO_REUSEPORT.
        """
        held = socket.socket()
        self.addCleanup(held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        return {"onceway": {"workers": count},
                "listener": {"address": f"127.0.0.1:{held.getsockname()[1]}"}}

    def connect(self, daemon):
        connection = client.Connection(daemon.port)
        self.addCleanup(connection.close)
        return connection

    def assertAnswer(self, response, status, text=None):
        self.assertEqual(response.status, status, response)
        if text is not None:
            self.assertEqual(response.text, text)
