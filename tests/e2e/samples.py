"""Real events of the vendors, and the routes that take them.

tests/data/samples.jsonl has one a line: what vendors were seen to send, or have
published, with all its members, spaces and notations; ids and words are made
up. Two of its notifications are what Genesys' documentation describes.
"""
import json

from daemon import SOURCE_DIR


def fields(prefix, *pointers):
    return {"plugin": "fields", "from": list(pointers), "prefix": prefix}


# The keyer of each route.
KEYS = {
    "genesys": "genesys",
    # Other events of EventBridge, by their id.
    "events": "auto",
    # CXone's digital channels: the ids are at the top, and there is no time.
    "digital": {"plugin": "cxone", "prefix": "digital:", "trigger_id": "/eventId",
                "entity_id": "/data/case/id", "timestamp": "", "event_type": "/eventType",
                "contact_id": "/data/contact/id"},
    # A script's own request has no id: nothing but all of it makes it the same.
    "studio": fields("studio:", ""),
    # What a Cognigy flow's author put together.
    "flow": fields("flow:", "/userId", "/conversationId", "/detectedIntent"),
    "endpoint": fields("endpoint:", "/userId", "/sessionId", "/text"),
    # SNS over HTTP, or not unwrapped: the event is a text in `Message`.
    "sns": fields("sns:", "/MessageId"),
    "body": fields("body:", "body"),
}

# What changes in a sample to make another event of it.
VARIED = {"genesys": "/detail/topicName", "events": "/id", "digital": "/eventId",
          "studio": "/intent", "flow": "/conversationId", "endpoint": "/text",
          "sns": "/MessageId", "body": "/message"}


def envelope(detail, number=1, kind="v2.detail.events.conversation.{id}.acd.start", **more):
    return json.dumps({
        "version": "0", "id": f"e-{number}", "detail-type": kind, "source": "aws.partner/x",
        "account": "123456789012", "time": "2022-04-06T09:30:44Z", "region": "us-east-1",
        "resources": [], "detail": detail, **more}).encode()


def acd_start(time=1649237444949, number=1, conversation="c-1", **more):
    return envelope({
        "topicName": f"v2.detail.events.conversation.{conversation}.acd.start", "version": "2",
        "eventBody": {"eventTime": time, "conversationId": conversation, "participantId": "p-1",
                      "sessionId": "s-1", **more},
        "metadata": {"CorrelationId": f"cor-{number}"}}, number)


def created(conversation="conv-1", number=1):
    """An event as the tutorial describes it, but for the name of detail-type."""
    return envelope({"id": f"evt-{number}", "eventType": "routing:conversation:created",
                     "timestamp": "2024-05-01T12:00:00Z", "conversationId": conversation}, number)


def at(event, pointer):
    """What a JSON pointer points at; `*` is every element of an array."""
    for step in pointer.split("/")[1:]:
        if step == "*":
            rest = pointer.split("/*", 1)[1]
            return [at(element, rest) for element in event]
        event = event[step]
    return event


class Sample:
    def __init__(self, line):
        self.name, self.route, self.text = line["sample"], line["route"], line["event"]
        self.taken = line.get("taken", [])
        self.event = json.loads(self.text)

    @property
    def body(self):
        return self.text.encode()

    @property
    def line(self):
        """On one line, as `onceway key` wants it, without any other change."""
        if "\n" not in self.text:
            return self.body
        return json.dumps(self.event, ensure_ascii=False).encode()

    def another(self, n):
        """The bytes of a different event of the same form."""
        value = json.dumps(at(self.event, VARIED[self.route]))
        text = self.text.replace(value, f'{value[:-1]}.{n}"', 1)
        assert text != self.text, self.name
        return text.encode()


def load():
    with open(SOURCE_DIR / "tests/data/samples.jsonl", encoding="utf-8") as f:
        return [Sample(json.loads(line)) for line in f]
