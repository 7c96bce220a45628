"""Source sqs against an SQS emulator, with the AWS SDK as the producer."""
import json
import random
import threading
import time
import unittest
import uuid

from case import Answer, Case, wait_until
from daemon import PATIENCE
from sqs_server import Server

VISIBILITY = 3  # seconds: the least that is allowed


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    server.close()


def message(number, **more):
    """An event of the keyer auto."""
    return json.dumps({"id": f"id-{number}", "number": number, **more})


class SqsCase(Case):
    names = 0

    def queue(self, fifo=False, **attributes):
        SqsCase.names += 1
        return server.queue(f"q{SqsCase.names}" + ".fifo" * fifo, **attributes)

    def config(
            self, queue, crm, key="auto", route=(), sink=(), onceway=(), listener=(), **source):
        return {
            "onceway": {"admin": "127.0.0.1:0", "log": {"level": "debug"}, **dict(onceway)},
            # The harness asks every daemon for the port of one.
            "listeners": {"public": {"address": "127.0.0.1:0", **dict(listener)}},
            "sources": {"events": {
                "plugin": "sqs", "queue_url": queue.url, "region": "us-east-1",
                "endpoint": f"http://127.0.0.1:{server.port}",
                "access_key_id": "test", "secret_access_key": "test",
                "wait_time": "1s", "visibility_timeout": f"{VISIBILITY}s",
                "backoff": {"base": "1s", "max": "1s"}, **source}},
            "stores": {"main": {"plugin": "memory"}},
            "sinks": {"crm": {
                "plugin": "http", "url": f"http://127.0.0.1:{crm.port}/events",
                "retry": {"attempts": 1}, **dict(sink)}},
            "routes": {"events": {
                "from": "events", "key": key, "store": "main", "to": "crm", **dict(route)}},
        }

    def consumer(self, queue, crm, **options):
        return self.daemon_of(self.config(queue, crm, **options))

    def total(self, onceway, name, **labels):
        return onceway.metrics().total(f"onceway_{name}", **labels)


class Delivery(SqsCase):
    def test_tutorial(self):
        """Five times the same event, each with an envelope id of its own."""
        queue, crm = self.queue(), self.sink()
        detail = {"conversationId": "conv-12345", "timestamp": 1714564800.0}
        for _ in range(5):
            queue.send(json.dumps({
                "version": "0", "id": str(uuid.uuid4()), "detail-type": "TestEvent",
                "source": "com.mycompany.test", "account": "123456789012",
                "time": "2024-05-01T12:00:00Z", "region": "us-east-1", "resources": [],
                "detail": detail}))
        onceway = self.consumer(
            queue, crm, key={"plugin": "auto", "prefer": "business"}, unwrap="eventbridge")
        queue.wait_empty()
        self.assertEqual(len(crm.requests), 1)
        self.assertEqual(json.loads(crm.bodies[0])["detail"], detail)
        self.assertEqual(self.total(onceway, "events_total", outcome="delivered"), 1)
        self.assertEqual(self.total(onceway, "events_total", outcome="duplicate"), 4)
        wait_until(lambda: self.total(onceway, "sqs_deleted_total") == 5, "deletions counted")

    def test_body_as_received(self):
        queue, crm = self.queue(), self.sink()
        body = '{ "id":"1",\t"text": "\\u00e9 é 😀", "n": 1.00 }'
        # The emulator takes no raw characters beyond the BMP.
        body = body.replace("😀", "\\ud83d\\ude00")
        envelope = json.dumps({
            "Type": "Notification", "MessageId": "m-1", "Message": body,
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:t"})
        queue.send(body, envelope.replace('\\"1\\"', '\\"2\\"'))
        self.consumer(queue, crm)
        queue.wait_empty()
        self.assertEqual(sorted(crm.bodies), sorted(
            [body.encode(), body.replace('"1"', '"2"').encode()]))

    def test_headers_make_keys(self):
        queue, crm = self.queue(), self.sink()
        for order in ("o-1", "o-2", "o-1"):
            queue("SendMessage", MessageBody="{}", MessageAttributes={
                "order": {"DataType": "String", "StringValue": order}})
        onceway = self.consumer(
            queue, crm, key={"plugin": "fields", "from": ["header:X-Sqs-Attribute-order"]})
        queue.wait_empty()
        self.assertEqual(len(crm.requests), 2)
        self.assertEqual(self.total(onceway, "events_total", outcome="duplicate"), 1)

    def test_many_by_many_receivers(self):
        queue, crm = self.queue(), self.sink()
        onceway = self.consumer(
            queue, crm, receivers=4, sink={"pool": {"max_connections": 8}}, **self.workers(2))
        queue.send(*[message(n) for n in range(500)])
        queue.wait_empty()
        self.assertEqual(sorted(json.loads(b)["number"] for b in crm.bodies), list(range(500)))
        wait_until(lambda: self.total(onceway, "sqs_deleted_total") == 500, "deletions counted")
        self.assertEqual(self.total(onceway, "sqs_received_total"), 500)
        self.assertEqual(self.total(onceway, "sqs_in_hand"), 0)


class Failure(SqsCase):
    def test_sink_fails(self):
        queue = self.queue()
        crm = self.sink(Answer(500), Answer(503))
        queue.send(message(1))
        onceway = self.consumer(queue, crm)
        crm.wait(2)
        self.assertEqual(sum(queue.counts()), 1)
        crm.wait(3)
        queue.wait_empty()
        first, second, third = crm.requests
        self.assertEqual(first.body, third.body)
        self.assertGreaterEqual(second.at - first.at, 0.5)
        self.assertEqual(self.total(onceway, "sqs_returned_total"), 2)
        self.assertEqual(self.total(onceway, "sqs_received_total"), 3)
        self.assertEqual(self.total(onceway, "sqs_deleted_total"), 1)

    def test_malformed_goes_to_the_dead_letter_queue(self):
        dead, crm = self.queue(), self.sink()
        queue = self.queue(RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": dead.arn(), "maxReceiveCount": 2}))
        bad = ["no JSON", '{"nothing": "to make a key of"}', '["id"]']
        queue.send(message(1), *bad)
        onceway = self.consumer(queue, crm, invalid_delay="1s")
        wait_until(lambda: dead.counts()[0] == len(bad), "dead letters")
        queue.wait_empty()
        self.assertEqual(sorted(dead.receive()), sorted(bad))
        self.assertEqual(len(crm.requests), 1)
        self.assertEqual(self.total(onceway, "sqs_malformed_total"), 2 * len(bad))

    def test_malformed_is_left_alone(self):
        """By default the queue's own visibility brings it back."""
        dead, crm = self.queue(), self.sink()
        queue = self.queue(RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": dead.arn(), "maxReceiveCount": 1}))
        queue.send("no JSON")
        onceway = self.consumer(queue, crm)
        wait_until(lambda: dead.counts()[0] == 1, "a dead letter")
        self.assertEqual(self.total(onceway, "sqs_returned_total"), 0)

    def test_queue_that_does_not_exist_yet(self):
        crm = self.sink()
        queue = self.queue()
        queue("DeleteQueue")
        onceway = self.consumer(queue, crm)
        onceway.wait_log("receiving does not work.*QueueDoesNotExist")
        self.assertEqual(self.total(onceway, "sqs_receivers_failing"), 1)
        server("CreateQueue", QueueName=queue.url.rsplit("/", 1)[1])
        queue.send(message(1))
        crm.wait(1)
        queue.wait_empty()
        onceway.wait_log("receiving works again")


class Visibility(SqsCase):
    def test_delivery_that_outlasts_it(self):
        queue, gate = self.queue(), threading.Event()
        crm = self.sink(Answer(gate=gate))
        queue.send(message(1))
        onceway = self.consumer(queue, crm)
        crm.wait(1)
        end = time.monotonic() + 3 * VISIBILITY
        while time.monotonic() < end:
            # Another consumer sees nothing of it.
            self.assertEqual(queue.receive(WaitTimeSeconds=1, VisibilityTimeout=0), [])
        self.assertGreaterEqual(self.total(onceway, "sqs_extended_total"), 2)
        gate.set()
        queue.wait_empty()
        self.assertEqual(len(crm.requests), 1)
        self.assertEqual(self.total(onceway, "sqs_received_total"), 1)

    def test_those_that_wait_for_another_copy(self):
        """Five copies: one is delivered, the others wait for it all the while."""
        queue, gate = self.queue(), threading.Event()
        crm = self.sink(Answer(gate=gate))
        queue.send(*[message(1)] * 5)
        onceway = self.consumer(queue, crm)
        wait_until(lambda: self.total(onceway, "waiting") == 4, "copies that wait")
        time.sleep(2 * VISIBILITY)
        self.assertEqual(queue.counts(), (0, 5))
        self.assertEqual(self.total(onceway, "sqs_received_total"), 5)
        gate.set()
        queue.wait_empty()
        self.assertEqual(len(crm.requests), 1)


class Fifo(SqsCase):
    def test_order_of_a_group_with_failures(self):
        queue, lock = self.queue(fifo=True), threading.Lock()
        tries, delivered = {}, {}

        def choose(request):
            event = json.loads(request.body)
            with lock:
                tries[event["id"]] = tries.get(event["id"], 0) + 1
                if event["number"] % 7 == 3 and tries[event["id"]] == 1:
                    return Answer(500)
                delivered.setdefault(event["group"], []).append(event["number"])
                return Answer()
        crm = self.sink(choose=choose)
        groups, numbers = ["red", "green", "blue"], range(20)
        for group in groups:
            queue.send(*[json.dumps({"id": f"{group}-{n}", "group": group, "number": n})
                         for n in numbers], group=group)
        self.consumer(queue, crm, receivers=2)
        queue.wait_empty()
        self.assertEqual(delivered, {group: list(numbers) for group in groups})
        self.assertEqual(sum(tries.values()), 3 * 20 + 3 * 3)


class Drain(SqsCase):
    def test_gives_back_what_is_not_finished_in_time(self):
        queue, gate = self.queue(), threading.Event()
        crm = self.sink(Answer(gate=gate))
        queue.send(message(1))
        onceway = self.consumer(
            queue, crm, visibility_timeout="10m", onceway={"drain_timeout": "1s"})
        crm.wait(1)
        self.assertEqual(queue.counts(), (0, 1))
        onceway.signal()
        onceway.check_ended()
        # Others need not wait for ten minutes.
        self.assertEqual(queue.counts(), (1, 0))

    def test_finishes_what_is_under_way(self):
        queue, gate = self.queue(), threading.Event()
        crm = self.sink(Answer(gate=gate))
        queue.send(message(1))
        onceway = self.consumer(queue, crm, visibility_timeout="10m")
        crm.wait(1)
        onceway.signal()
        onceway.wait_log("core: draining")
        gate.set()
        onceway.check_ended()
        self.assertEqual(queue.counts(), (0, 0))
        self.assertEqual(len(crm.requests), 1)

    def test_gives_back_what_a_last_poll_brings(self):
        queue, crm = self.queue(), self.sink()
        onceway = self.consumer(queue, crm, wait_time="5s", visibility_timeout="10m")
        wait_until(lambda: self.total(onceway, "sqs_receives_total") == 0, "a poll under way")
        onceway.signal()
        onceway.wait_log("core: draining")
        queue.send(message(1), message(2))
        onceway.check_ended()
        self.assertEqual(queue.counts(), (2, 0))
        self.assertEqual(crm.requests, [])


class Kill(SqsCase):
    def test_nothing_is_lost(self):
        queue, crm = self.queue(), self.sink()
        count, chance = 2000, random.Random(6)
        onceway = self.consumer(queue, crm, receivers=2)
        queue.send(*[message(n) for n in range(count)])
        for _ in range(6):
            already = len(crm.requests)
            wait_until(lambda: len(crm.requests) >= min(already + 200, count) or
                       sum(queue.counts()) == 0, "some deliveries")
            time.sleep(chance.random() * 0.05)
            onceway.kill()
            onceway.start()
        queue.wait_empty(timeout=3 * PATIENCE)
        self.assertEqual({json.loads(b)["number"] for b in crm.bodies}, set(range(count)))


if __name__ == "__main__":
    unittest.main()
