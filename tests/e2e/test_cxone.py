"""The tutorial's requests get the tutorial's replies; what is forwarded is what came."""
import hashlib
import json
import unittest

from case import Answer, Case, client, discarded, event, routed

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def key_of(body):
    """The tutorial's fingerprint, by the tutorial's code."""
    parsed = json.loads(body)
    data = parsed.get("data", {})
    fields = {
        "triggerId": parsed["triggerId"], "entityId": parsed["entityId"],
        "eventType": data.get("eventType", "unknown"),
        "contactId": data.get("contactId", ""), "queueId": data.get("queueId", "")}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Replies(Case):
    def setUp(self):
        self.crm = self.sink()
        self.onceway = self.daemon(self.crm)

    def send(self, body, **options):
        return self.post(self.onceway, body, **options)

    def test_new_then_duplicate(self):
        first = self.send(event())
        self.assertAnswer(first, 200, routed())
        self.assertEqual(first.header("Content-Type"), "application/json")
        for _ in range(2):
            self.assertAnswer(self.send(event()), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_form_does_not_matter(self):
        self.assertAnswer(self.send(event(queueId="q-7")), 200, routed())
        same = [
            b'{"data":{"queueId":"q-7","contactId":"c-100","eventType":"contact.created"},'
            b'"timestamp":"2024-05-01T12:00:00Z","entityId":"ent-1","triggerId":"trg-1"}',
            event(queueId="q-7").replace(b"2024-05-01", b"2024-06-02"),
            event(queueId="q-7").replace(b", ", b"\r\n ,\t "),
            event(queueId="q-7").replace(b"trg-1", b"\\u0074rg-1"),
            event(queueId="q-7", other="x").replace(b'{"triggerId"', b'{"more":[1],"triggerId"'),
        ]
        for body in same:
            with self.subTest(body):
                self.assertAnswer(self.send(body), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_other_events_are_others(self):
        others = [event(), event("trg-2"), event(entity="ent-2"), event(contactId=""),
                  event(contactId=None), event(contactId=100), event(contactId=100.0),
                  event(queueId="q"), event(eventType="x")]
        for body in others:
            with self.subTest(body):
                self.assertEqual(json.loads(self.send(body).body)["status"], "routed")
        self.assertEqual(self.crm.bodies, others)

    def test_invalid_events(self):
        good = json.loads(event())
        cases = {
            "entityId is missing": {k: v for k, v in good.items() if k != "entityId"},
            "triggerId is missing": {k: v for k, v in good.items() if k != "triggerId"},
            "timestamp is missing": {k: v for k, v in good.items() if k != "timestamp"},
            "triggerId is null": {**good, "triggerId": None},
            "triggerId is a number": {**good, "triggerId": 5},
            "timestamp is a number": {**good, "timestamp": 1714564800},
            "data is null": {**good, "data": None},
            "data is an array": {**good, "data": []},
            "data is a text": {**good, "data": "x"},
            "nothing is there": {},
            "an array": [good],
            "a text": "x",
            "null": None,
        }
        for what, body in cases.items():
            with self.subTest(what):
                answer = self.send(json.dumps(body).encode())
                self.assertAnswer(answer, 422)
                self.assertEqual(answer.header("Content-Type"), "application/json")
                self.assertIn("detail", json.loads(answer.body))
        self.assertEqual(self.crm.requests, [])

    def test_missing_field_is_told_as_the_tutorial_does(self):
        answer = self.send(b'{"triggerId":"t","timestamp":"x"}')
        self.assertAnswer(answer, 422)
        self.assertEqual(json.loads(answer.body), {"detail": [
            {"type": "missing", "loc": ["body", "entityId"], "msg": "Field required"}]})

    def test_malformed_json(self):
        e = event()
        for body in (b"{", b"{'a':1}", b"nonsense", e + b"x", e[:-1], e.replace(b":", b"=", 1),
                     e.replace(b'"c-100"', b"1e400"), e.replace(b'"c-100"', b"NaN"),
                     e.replace(b"c-100", b"\\ud83d"), e.replace(b'"c-100"', b"01"),
                     e.replace(b"c-100", b"a\nb"), b"[" * 100000, b"\xef\xbb\xbf" + e):
            with self.subTest(body[:80]):
                answer = self.send(body)
                self.assertAnswer(answer, 422)
                self.assertEqual(json.loads(answer.body)["detail"][0]["type"], "json_invalid")
        self.assertEqual(self.crm.requests, [])

    def test_empty_body(self):
        self.assertAnswer(self.send(b""), 422)
        self.assertAnswer(self.send(b" \r\n"), 422)

    def test_invalid_utf8(self):
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            with self.subTest(bad):
                answer = self.send(event().replace(b"c-100", bad))
                self.assertAnswer(answer, 400)
                self.assertIn("detail", json.loads(answer.body))
        self.assertEqual(self.crm.requests, [])

    def test_content_types(self):
        good = ["application/json", "application/json; charset=utf-8", "Application/JSON",
                "application/vnd.cxone+json", "application/json ;charset=latin-1", None]
        for n, kind in enumerate(good):
            with self.subTest(kind):
                answer = self.send(event(f"good-{n}"), headers=[("Content-Type", kind)])
                self.assertAnswer(answer, 200, routed(f"good-{n}"))
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                     "json", "application/xml; a=application/json"):
            with self.subTest(kind):
                answer = self.send(event("bad"), headers=[("Content-Type", kind)])
                self.assertAnswer(answer, 415)
        self.assertEqual(len(self.crm.requests), len(good))

    def test_methods_and_paths(self):
        port = self.onceway.port
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            with self.subTest(method):
                answer = client.ask(port, method, client.PATH)
                self.assertEqual((answer.status, answer.header("Allow")), (405, "POST"))
        for path in ("/", "/webhook", "/webhook/dataaction/", "/webhook/dataactions",
                     "/Webhook/dataaction", "/webhook/dataaction%20"):
            with self.subTest(path):
                self.assertAnswer(self.send(event(), path=path), 404)
        self.assertEqual(self.crm.requests, [])

    def test_query_is_ignored(self):
        self.assertAnswer(self.send(event(), path=client.PATH + "?token=1&x"), 200, routed())
        self.assertAnswer(self.send(event(), path=client.PATH + "?"), 200, discarded())

    def test_trigger_comes_back_whatever_it_is(self):
        for trigger in ("tr\u00e9\U0001f600", '"quoted" \\ back/slash', "line\nbreak\x00\x7f",
                        "", "x" * 5000, "</script>"):
            with self.subTest(trigger[:20]):
                answer = self.send(event(trigger))
                self.assertAnswer(answer, 200)
                self.assertEqual(
                    json.loads(answer.body), {"status": "routed", "triggerId": trigger})


class Forwarding(Case):
    def setUp(self):
        self.crm = self.sink()
        self.onceway = self.daemon(self.crm)

    def test_bytes_are_unchanged(self):
        bodies = [
            b'\r\n\t {  "triggerId" :"a" ,\n"entityId":"b","timestamp":"c"  }\r\n\r\n ',
            b'{"triggerId":"x","triggerId":"dup","entityId":"b","entityId":"b","timestamp":"c"}',
            b'{"triggerId":"n","entityId":"b","timestamp":"c","data":{"contactId":1.50e+02,'
            b'"queueId":123456789012345678901234567890}}',
            '{"triggerId":"tr\u00e9\U0001f600\u2028","entityId":"\\u00e9","timestamp":"c"}'.encode(),
            b'{"triggerId":"z","entityId":"\\u0000\\/","timestamp":"c","x":[[],{},null,-0.0]}',
        ]
        for body in bodies:
            self.assertAnswer(self.post(self.onceway, body), 200)
        self.assertEqual(self.crm.bodies, bodies)

    def test_what_goes_with_them(self):
        body = event(queueId="q\u00e9", contactId=1.5)
        kind = "application/vnd.cxone+json; charset=utf-8"
        self.post(self.onceway, body, headers=[
            ("Content-Type", kind), ("traceparent", TRACE), ("Authorization", "Bearer secret"),
            ("X-Other", "1")])
        got = self.crm.requests[0]
        self.assertEqual((got.method, got.target), ("POST", "/api/v1/events"))
        self.assertEqual(got.header("Host"), f"127.0.0.1:{self.crm.port}")
        self.assertEqual(got.header("Content-Type"), kind)
        self.assertEqual(got.header("Content-Length"), str(len(body)))
        self.assertEqual(got.header("Idempotency-Key"), "cxone:dedup:" + key_of(body))
        # Credentials of the vendor are ours, not the sink's.
        self.assertIsNone(got.header("Authorization"))
        self.assertIsNone(got.header("X-Other"))

    def test_trace_goes_on(self):
        self.post(self.onceway, event("with"), headers=[("traceparent", TRACE)])
        self.post(self.onceway, event("without"))
        self.post(self.onceway, event("broken"), headers=[("traceparent", "00-zz-yy-01")])
        traces = [r.header("traceparent") for r in self.crm.requests]
        for trace in traces:
            self.assertRegex(trace, r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
        ids = [t.split("-")[1] for t in traces]
        self.assertEqual(ids[0], TRACE.split("-")[1])
        self.assertEqual(len(set(ids)), 3)

    def test_configured_headers(self):
        crm = self.sink()
        onceway = self.daemon(crm, sink={
            "url": f"http://127.0.0.1:{crm.port}/in?tenant=a%20b", "method": "PUT",
            "headers": {"X-Api-Key": "k-1", "Content-Type": "application/cloudevents+json"},
            "idempotency_header": "X-Event-Key"})
        self.post(onceway, event())
        got = crm.requests[0]
        self.assertEqual((got.method, got.target), ("PUT", "/in?tenant=a%20b"))
        self.assertEqual(got.header("X-Api-Key"), "k-1")
        self.assertEqual(got.header("Content-Type"), "application/cloudevents+json")
        self.assertEqual(got.header("X-Event-Key"), "cxone:dedup:" + key_of(event()))
        self.assertIsNone(got.header("Idempotency-Key"))


class RespondOptions(Case):
    def test_sink_answers_the_vendor(self):
        crm = self.sink(Answer(201, b"<created/>", [("Content-Type", "text/xml")]))
        onceway = self.daemon(crm, route={"respond": "sink"})
        for _ in range(2):
            answer = self.post(onceway, event())
            self.assertAnswer(answer, 201, "<created/>")
            self.assertEqual(answer.header("Content-Type"), "text/xml")
        self.assertEqual(len(crm.requests), 1)

    def test_plain(self):
        onceway = self.daemon(self.sink(), route={"respond": "plain"})
        key = key_of(event())
        for status in ("delivered", "duplicate"):
            answer = self.post(onceway, event())
            self.assertAnswer(answer, 200)
            self.assertEqual(json.loads(answer.body), {"status": status, "key": key})

    def test_acknowledged_duplicates(self):
        crm = self.sink(Answer(201, b"first"))
        onceway = self.daemon(crm, route={"respond": "sink", "on_duplicate": "ack"})
        self.assertAnswer(self.post(onceway, event()), 201, "first")
        self.assertNotEqual(self.post(onceway, event()).text, "first")

    def test_any_success_of_the_sink_is_one(self):
        crm = self.sink(Answer(202), Answer(204), Answer(299))
        onceway = self.daemon(crm)
        for n in range(3):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, discarded(f"t{n}"))

    def test_other_field_names(self):
        onceway = self.daemon(self.sink(), route={"key": {
            "plugin": "cxone", "trigger_id": "/eventId", "entity_id": "/data/case/id",
            "timestamp": "", "event_type": "/eventType"}})
        body = b'{"eventId":"e1","eventType":"CaseCreated","data":{"case":{"id":"7"}}}'
        self.assertAnswer(self.post(onceway, body), 200, routed("e1"))
        self.assertAnswer(self.post(onceway, body), 200, discarded("e1"))


if __name__ == "__main__":
    unittest.main()
