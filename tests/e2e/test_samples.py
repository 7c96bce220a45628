"""Real events: what their keys are made of, and all of them together in one process."""
import base64
import hashlib
import json
import random
import re
import unittest

import samples
from case import Answer, Case, client, configuration, event
from daemon import EXAMPLE_SECRETS, SOURCE_DIR, WRAPPER, need_for, run
from test_auth import basic, bearer, standard

FORM = [("Content-Type", "application/x-www-form-urlencoded")]
SAMPLES = samples.load()

# As an EventBridge API destination sends it.
API_DESTINATION = """\
POST /events HTTP/1.1
Host: dedup.example.com
User-Agent: Amazon/EventBridge/ApiDestinations
Content-Type: application/json; charset=utf-8
Range: bytes=0-1048575
Accept-Encoding: gzip,deflate
Connection: close
x-api-key: example-key
Content-Length: %d

"""


def routes_of(port, keys, **options):
    """A route for each keyer, at a path with its name."""
    config = configuration(port, **options)
    route = config["routes"].pop("cxone")
    config["sources"] = {
        name: {"plugin": "webhook", "listener": "public", "path": f"/{name}",
               "content_types": "any"} for name in keys}
    config["routes"] = {name: {**route, "from": name, "key": key} for name, key in keys.items()}
    return config


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def by_genesys(sample):
    taken = {pointer.rsplit("/", 1)[1]: samples.at(sample.event, pointer)
             for pointer in sample.taken}
    lines = [f"field {name}: {compact(value)} from {pointer}"
             for pointer, (name, value) in zip(sample.taken, taken.items())
             if "*" not in pointer]
    if "utteranceId" in taken:
        taken["utteranceIds"] = taken.pop("utteranceId")
        lines += [
            f"field utteranceId: {compact(one)} from /detail/eventBody/transcripts/{n}/utteranceId"
            for n, one in enumerate(taken["utteranceIds"])]
    text = compact(taken)
    return lines, text, taken["topicName"] + "_" + sha256(text), sample.event["detail-type"]


def by_auto(sample):
    id_ = sample.event["id"]
    return [f"field id: {id_} from /id"], id_, id_, sample.event["detail-type"]


def by_cxone(sample):
    taken = {"contactId": "", "entityId": sample.event["data"]["case"]["id"],
             "eventType": sample.event["eventType"], "queueId": "",
             "triggerId": sample.event["eventId"]}
    lines = ['field contactId: "" as default, without /data/contact/id',
             f'field entityId: {compact(taken["entityId"])} from /data/case/id',
             f'field eventType: {compact(taken["eventType"])} from /eventType',
             'field queueId: "" as default, without /data/queueId',
             f'field triggerId: {compact(taken["triggerId"])} from /eventId']
    text = compact(taken)
    return lines, text, sha256(text), taken["triggerId"]


def by_fields(sample):
    names = samples.KEYS[sample.route]["from"]
    if names == ["body"]:
        shown = {"body": hashlib.sha256(sample.line).hexdigest()}
    elif names == [""]:
        shown = {"the document": sample.event}
    else:
        shown = {pointer: samples.at(sample.event, pointer) for pointer in names}
    text = compact(list(shown.values()))
    return [f"field {n}: {compact(v)}" for n, v in shown.items()], text, sha256(text), None


EXPLAINED = {"genesys": by_genesys, "events": by_auto, "digital": by_cxone}


class Explain(Case):
    """`onceway key --explain`: which fields were taken, and the canonical bytes."""

    def test_each_sample(self):
        daemon = self.daemon_of(routes_of(9, samples.KEYS), start=False)
        seen = set()
        for sample in SAMPLES:
            with self.subTest(sample.name):
                fields, canonical, key, label = EXPLAINED.get(
                    sample.route, by_fields)(sample)
                seen.add(sample.route)
                done = run("key", "-c", daemon.config, "-r", sample.route, "--explain",
                           stdin=sample.line)
                first, *lines = done.stdout.decode().splitlines()
                expected = [*fields, f"canonical: {canonical}", f"key: {key}"]
                if label:
                    expected.append(f"label: {label}")
                self.assertEqual(lines, [f"  {line}" for line in expected])
                self.assertTrue(first.endswith(":" + key), first)
        self.assertEqual(seen, set(samples.KEYS))


class ApiDestination(Case):
    """EventBridge's own requests, byte by byte."""

    def ask(self, sample, head=API_DESTINATION):
        body = sample.body
        with client.Connection(self.onceway.port) as c:
            c.send((head % len(body)).replace("\n", "\r\n").encode() + body)
            answer = c.answer()
            self.assertEqual(answer.header("Connection"), "close")
            self.assertTrue(c.is_closed())
        return answer

    def test_request(self):
        crm = self.sink()
        config = routes_of(crm.port, {"events": "genesys"})
        config["sources"]["events"] = {
            "plugin": "webhook", "listener": "public", "path": "/events",
            "auth": {"mode": "header", "header": "X-Api-Key", "secrets": ["example-key"]}}
        self.onceway = self.daemon_of(config)
        sample = next(s for s in SAMPLES if s.name == "genesys customer end")
        status = [json.loads(self.ask(sample).body)["status"] for _ in range(2)]
        self.assertEqual(status, ["success", "duplicate"])
        self.assertEqual(crm.bodies, [sample.body])
        got = crm.requests[0]
        self.assertEqual(got.header("Content-Type"), "application/json; charset=utf-8")
        # What it says of our connection, our answer and itself is nothing to the sink.
        for name in ("Range", "Accept-Encoding", "X-Api-Key"):
            self.assertIsNone(got.header(name), name)
        self.assertNotEqual(got.header("Connection"), "close")
        self.assertAnswer(
            self.ask(sample, API_DESTINATION.replace("example-key", "guessed")), 401)


class Examples(Case):
    """conf/: what stands there works as its comments say."""
    KEY = ("X-Api-Key", EXAMPLE_SECRETS["GATEWAY_KEY"])

    def example(self, name):
        """That file, but for its ports and for where it delivers to."""
        self.crm = self.sink()
        text = (SOURCE_DIR / "conf" / name).read_text()
        text = re.sub(r"\$\{(DOWNSTREAM|LOGIC)_URL:-[^}]*\}", f"http://127.0.0.1:{self.crm.port}", text)
        text = re.sub(r"\$\{(\w+)\}", lambda m: EXAMPLE_SECRETS[m[1]], text)
        text = text.replace("0.0.0.0:8080", "127.0.0.1:0").replace("127.0.0.1:9464", "127.0.0.1:0")
        self.onceway = self.daemon_of({}, start=False)
        need_for(text)
        self.onceway.config.write_text(text)
        self.onceway.start()

    def twice(self, path, body, *headers):
        """The statuses that the two answers to an event and its copy tell."""
        answers = [client.post(self.onceway.port, body, path=path, headers=headers)
                   for _ in range(2)]
        return [json.loads(a.body).get("status", a.status) for a in answers]

    def genesys(self):
        body = next(s for s in SAMPLES if s.name == "genesys transcription live").body
        self.assertEqual(self.twice("/events/genesys", body, self.KEY), ["success", "duplicate"])
        self.assertAnswer(client.post(self.onceway.port, body, path="/events/genesys"), 401)
        # 400 would be the end of it.
        body = body.replace(b'"topicName"', b'"topic"')
        self.assertEqual(self.twice("/events/genesys", body, self.KEY), ["success"] * 2)

    def cognigy(self):
        self.crm.default = Answer(200, b'{"slot":7}')
        body = b'{"dialogId":"d","nodeId":"n","sequence":1}'
        self.assertEqual(self.twice("/webhook/cognigy", body, *FORM), ["success", "cached"])

    def test_cxone(self):
        self.example("cxone.yaml")
        self.assertEqual(self.twice(client.PATH, event(), *FORM), ["routed", "duplicate_discarded"])
        self.crm.default = Answer(422, b'{"why":"closed"}')
        answer = self.post(self.onceway, event("other"))
        self.assertAnswer(answer, 422, '{"why":"closed"}')

    def test_cognigy(self):
        self.example("cognigy.yaml")
        self.cognigy()

    def test_genesys(self):
        self.example("genesys.yaml")
        self.genesys()

    def test_vendors(self):
        self.example("vendors.yaml")
        self.genesys()
        self.cognigy()
        plain = ["delivered", "duplicate"]
        self.assertEqual(self.twice(client.PATH, event(), *FORM), ["routed", "duplicate_discarded"])
        for sample in SAMPLES:
            if sample.route == "events":
                self.assertEqual(self.twice("/events", sample.body, self.KEY), plain)
        body = b'{"type":"contact.created"}'
        headers = standard(base64.b64decode(EXAMPLE_SECRETS["WEBHOOK_SECRET"][6:]), body=body)
        self.assertEqual(self.twice("/webhook/standard", body, *headers), plain)
        ids = (*bearer(EXAMPLE_SECRETS["HOOK_TOKEN"]), ("X-Client-Id", "a"),
               ("Idempotency-Key", "k"))
        self.assertEqual(self.twice("/api/events", b"{}", *ids), plain)
        self.assertAnswer(client.post(
            self.onceway.port, b'{"n":1}', path="/api/events", headers=ids), 422)
        # Another sender's event, though it has the same id.
        sns = next(s for s in SAMPLES if s.route == "sns")
        body = sns.body.replace(sns.event["MessageId"].encode(), b"msg_1")
        text = ("Content-Type", "text/plain; charset=UTF-8")
        self.assertEqual(self.twice(
            "/sns", body, text, *basic("sns:" + EXAMPLE_SECRETS["SNS_PASSWORD"])), plain)


class Stream(Case):
    """All vendors in one process: the services' events, and all samples."""

    KEYS = {**samples.KEYS, "cxone": "cxone", "cognigy": "cognigy",
            "hook": {"plugin": "fields", "from": ["header:webhook-id"], "prefix": "hook:"}}

    @staticmethod
    def own(n):
        """The n-th event of those kinds of which there is no sample."""
        call = {"dialogId": f"dlg-{n}", "nodeId": "node-9", "sequence": n, "variables": None}
        return [("cxone", event(f"trg-{n}", contactId=n), ()),
                ("cognigy", json.dumps(call).encode(), FORM),
                ("hook", b'{"type":"created"}', [("webhook-id", f"msg_{n}")])]

    def unique(self, count):
        out, n = [], 0
        while len(out) < count:
            n += 1
            # Some samples tell of one and the same event: each gets a number of its own.
            out += self.own(n) + [
                (s.route, s.another(f"{i}.{n}"), ()) for i, s in enumerate(SAMPLES)]
        return out[:count]

    def test_a_mixed_stream(self):
        """10,000 events in any order, of which 4,000 are copies: exact counts per route."""
        count = 600 if WRAPPER else 10000
        rng = random.Random(5)
        unique = self.unique(count * 6 // 10)
        self.assertEqual({name for name, _, _ in unique}, set(self.KEYS))
        copies = [rng.choice(unique) for _ in range(count * 4 // 10)]
        stream = unique + copies
        rng.shuffle(stream)
        crm = self.sink()
        onceway = self.daemon_of(routes_of(crm.port, self.KEYS))
        with self.connect(onceway) as connection:
            for name, body, headers in stream:
                connection.post(body, f"/{name}", headers)
                self.assertAnswer(connection.answer(), 200)
        expected = {}
        for outcome, events in (("delivered", unique), ("duplicate", copies)):
            for name, _, _ in events:
                expected[name, outcome] = expected.get((name, outcome), 0) + 1
        counted = {(dict(labels)["route"], dict(labels)["outcome"]): int(value)
                   for (name, labels), value in onceway.metrics().samples.items()
                   if name == "onceway_events_total" and value}
        self.assertEqual(counted, expected)
        self.assertEqual(sorted(crm.bodies), sorted(body for _, body, _ in unique))
        self.assertEqual(len({r.header("Idempotency-Key") for r in crm.requests}), len(unique))


if __name__ == "__main__":
    unittest.main()
