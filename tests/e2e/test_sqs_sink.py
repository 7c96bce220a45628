"""Sink sqs: into an SQS emulator read by the AWS SDK, and before an SQS that misbehaves."""
import hashlib
import json
import random
import threading
import time
import unittest
from concurrent import futures

from case import Answer, Case, client, event, together, wait_until
from daemon import PATIENCE
from sqs_server import Server


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    server.close()


def message(number, group=None):
    """An event of the keyer auto."""
    return json.dumps({"id": f"id-{number}", "number": number, "group": group})


def attribute(received, name):
    return received["MessageAttributes"][name]["StringValue"]


class SinkCase(Case):
    names = 0

    def queue(self, fifo=False, **attributes):
        SinkCase.names += 1
        return server.queue(f"s{SinkCase.names}" + ".fifo" * fifo, **attributes)

    def aws(self, port=None):
        return {"region": "us-east-1", "endpoint": f"http://127.0.0.1:{port or server.port}",
                "access_key_id": "test", "secret_access_key": "test"}

    def config(self, sink, key="cxone", route=(), source=None, onceway=()):
        return {
            "onceway": {"admin": "127.0.0.1:0", "log": {"level": "debug"}, **dict(onceway)},
            "listeners": {"public": {"address": "127.0.0.1:0"}},
            "sources": {"in": source or {
                "plugin": "webhook", "listener": "public", "path": "/in"}},
            "stores": {"main": {"plugin": "memory"}},
            "sinks": {"out": {"plugin": "sqs", **sink}},
            "routes": {"main": {
                "from": "in", "key": key, "store": "main", "to": "out", **dict(route)}},
        }

    def into(self, queue, port=None, options=(), **more):
        """A daemon that puts what it is posted into the queue."""
        sink = {"queue_url": queue if isinstance(queue, str) else queue.url,
                **self.aws(port), **dict(options)}
        return self.daemon_of(self.config(sink, **more))

    def post(self, onceway, body, **headers):
        return client.post(onceway.port, body, path="/in", headers=list(headers.items()))

    def attempts(self, onceway, code):
        return onceway.metrics().total("onceway_sink_attempts_total", sink="out", code=code)


class Standard(SinkCase):
    def test_a_message_is_the_event(self):
        queue = self.queue()
        onceway = self.into(queue, route={"respond": "sink"})
        body = event(note='é "quoted" \\ \t'.replace("\t", "\\t")).replace(b", ", b" ,\n ")
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        done = self.post(onceway, body, **{
            "Content-Type": "application/json; charset=utf-8",
            "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        self.assertEqual(done.status, 200)
        received, = queue.take(1)
        self.assertEqual(received["Body"].encode(), body)
        self.assertEqual(received["MD5OfBody"], hashlib.md5(body).hexdigest())
        self.assertEqual(attribute(received, "Content-Type"), "application/json; charset=utf-8")
        self.assertEqual(attribute(received, "traceparent")[:36], f"00-{trace}-")
        self.assertRegex(attribute(received, "Idempotency-Key"), "^cxone:dedup:[0-9a-f]{64}$")
        self.assertEqual(json.loads(done.body), {"MessageId": received["MessageId"]})

    def test_copies_are_not_sent(self):
        queue = self.queue()
        onceway = self.into(queue)
        together(lambda body: self.post(onceway, body), [event()] * 20)
        self.post(onceway, event())
        self.post(onceway, event(entity="another"))
        self.assertEqual(len(queue.take(2)), 2)
        self.assertEqual(queue.counts(), (0, 0))

    def test_together(self):
        queue = self.queue()
        onceway = self.into(
            queue, options={"batch_wait": "2s", "pool": {"max_connections": 2}})
        answers = together(
            lambda n: self.post(onceway, event(entity=f"e{n}")), list(range(40)))
        self.assertEqual([a.status for a in answers], [200] * 40)
        self.assertEqual(len(queue.take(40)), 40)
        # Ten at a time as long as so many are there at once; alone they would be 40.
        self.assertLess(onceway.metrics().total("onceway_sqs_send_requests_total"), 20)

    def test_large_ones(self):
        queue = self.queue()
        onceway = self.into(queue, options={"batch_wait": "500ms"})
        answers = together(lambda n: self.post(
            onceway, event(entity=f"e{n}", text="x" * 400_000)), list(range(4)))
        self.assertEqual([a.status for a in answers], [200] * 4)
        self.assertEqual(len(queue.take(4)), 4)

    def test_what_does_not_fit_is_refused(self):
        queue = self.queue()
        onceway = self.into(queue, options={"max_message": "10KiB"})
        refused = self.post(onceway, event(text="x" * 20_000))
        self.assertEqual(refused.status, 502)
        onceway.wait_log(r"the message has 20\d\d\d bytes with its attributes: "
                         r"more than max_message \(10240\)")
        self.assertEqual(self.post(onceway, event(entity="small")).status, 200)
        self.assertEqual(len(queue.take(1)), 1)
        self.assertEqual(self.attempts(onceway, "refused"), 1)

    def test_characters_that_are_none_to_sqs(self):
        queue = self.queue()
        onceway = self.into(queue)
        self.assertEqual(self.post(onceway, event(text="X").replace(
            b'"X"', '"\uffff"'.encode())).status, 502)
        onceway.wait_log("the body has U\\+FFFE or U\\+FFFF")
        self.assertEqual(queue.counts(), (0, 0))

    def test_queue_that_is_not_there_yet(self):
        """It comes while the event is tried again: a deployment that takes its time."""
        queue = self.queue()
        queue("DeleteQueue")
        onceway = self.into(queue, options={
            "retry": {"attempts": 100, "base": "100ms", "max": "100ms"}})
        with futures.ThreadPoolExecutor() as pool:
            answer = pool.submit(self.post, onceway, event())
            onceway.wait_log("QueueDoesNotExist")
            server("CreateQueue", QueueName=queue.url.rsplit("/", 1)[1])
            self.assertEqual(answer.result().status, 200)
        self.assertEqual(len(queue.take(1)), 1)
        self.assertGreaterEqual(self.attempts(onceway, "missing"), 1)


class Fifo(SinkCase):
    options = {"group": "/group", "group_default": "rest"}

    def test_order_and_ids(self):
        queue = self.queue(fifo=True)
        onceway = self.into(queue, key="auto", options=self.options)

        def post_all(group):
            for n in range(20):
                body = message(f"{group}-{n}", group)
                self.assertEqual(self.post(onceway, body.encode()).status, 200)
        together(post_all, ["red", "green blue", None])
        received = queue.take(60)
        groups = {}
        for m in received:
            key = json.loads(m["Body"])["id"]
            self.assertEqual(attribute(m, "Idempotency-Key"), m["Attributes"][
                "MessageDeduplicationId"])
            if " " not in key:
                self.assertEqual(attribute(m, "Idempotency-Key"), f"event:{key}")
            groups.setdefault(m["Attributes"]["MessageGroupId"], []).append(
                json.loads(m["Body"])["number"])
        odd = hashlib.sha256(b"green blue").hexdigest()
        self.assertEqual(groups, {
            name: [f"{group}-{n}" for n in range(20)]
            for name, group in (("red", "red"), (odd, "green blue"), ("rest", None))})

    def test_without_a_group(self):
        queue = self.queue(fifo=True)
        onceway = self.into(queue, key="auto", options={"group": "/group"})
        self.assertEqual(self.post(onceway, message(1).encode()).status, 502)
        onceway.wait_log("no message group: /group is not a string or an integer")
        self.assertEqual(self.post(onceway, message(1, "g").encode()).status, 200)
        self.assertEqual(len(queue.take(1)), 1)

    def test_sqs_drops_what_it_has_seen(self):
        """A daemon that has forgotten sends again under the same id; the queue has it once."""
        queue = self.queue(fifo=True)
        onceway = self.into(queue, key="auto", options=self.options)
        self.assertEqual(self.post(onceway, message(1).encode()).status, 200)
        onceway.kill()
        onceway.start()
        self.assertEqual(self.post(onceway, message(1).encode()).status, 200)
        self.assertEqual(self.attempts(onceway, "200"), 1)
        self.assertEqual(queue.counts(), (1, 0))


class Scripted(SinkCase):
    """An SQS whose answers are made here."""
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/scripted"

    def entries(self, request):
        return json.loads(request.body)["Entries"]

    def entity(self, entry):
        return json.loads(entry["MessageBody"])["entityId"]

    def done(self, entry):
        return {"Id": entry["Id"], "MessageId": "m-" + self.entity(entry),
                "MD5OfMessageBody": hashlib.md5(entry["MessageBody"].encode()).hexdigest()}

    def answer(self, request, failing=()):
        """failing: {entityId: entry of Failed}."""
        entries, failing = self.entries(request), dict(failing)
        return Answer(200, json.dumps({
            "Successful": [self.done(e) for e in entries if self.entity(e) not in failing],
            "Failed": [{"Id": e["Id"], **failing[self.entity(e)]}
                       for e in entries if self.entity(e) in failing]}).encode())

    def error(self, status, code, *headers):
        return Answer(status, json.dumps({
            "__type": f"com.amazonaws.sqs#{code}", "message": "No."}).encode(), headers)

    def before(self, *script, **options):
        """script: functions of a request, the last one for all further ones."""
        lock, answers = threading.Lock(), list(script)

        def choose(request):
            with lock:
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
            return answer(request)
        sqs = self.sink(choose=choose)
        options = {"retry": {"base": "10ms", "max": "10ms"}, "batch_wait": "300ms", **options}
        return sqs, self.into(self.url, port=sqs.port, options=options)

    def post_all(self, onceway, *entities):
        answers = together(
            lambda entity: self.post(onceway, event(entity=entity)), list(entities))
        return dict(zip(entities, [a.status for a in answers]))

    def sent(self, sqs):
        """How often each was sent."""
        count = {}
        for request in sqs.requests:
            for entry in self.entries(request):
                count[self.entity(entry)] = count.get(self.entity(entry), 0) + 1
        return count

    def test_request(self):
        sqs, onceway = self.before(self.answer)
        self.assertEqual(self.post_all(onceway, "a"), {"a": 200})
        request, = sqs.requests
        self.assertEqual(request.method, "POST")
        self.assertEqual(request.target, "/")
        self.assertEqual(request.header("X-Amz-Target"), "AmazonSQS.SendMessageBatch")
        self.assertEqual(request.header("Content-Type"), "application/x-amz-json-1.0")
        self.assertRegex(request.header("Authorization"),
                         r"Credential=test/\d{8}/us-east-1/sqs/aws4_request")
        self.assertEqual(json.loads(request.body)["QueueUrl"], self.url)

    def test_entries_that_fail(self):
        sqs, onceway = self.before(
            lambda r: self.answer(r, {
                "b": {"SenderFault": True, "Code": "InvalidMessageContents", "Message": "No."},
                "c": {"SenderFault": False, "Code": "InternalError"}}), self.answer)
        self.assertEqual(self.post_all(onceway, *"abcd"),
                         {"a": 200, "b": 502, "c": 200, "d": 200})
        self.assertEqual(len(self.entries(sqs.requests[0])), 4)
        self.assertEqual(self.sent(sqs), {"a": 1, "b": 1, "c": 2, "d": 1})
        onceway.wait_log("SQS says InvalidMessageContents: No.")
        self.assertEqual(self.attempts(onceway, "200"), 3)
        self.assertEqual(self.attempts(onceway, "refused"), 1)
        self.assertEqual(self.attempts(onceway, "error"), 1)

    def test_throttled(self):
        sqs, onceway = self.before(
            lambda r: self.error(400, "RequestThrottled", ("Retry-After", "1")),
            lambda r: self.error(503, "ServiceUnavailable"),
            self.answer)
        self.assertEqual(self.post_all(onceway, "a"), {"a": 200})
        first, second, _ = sqs.requests
        self.assertGreaterEqual(second.at - first.at, 1)
        self.assertEqual(self.attempts(onceway, "throttled"), 1)
        self.assertEqual(self.attempts(onceway, "error"), 1)

    def test_one_that_spoils_the_request(self):
        def refuse(request):
            entities = [self.entity(e) for e in self.entries(request)]
            return self.error(400, "InvalidParameterValue") if "b" in entities \
                else self.answer(request)
        sqs, onceway = self.before(refuse)
        self.assertEqual(self.post_all(onceway, *"abc"), {"a": 200, "b": 502, "c": 200})
        self.assertEqual(self.sent(sqs), {"a": 2, "b": 2, "c": 2})
        self.assertEqual(len(sqs.requests), 4)

    def test_answer_that_is_lost(self):
        sqs, onceway = self.before(lambda r: Answer(act="half"), lambda r: Answer(act="garbage"),
                                   lambda r: Answer(200, b"{}"), self.answer)
        self.assertEqual(self.post_all(onceway, "a"), {"a": 200})
        keys = [e["MessageAttributes"]["Idempotency-Key"]["StringValue"]
                for r in sqs.requests for e in self.entries(r)]
        self.assertEqual(len(keys), 4)
        self.assertEqual(len(set(keys)), 1)
        # What cannot be told from its copy is not sent again.
        sqs, onceway = self.before(
            lambda r: Answer(act="half"), self.answer, key_attribute="")
        self.assertEqual(self.post_all(onceway, "a"), {"a": 502})
        self.assertEqual(len(sqs.requests), 1)

    def test_damaged_body(self):
        def damage(request):
            answer = json.loads(self.answer(request).body)
            answer["Successful"][0]["MD5OfMessageBody"] = "0" * 32
            return Answer(200, json.dumps(answer).encode())
        sqs, onceway = self.before(damage, self.answer)
        self.assertEqual(self.post_all(onceway, "a"), {"a": 200})
        self.assertEqual(self.sent(sqs), {"a": 2})
        self.assertEqual(self.attempts(onceway, "damaged"), 1)

    def test_time_is_up(self):
        """The request goes on; what it was for is sent again under its key."""
        gate = threading.Event()

        def late(request):
            answer = self.answer(request)
            answer.gate = gate
            return answer
        sqs, onceway = self.before(late, self.answer, timeout={"total": "2s"})
        self.assertEqual(self.post_all(onceway, "a"), {"a": 200})
        gate.set()
        self.assertEqual(self.sent(sqs), {"a": 2})
        self.assertEqual(self.attempts(onceway, "timeout"), 1)

    def test_nobody_there(self):
        sqs = self.sink(choose=self.answer, listening=False)
        onceway = self.into(self.url, port=sqs.port, options={
            "retry": {"attempts": 2, "base": "10ms"}})
        self.assertEqual(self.post_all(onceway, "a"), {"a": 502})
        self.assertEqual(self.attempts(onceway, "connect"), 2)
        wait_until(lambda: onceway.admin("/readyz").status == 503, "it is not ready")
        sqs.listen()
        wait_until(lambda: onceway.admin("/readyz").status == 200, "it is ready")
        self.assertEqual(self.post_all(onceway, "a"), {"a": 200})

    def test_drain_waits(self):
        gate = threading.Event()

        def late(request):
            answer = self.answer(request)
            answer.gate = gate
            return answer
        sqs, onceway = self.before(late)
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(self.post_all(onceway, "a", "b")))
        thread.start()
        sqs.wait(1)
        onceway.signal()
        onceway.wait_log("core: draining")
        gate.set()
        thread.join()
        self.assertEqual(answers, [{"a": 200, "b": 200}])
        onceway.check_ended()


class Between(SinkCase):
    """From queue to queue."""

    def source(self, queue, **options):
        return {"plugin": "sqs", "queue_url": queue.url, **self.aws(), "wait_time": "1s",
                "visibility_timeout": "3s", "backoff": {"base": "1s", "max": "1s"}, **options}

    def test_onceway_queue_onceway(self):
        """What the first made of an event, the second knows of it."""
        queue, crm = self.queue(), self.sink()
        first = self.into(queue)
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        second = self.daemon_of({
            **self.config({}, source=self.source(queue), key={
                "plugin": "fields", "from": ["header:X-Sqs-Attribute-Idempotency-Key"],
                "hash": "none", "encoding": "plain", "prefix": "handed:"}),
            "sinks": {"out": {"plugin": "http", "url": f"http://127.0.0.1:{crm.port}/events"}}})
        for entity in ("a", "a", "b"):
            self.assertEqual(self.post(first, event(entity=entity), **{
                "Content-Type": "application/vnd.test+json",
                "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}).status, 200)
        crm.wait(2)
        queue.wait_empty()
        self.assertEqual(sorted(crm.bodies), [event(entity="a"), event(entity="b")])
        for request in crm.requests:
            self.assertEqual(request.header("Content-Type"), "application/vnd.test+json")
            self.assertEqual(request.header("traceparent").split("-")[1], trace)
            self.assertRegex(
                request.header("Idempotency-Key"), "^handed:cxone:dedup:[0-9a-f]{64}$")
        # The same event again, by somebody who does not know that it was sent.
        again = queue("SendMessage", MessageBody=event(entity="a").decode(), MessageAttributes={
            "Idempotency-Key": {"DataType": "String", "StringValue":
                                crm.requests[0].header("Idempotency-Key")[len("handed:"):]}})
        self.assertIn("MessageId", again)
        queue.wait_empty()
        self.assertEqual(len(crm.requests), 2)
        self.assertEqual(
            second.metrics().total("onceway_events_total", outcome="duplicate"), 1)

    def handover(self, first, second, **options):
        sink = {"queue_url": second.url, **self.aws(), **options}
        return self.daemon_of(self.config(sink, key="auto", source=self.source(first)))

    def test_killed(self):
        """Nothing is lost, and FIFO queues keep their order and take each once."""
        first, second = self.queue(fifo=True), self.queue(fifo=True)
        groups, count, chance = ["red", "green", "blue", "grey"], 100, random.Random(7)
        onceway = self.handover(first, second, group="/group", batch_wait="0s")
        for group in groups:
            first.send(*[message(f"{group}-{n}", group) for n in range(count)], group=group)
        for _ in range(4):
            already = second.counts()[0]
            wait_until(lambda: second.counts()[0] >= min(already + 40, 4 * count) or
                       sum(first.counts()) == 0, "some deliveries")
            time.sleep(chance.random() * 0.05)
            onceway.kill()
            onceway.start()
        first.wait_empty(timeout=3 * PATIENCE)
        order = {}
        for m in second.take(4 * count):
            order.setdefault(m["Attributes"]["MessageGroupId"], []).append(
                json.loads(m["Body"])["number"])
        self.assertEqual(order, {g: [f"{g}-{n}" for n in range(count)] for g in groups})

    def test_killed_with_many_at_once(self):
        first, second = self.queue(), self.queue()
        count, chance = 1000, random.Random(8)
        onceway = self.handover(first, second)
        first.send(*[message(n) for n in range(count)])
        for _ in range(4):
            already = second.counts()[0]
            wait_until(lambda: second.counts()[0] >= min(already + 150, count) or
                       sum(first.counts()) == 0, "some deliveries")
            time.sleep(chance.random() * 0.05)
            onceway.kill()
            onceway.start()
        first.wait_empty(timeout=3 * PATIENCE)
        received = second.take(second.counts()[0])
        self.assertEqual({json.loads(m["Body"])["number"] for m in received},
                         set(range(count)))


if __name__ == "__main__":
    unittest.main()
