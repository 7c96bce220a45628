"""What each vendor is told, situation by situation: status, body and headers, exactly.

Where a service of the tutorials has a right reply for a situation, it is this
one. `doc/migrating.md` lists where it has not.
"""
import hashlib
import json
import pathlib
import tempfile
import threading
import unittest

from case import Answer, Case, Later, client, configuration, event, wait_until
from test_policies import MODULES
from test_vendors import FORM, PATHS, acd_start, call, created, fingerprint, vendors

QUICK = {"timeout": {"connect": "500ms", "total": "500ms"},
         "retry": {"attempts": 2, "base": "5ms", "max": "20ms"}}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


# Not JSON, and why.
MALFORMED = {
    b"": "the text is empty at byte 0",
    b"{": "the text ends too early at byte 1",
    b'{"a":1}x': "expected nothing after the value at byte 7",
    b'"\\ud83d"': "half of a surrogate pair in a string at byte 1",
    b'{"a":1e400}': "number too large for a double at byte 5",
    b'{"a":NaN}': "expected a value at byte 5",
}


class Vendor:
    """One of them: how it sends its n-th event, and what it wants to hear."""
    headers = ()
    def path(self):
        return PATHS[self.name]


class Cxone(Vendor):
    name = "cxone"

    def event(self, n):
        return event(f"t{n}")

    def new(self, n):
        return {"status": "routed", "triggerId": f"t{n}"}

    def duplicate(self, n):
        return {"status": "duplicate_discarded", "triggerId": f"t{n}"}

    together = new  # copies that came together are answered alike

    def failed(self, why):
        return {"detail": why}

    late, store_down = "Downstream routing timed out", "State backend unavailable"
    missing = b'{"triggerId":"t","timestamp":"x"}'
    lacking = (422, {"detail": [
        {"type": "missing", "loc": ["body", "entityId"], "msg": "Field required"}]})

    not_an_object = (422, {"detail": [
        {"type": "model_attributes_type", "loc": ["body"],
         "msg": "Input should be a valid dictionary or object to extract fields from"}]})

    def malformed(self, why):
        return 422, {"detail": [{"type": "json_invalid", "loc": ["body"],
                                 "msg": "JSON decode error", "ctx": {"error": why}}]}


class Cognigy(Vendor):
    name = "cognigy"
    headers = FORM

    def event(self, n):
        return call(sequence=n, variables=None, locale="de")

    def new(self, n):
        return {"status": "success", "data": {"ok": True}, "fingerprint": fingerprint(sequence=n)}

    def duplicate(self, n):
        return {**self.new(n), "status": "cached"}

    together = duplicate

    def failed(self, why):
        return {"detail": why}

    late, store_down = "the sink did not answer in time", "Cache service unavailable"
    missing = b'{"dialogId":"d","sequence":1}'
    lacking = not_an_object = (400, {"detail": "Missing or malformed Cognigy.AI payload"})

    def malformed(self, _):
        return self.lacking


class Genesys(Vendor):
    name = "genesys"

    def event(self, n):
        return created(f"c{n}")

    def new(self, n):
        return {"status": "success", "processed_event_id": "evt-1", "conversation_id": f"c{n}"}

    def duplicate(self, n):
        return {"status": "duplicate", "key": f"routing:conversation:created_c{n}"}

    together = duplicate

    def failed(self, why):
        return {"error": "Processing failed", "details": why}

    late, store_down = "the sink did not answer in time", "the store cannot take its key"
    missing = b'{"version":"0"}'
    lacking = not_an_object = (400, {"error": "Invalid event structure"})

    def malformed(self, _):
        return self.lacking


class Notification(Genesys):
    """What Genesys really sends."""

    def event(self, n):
        return acd_start(conversation=f"r{n}")

    def new(self, n):
        return {"status": "success", "processed_event_id": "e-1", "conversation_id": f"r{n}"}

    def duplicate(self, n):
        topic = f"v2.detail.events.conversation.r{n}.acd.start"
        taken = {"conversationId": f"r{n}", "eventTime": 1649237444949, "participantId": "p-1",
                 "sessionId": "s-1", "topicName": topic}
        return {"status": "duplicate",
                "key": f"{topic}_{hashlib.sha256(compact(taken).encode()).hexdigest()}"}

    together = duplicate


class Auto(Vendor):
    """The queue consumer answers nobody; over HTTP it is the plain reply."""
    name = "auto"

    def event(self, n):
        return compact({"detail": {"conversationId": n}}).encode()

    def new(self, n):
        return {"status": "delivered", "key": f"gc_{n}"}

    def duplicate(self, n):
        return {"status": "duplicate", "key": f"gc_{n}"}

    together = duplicate
    missing = b'{"detail":{"conversationId":null}}'

    def failed(self, why, status="failed"):
        return {"status": status, "error": why}

    late, store_down = "the sink did not answer in time", "the store cannot take its key"
    lacking = (400, {"status": "missing_key", "error": "id is missing"})
    not_an_object = (400, {"status": "invalid", "error": "body must be a JSON object"})

    def malformed(self, why):
        return 400, {"status": "invalid", "error": why}


VENDORS = (Cxone(), Cognigy(), Genesys(), Notification(), Auto())


class RepliesCase(Case):
    def begin(self, **options):
        self.crm = self.sink()
        self.onceway = self.daemon_of(vendors(self.crm.port, sink=QUICK, **options))
        self.number = 0

    def each(self):
        """Every vendor, with a number that no event has yet."""
        for vendor in VENDORS:
            self.number += 1
            yield vendor, self.number

    def send(self, vendor, body):
        return client.post(self.onceway.port, body, path=vendor.path(), headers=vendor.headers)

    def assertReply(self, answer, status, body, retry_after=None):
        self.assertEqual((answer.status, answer.text), (status, compact(body)))
        self.assertEqual(answer.header("Content-Type"), "application/json")
        self.assertEqual(answer.header("Retry-After"), retry_after)

    def assertRedelivered(self, vendor, n):
        """Nothing was kept: the vendor's next try is delivered, as the first one."""
        self.crm.default = Answer()
        before = len(self.crm.requests)
        self.assertReply(self.send(vendor, vendor.event(n)), 200, vendor.new(n))
        self.assertEqual(len(self.crm.requests), before + 1)
        self.assertReply(self.send(vendor, vendor.event(n)), 200, vendor.duplicate(n))
        self.assertEqual(len(self.crm.requests), before + 1)


class Accepted(RepliesCase):
    def setUp(self):
        self.begin()

    def test_first_event_and_duplicates(self):
        for vendor, n in self.each():
            self.assertReply(self.send(vendor, vendor.event(n)), 200, vendor.new(n))
            for _ in range(2):
                self.assertReply(self.send(vendor, vendor.event(n)), 200, vendor.duplicate(n))
            # Bytes that nobody asked about go on as they came: null, unknown fields, spaces.
            self.assertEqual(self.crm.bodies[-1], vendor.event(n))
        self.assertEqual(len(self.crm.requests), len(VENDORS))

    def test_duplicates_while_the_first_runs(self):
        for vendor, n in self.each():
            gate = threading.Event()
            self.crm.default = Answer(gate=gate)
            before = len(self.crm.requests)
            first = Later(self.send, vendor, vendor.event(n))
            self.crm.wait(before + 1)
            copies = [Later(self.send, vendor, vendor.event(n)) for _ in range(3)]
            wait_until(lambda: self.onceway.metrics().get(
                "onceway_inflight", route=vendor.name) == 4, "four in flight")
            self.assertFalse(any(c.done() for c in [first, *copies]))
            gate.set()
            self.assertReply(first.get(), 200, vendor.new(n))
            for copy in copies:
                self.assertReply(copy.get(), 200, vendor.together(n))
            self.assertEqual(len(self.crm.requests), before + 1)

    def test_duplicates_while_the_first_fails(self):
        """None is acknowledged before one of them was delivered."""
        for vendor, n in self.each():
            gate = threading.Event()
            self.crm.default = Answer(500, gate=gate)
            first = Later(self.send, vendor, vendor.event(n))
            self.crm.wait(len(self.crm.requests) + 1)
            copy = Later(self.send, vendor, vendor.event(n))
            wait_until(lambda: self.onceway.metrics().get(
                "onceway_inflight", route=vendor.name) == 2, "two in flight")
            gate.set()
            for one in (first, copy):
                self.assertReply(one.get(), 502, vendor.failed("the sink answered 500"))
            self.assertRedelivered(vendor, n)


class Refused(RepliesCase):
    def setUp(self):
        self.begin()

    def test_malformed(self):
        for vendor, _ in self.each():
            for body, why in MALFORMED.items():
                expected = vendor.malformed(f"the body is not valid JSON: {why}")
                self.assertReply(self.send(vendor, body), *expected)
            self.assertReply(self.send(vendor, b"[]"), *vendor.not_an_object)
        self.assertEqual(self.crm.requests, [])

    def test_missing_field(self):
        for vendor, _ in self.each():
            self.assertReply(self.send(vendor, vendor.missing), *vendor.lacking)
        self.assertEqual(self.crm.requests, [])


class Failed(RepliesCase):
    """Whatever went wrong, the vendor is told to come again, and its event is not lost."""

    def setUp(self):
        self.begin()

    def check(self, answer, status, why, retry_after=None, attempts=2):
        for vendor, n in self.each():
            self.crm.default = answer
            before = len(self.crm.requests)
            reply = self.send(vendor, vendor.event(n))
            told = vendor.late if why == "late" else why
            self.assertReply(reply, status, vendor.failed(told), retry_after)
            self.assertEqual(len(self.crm.requests) - before, attempts)
            self.assertRedelivered(vendor, n)

    def test_sink_500(self):
        self.check(Answer(500, b"http://10.0.0.7/secret"), 502, "the sink answered 500")

    def test_sink_503(self):
        self.check(Answer(503), 502, "the sink answered 503")

    def test_sink_429(self):
        self.check(Answer(429), 502, "the sink answered 429")

    def test_sink_429_for_an_hour(self):
        """It is not waited for: the vendor is told."""
        self.check(Answer(429, headers=[("Retry-After", "3600")]), 502,
                   "the sink answered 429", retry_after="3600", attempts=1)

    def test_sink_404(self):
        self.check(Answer(404, b"http://10.0.0.7/secret"), 502, "the sink answered 404",
                   attempts=1)

    def test_sink_redirects(self):
        self.check(Answer(302, headers=[("Location", "http://127.0.0.1:1/")]), 502,
                   "the sink answered 302", attempts=1)

    def test_sink_timeout(self):
        self.check(Answer(act="hang"), 504, "late")

    def test_sink_cuts_its_answer(self):
        self.check(Answer(act="half"), 502, "the sink did not accept it")


class StoreDown(RepliesCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="onceway-e2e-")
        self.addCleanup(folder.cleanup)
        self.state = pathlib.Path(folder.name, "state")
        self.begin(onceway={"plugin_path": MODULES},
                   store={"plugin": "breakable", "file": str(self.state)})

    def test_nothing_goes_past_it(self):
        self.state.write_text("claim\n")
        for vendor, n in self.each():
            self.assertReply(
                self.send(vendor, vendor.event(n)), 503,
                vendor.failed(vendor.store_down, "rejected") if vendor.name == "auto"
                else vendor.failed(vendor.store_down), "1")
        self.assertEqual(self.crm.requests, [])
        self.state.unlink()
        self.number = 0
        for vendor, n in self.each():
            self.assertReply(self.send(vendor, vendor.event(n)), 200, vendor.new(n))


class Recipes(Case):
    """Keys of what is not a vendor's of its own, as the keyers' pages have them."""

    def begin(self, key, route=(), **source):
        self.crm = self.sink()
        self.onceway = self.daemon(self.crm, source=source, route={"key": key, **dict(route)})

    def outcome(self, body, *headers):
        answer = self.post(self.onceway, body, headers=headers)
        return json.loads(answer.body)["status"] if answer.status == 200 else answer.status

    def test_idempotency_key(self):
        """A client's own key is only its own; with another body it is the client's mistake."""
        self.begin({"plugin": "fields", "prefix": "api:",
                    "from": ["header:X-Client-Id", "header:Idempotency-Key"]},
                   route={"on_mismatch": "reject"})

        def sent(who, key, body=b'{"n":1}'):
            return self.outcome(body, ("x-client-id", who), ("idempotency-key", key))
        self.assertEqual(sent("a", "k-1"), "delivered")
        self.assertEqual(sent("a", "k-1"), "duplicate")
        self.assertEqual(sent("a", "k-1", b'{"n":2}'), 422)
        self.assertEqual(sent("b", "k-1"), "delivered")
        self.assertEqual(sent("a", "k-2"), "delivered")
        # What the two say together decides, not their letters in a row.
        self.assertEqual(sent("ak", "-1"), "delivered")
        key = hashlib.sha256(b'["a","k-1"]').hexdigest()
        self.assertEqual(self.crm.requests[0].header("Idempotency-Key"), "api:" + key)
        self.assertEqual(len(self.crm.requests), 4)

    def test_standard_webhooks_of_another_sender(self):
        """The id alone does not make two senders' events equal where the prefix differs."""
        self.crm = self.sink()
        config = configuration(self.crm.port)
        config["sources"]["b"] = {"plugin": "webhook", "listener": "public", "path": "/b"}
        for name, source in (("a", "dataaction"), ("b", "b")):
            config["routes"][name] = {
                "from": source, "store": "main", "to": "crm",
                "key": {"plugin": "fields", "from": ["header:webhook-id"], "prefix": f"{name}:"}}
        config["routes"].pop("cxone")
        self.onceway = self.daemon_of(config)
        header = [("webhook-id", "msg_1")]
        for path in (client.PATH, "/b"):
            statuses = [json.loads(self.post(
                self.onceway, b"{}", path=path, headers=header).body)["status"]
                for _ in range(2)]
            self.assertEqual(statuses, ["delivered", "duplicate"])

    def test_rounded_time(self):
        self.begin({"plugin": "fields", "from": ["/id", "/at"], "round": {
            "field": "/at", "to": "1m"}})
        times = ('"2024-05-01T12:00:00Z"', '"2024-05-01T14:00:59.9+02:00"', "1714564801",
                 "1714564859999")
        got = [self.outcome(b'{"id":7,"at":%s}' % at.encode()) for at in times]
        self.assertEqual(got, ["delivered"] + ["duplicate"] * 3)
        self.assertEqual(self.outcome(b'{"id":7,"at":"2024-05-01T12:01:00Z"}'), "delivered")
        self.assertEqual(self.outcome(b'{"id":7,"at":"noon"}'), 400)

    def test_readable_keys(self):
        self.begin({"plugin": "fields", "from": ["/a", "/b"], "hash": "none", "prefix": "x:"})
        for body in (b'{"a":"1","b":2}', b'{"a":1,"b":"2"}', b'{"a":"1\\",\\"2","b":2.0}'):
            self.assertEqual(self.outcome(body), "delivered")
        self.assertEqual([r.header("Idempotency-Key") for r in self.crm.requests],
                         ['x:["1",2]', 'x:[1,"2"]', 'x:["1\\",\\"2",2.0]'])

    def test_whole_body(self):
        self.begin({"plugin": "fields", "from": ["body"]})
        self.assertEqual([self.outcome(b) for b in (b'{"a":1}', b'{"a":1}', b'{"a": 1}')],
                         ["delivered", "duplicate", "delivered"])

    def test_document(self):
        self.begin({"plugin": "fields", "from": [""]})
        self.assertEqual([self.outcome(b) for b in (
            b'{"a":1,"b":[2]}', b'{ "b" : [2], "a" : 1 }', b'{"a":1,"b":["2"]}')],
            ["delivered", "duplicate", "delivered"])

    def test_a_field_is_missing(self):
        """No stand-in makes unrelated events equal: refused, or delivered each time."""
        key = {"plugin": "fields", "from": ["/id", "header:x-tenant"]}
        tenant, good = ("x-tenant", "t"), b'{"id":7}'
        lacking = [(b"{}", tenant), (b'{"id":null}', tenant), (b'{"id":""}', tenant),
                   (good,), (good, ("x-tenant", ""))]
        self.begin(key)
        for body, *headers in lacking:
            self.assertEqual(self.outcome(body, *headers), 400)
        self.assertEqual(self.crm.requests, [])
        self.begin(key, route={"on_missing": "pass"})
        for body, *headers in lacking:
            for _ in range(2):
                self.assertEqual(self.outcome(body, *headers), "delivered")
        self.assertEqual({r.header("Idempotency-Key") for r in self.crm.requests}, {None})
        self.assertEqual(len(self.crm.requests), 2 * len(lacking))
        self.assertEqual([self.outcome(good, tenant) for _ in range(2)], ["delivered", "duplicate"])

    def test_sns_notification(self):
        """Over HTTP it is labelled as plain text, and its own id survives its retries."""
        self.begin({"plugin": "fields", "from": ["/MessageId"], "prefix": "sns:"},
                   content_types="any")
        body = json.dumps({"Type": "Notification", "MessageId": "m-1",
                           "Message": acd_start().decode()}, indent=2).encode()
        header = ("Content-Type", "text/plain; charset=UTF-8")
        self.assertEqual([self.outcome(body, header) for _ in range(2)],
                         ["delivered", "duplicate"])
        self.assertEqual(self.crm.bodies, [body])

    def test_an_event_of_its_own(self):
        """The service took the envelope's id though the event has one: name it instead."""
        self.begin({"plugin": "fields", "from": ["/detail/eventType", "/detail/id"],
                    "hash": "none"})
        again = [created(None).replace(b'"e-1"', b'"e-%d"' % n) for n in range(3)]
        self.assertEqual([self.outcome(b) for b in again], ["delivered"] + ["duplicate"] * 2)
        self.assertEqual(self.outcome(created(None, number=2)), "delivered")

    def test_a_second_transfer_of_the_services_shape(self):
        """Type and conversation are no event: with its time they are."""
        self.begin({"plugin": "fields", "from": [
            "/detail/eventType", "/detail/conversationId", "/detail/timestamp"]})
        second = created().replace(b"T12:00:00Z", b"T12:07:00Z")
        self.assertEqual([self.outcome(b) for b in (created(), created(number=2), second)],
                         ["delivered", "duplicate", "delivered"])

    def test_published_again(self):
        """A new envelope id is no new event where the conversation's is asked first."""
        self.begin({"plugin": "auto", "prefer": "business"})
        events = [compact({"id": f"e-{n}", "detail": {"conversationId": "c"}}).encode()
                  for n in range(5)]
        self.assertEqual([self.outcome(b) for b in events], ["delivered"] + ["duplicate"] * 4)


if __name__ == "__main__":
    unittest.main()
