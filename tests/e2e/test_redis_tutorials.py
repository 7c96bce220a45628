"""The tutorials' Python services beside Onceway on one Redis: each sees the other's keys."""
import json
import pathlib
import subprocess
import sys
import threading
import unittest

from case import Answer, Later, client, discarded, event, wait_until
from test_redis import RedisCase
from test_vendors import PATHS, call, created, envelope, fingerprint, vendors


def python_with_redis():
    for program in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([program, "-c", "import redis"], stderr=subprocess.DEVNULL,
                              check=False).returncode == 0:
                return program
        except OSError:
            pass
    raise unittest.SkipTest("no Python has the module redis (Debian: python3-redis)")


class Services:
    """A Python process that plays the services, one event at a time. See tutorials.py."""

    def __init__(self, port):
        script = pathlib.Path(__file__).with_name("tutorials.py")
        self.process = subprocess.Popen(
            [python_with_redis(), str(script), str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.working, self.answer = False, None

    def _exchange(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().strip()
        if not said:
            raise AssertionError("the Python service ended")
        self.working = said == "working"
        self.answer = None if self.working else json.loads(said)

    def take(self, name, body):
        """True: it found the event new, and waits for the end of its work."""
        self._exchange(json.dumps([name, json.loads(body)]))
        return self.working

    def end(self, result=None):
        """Ends the work, with a result or without; returns what the service answers."""
        self._exchange(json.dumps(result) if result is not None else "")
        return self.answer

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()


# Of each vendor, events whose keys are easy to get wrong: escapes, order, what may be absent.
EVENTS = {
    "cxone": [
        event(),
        event("trg-\u00e9\U0001f642", 'quote " slash / \\', contactId="\u2603", queueId="q\t1"),
        event(eventType=None, contactId=12.50, queueId={"b": 1e16, "a": [True, -0.0]}),
        b'{"timestamp": "t", "entityId": "e", "triggerId": "without data"}'],
    "cognigy": [call(), call("d:1", "n:\u00e9", -7), call("", "", 0, variables={"x": [1]})],
    "genesys": [
        created(), created("caf\u00e9_1", 2),
        envelope({"id": "evt-3", "eventType": "analytics:report:generated", "timestamp": "t"}, 3)],
    "auto": [
        envelope({}, 4), b'{"detail": {"conversationId": "c-5"}}',
        b'{"detail": {"interactionId": "i-6"}}', b'{"payload": {"interactionId": "i-7"}}'],
}

RESULT = {"processed": True, "text": "caf\u00e9 \u2603", "nested": {"list": [1, 2.5, None]}}


class TutorialCase(RedisCase):
    def setUp(self):
        super().setUp()
        self.crm = self.sink()
        self.onceway = self.here(self.crm)
        self.there = Services(self.redis.port)
        self.addCleanup(self.there.close)

    def here(self, peer):
        """All vendors in one process, on this Redis."""
        return self.daemon_of(vendors(peer.port, store={
            "plugin": "redis", "url": self.redis.url, "sweep_interval": "0s",
            "counter_prefix": ""}))

    def to(self, vendor, body):
        return client.post(self.onceway.port, body, path=PATHS[vendor])

    def answered(self, vendor, body):
        """What Onceway answers, as JSON."""
        answer = self.to(vendor, body)
        self.assertAnswer(answer, 200)
        return json.loads(answer.body)

    def discarded_there(self, vendor, body):
        """The service must find a duplicate; returns its answer."""
        self.assertFalse(self.there.take(vendor, body), "the service finds it new")
        return self.there.answer

    def polling(self):
        """Onceway waits for somebody else's delivery."""
        wait_until(lambda: self.onceway.metrics().get(
            "onceway_redis_claims_total", store="main", found="in_progress") > 1, "polling")

    def each(self, check, names=tuple(EVENTS)):
        """check(vendor, event) of each event of these vendors, beginning with an empty Redis."""
        for vendor in names:
            for body in EVENTS[vendor]:
                with self.subTest(vendor=vendor, event=body):
                    self.redis.ask("FLUSHALL")
                    self.crm.requests.clear()
                    self.crm.default = Answer()
                    check(vendor, body)


class Tutorials(TutorialCase):
    def test_first_there(self):
        def check(vendor, body):
            self.assertTrue(self.there.take(vendor, body))
            self.there.end(RESULT)
            keys = self.redis.ask("KEYS", "*")
            answer = self.answered(vendor, body)
            self.assertEqual(self.crm.requests, [])
            # Not only no delivery: the answer that the service gives its own duplicates.
            if vendor != "auto":
                self.assertEqual(answer, self.discarded_there(vendor, body))
            self.assertEqual(
                [k for k in self.redis.ask("KEYS", "*") if ":metrics:" not in k], keys)
        self.each(check)

    def test_first_here(self):
        def check(vendor, body):
            self.answered(vendor, body)
            self.assertEqual(len(self.crm.requests), 1)
            there = self.discarded_there(vendor, body)
            if vendor in ("cxone", "genesys"):
                self.assertEqual(there, self.answered(vendor, body))
            self.answered(vendor, body)
            self.assertEqual(len(self.crm.requests), 1)
        self.each(check)

    def test_under_way_here(self):
        """A claim of ours is a duplicate to those who only ask whether the key is there."""
        def check(vendor, body):
            gate = threading.Event()
            self.crm.default = Answer(gate=gate)
            original = Later(self.to, vendor, body)
            self.crm.wait(1)
            self.discarded_there(vendor, body)
            gate.set()
            self.assertAnswer(original.get(), 200)
        self.each(check, ("cxone", "genesys", "auto"))

    def test_what_failed_here_is_new_there(self):
        def check(vendor, body):
            self.crm.default = Answer(422)
            self.assertNotEqual(self.to(vendor, body).status, 200)
            self.assertTrue(self.there.take(vendor, body))
            self.there.end(RESULT)
            self.answered(vendor, body)
        self.each(check)

    def test_the_checkpoint_there_brings_ours_back(self):
        # It keeps key and life, and restores `1`: still a duplicate here.
        self.answered("cxone", event())
        self.assertFalse(self.there.take("cxone-checkpoint", b"{}"))
        self.assertEqual(self.there.answer, 1)
        self.assertEqual(self.redis.ask("GET", self.only_key()), "1")
        self.assertAnswer(self.to("cxone", event()), 200, discarded())


class CognigysResults(TutorialCase):
    """The only service that reads what it finds: results go both ways, claims neither."""

    CACHED = {"status": "cached", "fingerprint": fingerprint()}
    PROCESSING = {"detail": "Internal server error"}

    def test_its_result_is_our_data(self):
        self.assertTrue(self.there.take("cognigy", call()))
        self.assertEqual(self.there.end(RESULT),
                         {**self.CACHED, "status": "success", "data": RESULT})
        for _ in range(2):
            self.assertEqual(self.answered("cognigy", call()), {**self.CACHED, "data": RESULT})
        self.assertEqual(self.crm.requests, [])

    def test_our_result_is_its_data(self):
        self.crm.default = Answer(
            200, json.dumps(RESULT).encode(), [("Content-Type", "application/json")])
        self.assertEqual(self.answered("cognigy", call()),
                         {**self.CACHED, "status": "success", "data": RESULT})
        for _ in range(2):
            there = self.discarded_there("cognigy", call())
            # One member more says whose it is.
            self.assertEqual(there["data"].pop("onceway")["status"], 200)
            self.assertEqual(there, {**self.CACHED, "data": RESULT})
        self.assertEqual(self.answered("cognigy", call()), {**self.CACHED, "data": RESULT})
        self.assertEqual(len(self.crm.requests), 1)

    def test_processing_there(self):
        self.assertTrue(self.there.take("cognigy", call()))
        self.assertEqual(self.redis.ask("GET", fingerprint()), "processing")
        copy = Later(self.to, "cognigy", call())
        self.polling()
        self.assertFalse(copy.done())
        self.there.end(RESULT)
        self.assertEqual(json.loads(copy.get().body), {**self.CACHED, "data": RESULT})
        self.assertEqual(self.crm.requests, [])

    def test_processing_there_and_failed(self):
        self.assertTrue(self.there.take("cognigy", call()))
        copy = Later(self.to, "cognigy", call())
        self.polling()
        self.there.end()
        self.assertEqual(json.loads(copy.get().body)["status"], "success")
        self.assertEqual(len(self.crm.requests), 1)

    def test_processing_here(self):
        gate = threading.Event()
        self.crm.default = Answer(200, json.dumps(RESULT).encode(), gate=gate)
        original = Later(self.to, "cognigy", call())
        self.crm.wait(1)
        # As with its own `processing`: no result, and above all not taken for one.
        self.assertEqual(self.discarded_there("cognigy", call()), self.PROCESSING)
        gate.set()
        self.assertEqual(json.loads(original.get().body)["status"], "success")
        self.assertEqual(self.discarded_there("cognigy", call())["status"], "cached")
        self.assertEqual(len(self.crm.requests), 1)

    def test_an_answer_that_is_no_object(self):
        self.crm.default = Answer(200, b'["a list"]')
        self.answered("cognigy", call())
        there = self.discarded_there("cognigy", call())
        # It has no place in that service's answer; a duplicate it is all the same.
        self.assertEqual(list(there["data"]), ["onceway"])
        self.assertEqual(self.answered("cognigy", call())["data"], ["a list"])


if __name__ == "__main__":
    unittest.main()
