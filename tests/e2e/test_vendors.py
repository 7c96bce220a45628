"""All vendors in one process: each one's keys, replies and mistakes, next to the others'."""
import hashlib
import json
import threading
import unittest

from case import Answer, Case, Later, client, event, together, wait_until
from daemon import SOURCE_DIR, configuration, run
from samples import acd_start, created, envelope

PATHS = {"cxone": client.PATH, "cognigy": "/webhook/cognigy", "genesys": "/events/genesys",
         "auto": "/events", "fields": "/hook"}
KEYS = {"cxone": "cxone", "cognigy": "cognigy", "genesys": "genesys", "auto": "auto",
        "fields": {"plugin": "fields", "from": ["header:webhook-id"], "optional": ["/tenant"]}}

FORM = [("Content-Type", "application/x-www-form-urlencoded")]
MALFORMED = {"cognigy": {"detail": "Missing or malformed Cognigy.AI payload"},
             "genesys": {"error": "Invalid event structure"}}


def vendors(port, **options):
    """The tutorials' pipeline once for each vendor: a path, a route, one store and one sink."""
    config = configuration(port, **options)
    route = config["routes"].pop("cxone")
    config["sources"] = {
        name: {"plugin": "webhook", "listener": "public", "path": path}
        for name, path in PATHS.items()}
    config["sources"]["cognigy"]["content_types"] = "any"
    config["routes"] = {
        name: {**route, "from": name, "key": key} for name, key in KEYS.items()}
    return config


def call(dialog="dlg-1", node="node-9", sequence=3, **more):
    return json.dumps({"dialogId": dialog, "nodeId": node, "sequence": sequence, **more}).encode()


def fingerprint(dialog="dlg-1", node="node-9", sequence=3):
    """The tutorial's."""
    return "cognigy:fp:" + hashlib.sha256(f"{dialog}:{node}:{sequence}".encode()).hexdigest()


def vectors(name):
    with open(SOURCE_DIR / f"tests/data/{name}-keys.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class VendorCase(Case):
    def setUp(self):
        self.crm = self.sink()
        self.onceway = self.daemon_of(vendors(self.crm.port))

    def to(self, name, body, headers=()):
        return client.post(self.onceway.port, body, path=PATHS[name], headers=headers)

    def assertJson(self, answer, status, body):
        self.assertEqual((answer.status, json.loads(answer.body)), (status, body))
        self.assertEqual(answer.header("Content-Type"), "application/json")

    def outcomes(self):
        m = self.onceway.metrics()
        return {(dict(labels)["route"], dict(labels)["outcome"]): int(value)
                for (name, labels), value in m.samples.items()
                if name == "onceway_events_total" and value}


class Cognigy(VendorCase):
    def success(self, data, **ids):
        return {"status": "success", "data": data, "fingerprint": fingerprint(**ids)}

    def cached(self, data, **ids):
        return {**self.success(data, **ids), "status": "cached"}

    def test_the_answer_is_replayed(self):
        raw = b'{ "text": "caf\xc3\xa9 \\u00e9", "n": 1.50, "n": 2e0 }\n'
        self.crm.default = Answer(200, raw, [("Content-Type", "application/json")])
        for n in range(3):
            answer = self.to("cognigy", call(variables={"attempt": n}))
            status = b"success" if n == 0 else b"cached"
            # Byte for byte, what is not ours to interpret.
            self.assertEqual(answer.body, b'{"status":"%s","data":%s,"fingerprint":"%s"}' % (
                status, raw, fingerprint().encode()))
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.crm.requests[0].header("Idempotency-Key"), fingerprint())

    def test_a_copy_waits_for_the_answer(self):
        gate = threading.Event()
        self.crm.default = Answer(200, b'{"done":1}', gate=gate)
        first = Later(self.to, "cognigy", call())
        self.crm.wait(1)
        copies = [Later(self.to, "cognigy", call()) for _ in range(5)]
        wait_until(lambda: self.onceway.metrics().get("onceway_inflight", route="cognigy") == 6,
                   "six in flight")
        self.assertFalse(any(c.done() for c in copies))
        gate.set()
        self.assertJson(first.get(), 200, self.success({"done": 1}))
        for copy in copies:
            self.assertJson(copy.get(), 200, self.cached({"done": 1}))
        self.assertEqual(len(self.crm.requests), 1)

    def test_whatever_the_sink_answers(self):
        answers = {
            b"": None, b"null": None, b"[1]": [1], b"OK": "OK", b"<x a='b'/>": "<x a='b'/>",
            b'{"a":1},"fingerprint":"x"': '{"a":1},"fingerprint":"x"', b"\xff": "\ufffd",
            b"[" * 600: "[" * 600, b"NaN": "NaN", b'"\\ud800"': '"\\ud800"'}
        for n, (raw, data) in enumerate(answers.items()):
            with self.subTest(raw[:40]):
                self.crm.default = Answer(200, raw)
                self.assertJson(
                    self.to("cognigy", call(sequence=n)), 200, self.success(data, sequence=n))
                self.assertJson(
                    self.to("cognigy", call(sequence=n)), 200, self.cached(data, sequence=n))

    def test_a_failure_runs_again(self):
        self.crm.default = Answer(500, b"no")
        answer = self.to("cognigy", call())
        self.assertAnswer(answer, 502)
        self.assertEqual(list(json.loads(answer.body)), ["detail"])
        tried = len(self.crm.requests)
        self.crm.default = Answer(200, b"{}")
        self.assertJson(self.to("cognigy", call()), 200, self.success({}))
        self.assertEqual(len(self.crm.requests), tried + 1)

    def test_what_is_taken(self):
        same = [call(), call(variables=None), call(variables={}), call(sequence="3"),
                call(sequence=3.0), call(sequence=" +03.0 "), call(locale=None, more=[1])]
        for body in same:
            for headers in ((), FORM, [("Content-Type", "text/plain")]):
                self.assertAnswer(self.to("cognigy", body, headers), 200)
        self.assertEqual(len(self.crm.requests), 1)

    def test_what_is_not(self):
        bad = [b"", b"{", b"null", b"[]", b"3", b"dialogId=dlg-1&nodeId=node-9&sequence=3",
               call(dialog=None), call(node=5), call(sequence=None), call(sequence=3.5),
               call(sequence="x"), call(variables=[]), b'{"nodeId":"n","sequence":1}',
               call().replace(b"dlg-1", b"\xff"), call().replace(b"dlg-1", b"\\ud83d")]
        for body in bad:
            with self.subTest(body):
                self.assertJson(self.to("cognigy", body, FORM), 400, MALFORMED["cognigy"])
        self.assertEqual(self.crm.requests, [])


class Genesys(VendorCase):
    def test_the_tutorials_events(self):
        self.assertJson(self.to("genesys", created()), 200, {
            "status": "success", "processed_event_id": "evt-1", "conversation_id": "conv-1"})
        # Published again: the envelope's id is another one.
        self.assertJson(self.to("genesys", created(number=2)), 200, {
            "status": "duplicate", "key": "routing:conversation:created_conv-1"})
        self.assertJson(self.to("genesys", created(None, number=3)), 200, {
            "status": "success", "processed_event_id": "evt-3", "conversation_id": None})
        old_name = created(number=4).replace(b"detail-type", b"detailType")
        self.assertEqual(json.loads(self.to("genesys", old_name).body)["status"], "duplicate")
        self.assertEqual(
            self.crm.requests[0].header("Idempotency-Key"),
            "genesys_dedup:routing:conversation:created_conv-1")

    def test_real_events(self):
        self.assertJson(self.to("genesys", acd_start()), 200, {
            "status": "success", "processed_event_id": "e-1", "conversation_id": "c-1"})
        taken = {"conversationId": "c-1", "eventTime": 1649237444949, "participantId": "p-1",
                 "sessionId": "s-1", "topicName": "v2.detail.events.conversation.c-1.acd.start"}
        text = json.dumps(taken, sort_keys=True, separators=(",", ":"))
        key = taken["topicName"] + "_" + hashlib.sha256(text.encode()).hexdigest()
        for again in (acd_start(), acd_start(number=2), acd_start(queueId="q")):
            self.assertJson(
                self.to("genesys", again), 200, {"status": "duplicate", "key": key})
        # A transfer is another event of the same conversation, topic and session.
        for other in (acd_start(time=1649237504949), acd_start(conversation="c-2")):
            self.assertEqual(json.loads(self.to("genesys", other).body)["status"], "success")
        self.assertEqual(len(self.crm.requests), 3)
        self.assertEqual(self.onceway.metrics().get(
            "onceway_duplicates_by_label_total", route="genesys",
            label="v2.detail.events.conversation.{id}.acd.start"), 3)

    def test_what_is_not_one(self):
        good = json.loads(created())
        bad = [b"", b"{", b"[]", b'"x"', b"\xff", envelope({}), envelope("text"), envelope(None)]
        bad += [json.dumps({k: v for k, v in good.items() if k != name}).encode()
                for name in good]
        for body in bad:
            with self.subTest(body):
                self.assertJson(self.to("genesys", body), 400, MALFORMED["genesys"])
        self.assertEqual(self.crm.requests, [])

    def test_a_failure_is_not_swallowed(self):
        self.crm.default = Answer(500, b"http://internal.example.com/secret")
        answer = self.to("genesys", acd_start())
        self.assertAnswer(answer, 502)
        self.assertEqual(json.loads(answer.body)["error"], "Processing failed")
        self.assertNotIn("internal", answer.text)
        self.crm.default = Answer(200)
        self.assertEqual(json.loads(self.to("genesys", acd_start()).body)["status"], "success")


class Others(VendorCase):
    def test_auto(self):
        def sent(body):
            return json.loads(self.to("auto", json.dumps(body).encode()).body)
        self.assertEqual(sent({"id": "e-1"}), {"status": "delivered", "key": "e-1"})
        self.assertEqual(sent({"id": "e-1", "x": 1}), {"status": "duplicate", "key": "e-1"})
        self.assertEqual(
            sent({"detail": {"conversationId": "c"}}), {"status": "delivered", "key": "gc_c"})
        text = json.dumps({"conversationId": "c", "timestamp": 1.5})
        self.assertEqual(sent({"detail": text}), {"status": "duplicate", "key": "gc_c"})
        self.assertEqual(sent({"payload": {"interactionId": "c"}})["key"], "nice_c")
        for nothing in ({}, {"detail": "{"}, {"detail": "[" * 50000}, {"id": []}, {"id": [1]}):
            self.assertAnswer(self.to("auto", json.dumps(nothing).encode()), 400)

    def test_standard_webhooks(self):
        def sent(identity, body=b"{}"):
            return self.to("fields", body, [("Webhook-Id", identity)])
        self.assertEqual(json.loads(sent("msg_1").body)["status"], "delivered")
        self.assertEqual(json.loads(sent("msg_1").body)["status"], "duplicate")
        self.assertEqual(json.loads(sent("msg_2").body)["status"], "delivered")
        self.assertEqual(
            json.loads(sent("msg_1", b'{"tenant":"t"}').body)["status"], "delivered")
        key = hashlib.sha256(b'["msg_1",null]').hexdigest()
        self.assertEqual(self.crm.requests[0].header("Idempotency-Key"), "fields:" + key)
        answer = self.to("fields", b"{}")
        self.assertAnswer(answer, 400)
        self.assertIn("header:webhook-id is missing", answer.text)


class Together(VendorCase):
    def test_the_same_mistake(self):
        """One request, answered by each vendor's rules."""
        for body in (b"", b"{", b"[]", b"{}"):
            self.assertAnswer(self.to("cxone", body), 422)
            for name in ("cognigy", "genesys"):
                self.assertJson(self.to(name, body), 400, MALFORMED[name])
            self.assertAnswer(self.to("auto", body), 400)
        self.assertEqual(self.crm.requests, [])

    def test_copies_at_the_same_moment(self):
        bodies = {"cxone": event(), "cognigy": call(), "genesys": acd_start(),
                  "auto": b'{"id":"e-1"}', "fields": b"{}"}
        header = [("webhook-id", "m-1")]
        names = [name for name in bodies for _ in range(4)]
        answers = together(lambda name: self.to(name, bodies[name], header), names)
        for answer in answers:
            self.assertAnswer(answer, 200)
        self.assertEqual(sorted(self.crm.bodies), sorted(bodies.values()))
        expected = {(name, "delivered"): 1 for name in bodies}
        expected.update({(name, "duplicate"): 3 for name in bodies})
        self.assertEqual(self.outcomes(), expected)


class KeyCommand(Case):
    """What `onceway key` prints is what the daemon does: the vectors, by the command."""

    def keys(self, key, events, *arguments):
        config = configuration(9, route={"key": key})
        daemon = self.daemon_of(config, start=False)
        done = run("key", "-c", daemon.config, *arguments, stdin=b"".join(events))
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode()

    def test_vectors(self):
        for name, prefix in (("cognigy", "cognigy:fp:"), ("genesys", "genesys_dedup:")):
            good = [v for v in vectors(name) if "options" not in v]
            events = [v["event"].replace("%RUN%", v.get("run", "") * v.get("times", 0))
                      for v in good]
            out = self.keys(name, [e.encode() + b"\n" for e in events]).split("\n")
            self.assertEqual(len(out), len(good) + 1)
            for vector, line in zip(good, out):
                with self.subTest(f"{name}: {vector['case']}"):
                    if "key" in vector:
                        self.assertEqual(line, prefix + vector["key"].replace(
                            "%RUN%", vector.get("run", "") * vector.get("times", 0)))
                    else:
                        self.assertTrue(line.startswith("error: "), line)

    def test_explain(self):
        self.assertEqual(
            self.keys("cognigy", [call(variables={})], "--explain").split("\n")[1:-3],
            ['  field dialog: "dlg-1" from /dialogId', '  field node: "node-9" from /nodeId',
             "  field sequence: 3 from /sequence", "  canonical: dlg-1:node-9:3"])
        out = self.keys("genesys", [acd_start()], "--explain")
        for line in ('  field conversationId: "c-1" from /detail/eventBody/conversationId\n',
                     "  field eventTime: 1649237444949 from /detail/eventBody/eventTime\n",
                     '  canonical: {"conversationId":"c-1","eventTime":1649237444949,'
                     '"participantId":"p-1","sessionId":"s-1",'
                     '"topicName":"v2.detail.events.conversation.c-1.acd.start"}\n',
                     "  label: v2.detail.events.conversation.{id}.acd.start\n"):
            self.assertIn(line, out)
        text = json.dumps({"detail": json.dumps({"conversationId": "c"})}).encode()
        self.assertIn("  field conversation: gc_c from the text at /detail, /conversationId\n",
                      self.keys("auto", [text], "--explain"))
        out = self.keys({"plugin": "fields", "from": ["/a", "/t"],
                         "round": {"field": "/t", "to": "1m"}},
                        [b'{"a":"x","t":"2024-05-01T12:00:59Z"}'], "--explain")
        self.assertIn('  canonical: ["x",1714564800000]\n', out)


if __name__ == "__main__":
    unittest.main()
