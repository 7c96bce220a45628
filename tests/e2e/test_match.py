"""Several routes on one source: which of them takes an event, by path, headers and body."""
import json
import unittest

from case import Case, client, discarded, event, routed, together
from daemon import SOURCE_DIR, EXAMPLE_SECRETS, configuration, run

DOOR = "/events/"
NO_ROUTE = {"status": "unrouted", "error": "no route takes this event"}


def door(port, routes, **options):
    """One source for all paths below DOOR. routes: name to what it has besides from, store, to."""
    config = configuration(port, **options)
    config["sources"] = {"door": {"plugin": "webhook", "listener": "public", "path": DOOR + "*"}}
    config["routes"] = {name: {"from": "door", "store": "main", "to": "crm", **route}
                        for name, route in routes.items()}
    return config


CALL = {"dialogId": "d", "nodeId": "n", "sequence": 1}
ENVELOPE = {
    "version": "0", "id": "e-1", "detail-type": "v2.detail.events.conversation.{id}.acd.start",
    "source": "aws.partner/genesys.com", "account": "123456789012",
    "time": "2022-04-06T09:30:44Z", "region": "us-east-1", "resources": [],
    "detail": {"topicName": "v2.detail.events.conversation.c-1.acd.start", "version": "2",
               "eventBody": {"eventTime": 1649237444949, "conversationId": "c-1",
                             "participantId": "p-1", "sessionId": "s-1"}, "metadata": {}}}
# By what they are alone, as conf/one-door.yaml has it.
VENDORS = {
    "cxone": {"key": "cxone", "match": {"event": {"triggerId": [{"exists": True}]}}},
    "cognigy": {"key": "cognigy", "match": {"event": {"dialogId": [{"exists": True}]}}},
    "genesys": {"key": "genesys", "match": {"event": {
        "source": [{"prefix": "aws.partner/genesys"}],
        "detail": {"topicName": [{"wildcard": "v2.detail.events.conversation.*.acd.*"}]}}}},
    "urgent": {"key": "auto", "match": {"event": {"priority": [{"numeric": [">=", 8]}]}}},
    "marked": {"key": "auto", "match": {"headers": {"x-vendor": "acme", "x-version": 2}}},
    "placed": {"key": "auto", "match": {"path": [DOOR + "exact", {"prefix": DOOR + "below/"}]}},
}


class MatchCase(Case):
    routes = VENDORS

    def setUp(self):
        self.crm = self.sink()
        self.onceway = self.daemon_of(door(self.crm.port, self.routes))

    def send(self, body, path=DOOR, headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return client.post(self.onceway.port, body, path=path, headers=headers)

    def outcomes(self):
        m = self.onceway.metrics()
        return {(dict(labels)["route"], dict(labels)["outcome"]): int(value)
                for (name, labels), value in m.samples.items()
                if name == "onceway_events_total" and value}

    def unrouted(self):
        return self.onceway.metrics().get("onceway_unrouted_total", source="door")


class OneDoor(MatchCase):
    def test_each_vendor_by_what_it_sends(self):
        self.assertEqual(self.send(event()).text, routed())
        self.assertEqual(self.send(event()).text, discarded())
        self.assertEqual(json.loads(self.send(CALL).body)["status"], "success")
        self.assertEqual(json.loads(self.send(ENVELOPE).body)["status"], "success")
        self.assertEqual(self.send({"id": "1", "priority": 9.5}).status, 200)
        self.assertEqual(self.outcomes(), {
            ("cxone", "delivered"): 1, ("cxone", "duplicate"): 1, ("cognigy", "delivered"): 1,
            ("genesys", "delivered"): 1, ("urgent", "delivered"): 1})
        self.assertEqual(self.unrouted(), 0)

    def test_headers_and_paths(self):
        acme = [("X-Vendor", "acme"), ("X-VERSION", "2")]
        self.assertEqual(self.send({"id": "1"}, headers=acme).status, 200)
        self.assertEqual(self.send({"id": "2"}, headers=acme[:1]).status, 404)
        self.assertEqual(self.send({"id": "3"}, headers=acme[:1] + [("x-version", "20")]).status, 404)
        self.assertEqual(self.send({"id": "4"}, path=DOOR + "exact?x=/y").status, 200)
        self.assertEqual(self.send({"id": "5"}, path=DOOR + "below/a/b").status, 200)
        self.assertEqual(self.send({"id": "6"}, path=DOOR + "exact/").status, 404)
        self.assertEqual(self.outcomes(), {
            ("marked", "delivered"): 1, ("placed", "delivered"): 2})
        self.assertEqual(self.unrouted(), 3)
        self.assertEqual(sorted(json.loads(b)["id"] for b in self.crm.bodies), ["1", "4", "5"])

    def test_the_first_in_the_file_takes_it(self):
        both = {**json.loads(event()), "priority": 9}
        self.assertEqual(self.send(both, path=DOOR + "exact").text, routed())
        self.assertEqual(self.outcomes(), {("cxone", "delivered"): 1})

    def test_what_no_route_takes(self):
        answer = self.send({"id": "1"})
        self.assertEqual((answer.status, json.loads(answer.body)), (404, NO_ROUTE))
        self.assertEqual(answer.header("Content-Type"), "application/json")
        for n in range(200):
            self.assertEqual(self.send({"id": str(n)}).status, 404)
        self.assertEqual(self.unrouted(), 201)
        self.assertEqual(self.outcomes(), {})
        self.assertEqual(self.crm.bodies, [])
        self.assertEqual(self.onceway.metrics().total("onceway_inflight"), 0)
        # Another path is not the source's at all: not counted.
        self.assertEqual(self.send({"id": "1"}, path="/other").status, 404)
        self.assertEqual(self.unrouted(), 201)
        self.onceway.stop()
        lines = [l for l in self.onceway.log().splitlines() if "no route takes" in l]
        self.assertIn("source door: unrouted: no route takes this event", lines[0])
        self.assertLess(len(lines), 100)

    def test_a_body_that_is_not_json(self):
        # The first that could take it by path and headers answers as its vendor expects.
        answer = self.send(b'{"triggerId"')
        self.assertEqual(answer.status, 422)
        self.assertEqual(json.loads(answer.body)["detail"][0]["type"], "json_invalid")
        self.assertEqual(self.send(b"\xff").status, 400)
        self.assertEqual(self.outcomes(), {("cxone", "invalid"): 2})
        self.assertEqual(self.unrouted(), 0)

    def test_many_at_once(self):
        """A mixed stream: each event on its own route, whatever runs beside it."""
        bodies = []
        for n in range(50):
            bodies += [event(trigger=f"t-{n}"), json.dumps({**CALL, "sequence": n}).encode(),
                       json.dumps({"id": f"u-{n}", "priority": 8 + n}).encode(),
                       json.dumps({"id": f"x-{n}", "priority": n % 8}).encode()]
        answers = together(self.send, bodies)
        self.assertEqual([a.status for a in answers], [200, 200, 200, 404] * 50)
        self.assertEqual(self.outcomes(), {
            ("cxone", "delivered"): 50, ("cognigy", "delivered"): 50,
            ("urgent", "delivered"): 50})
        self.assertEqual(self.unrouted(), 50)


class TheRest(MatchCase):
    routes = {
        "strict": {"key": "cognigy", "match": {"path": DOOR + "a", "event": {"dialogId": ["d"]}}},
        "rest": {"key": "auto"}}

    def test_one_without_match_takes_it(self):
        self.assertEqual(json.loads(self.send(CALL, path=DOOR + "a").body)["status"], "success")
        self.assertEqual(self.send({**CALL, "dialogId": "x", "id": "1"}, path=DOOR + "a").status, 200)
        self.assertEqual(self.send({"id": "2"}).status, 200)
        # It looks at no field, so that what is not JSON is its to judge.
        self.assertEqual(self.send(b"{", path=DOOR + "a").status, 400)
        self.assertEqual(self.outcomes(), {
            ("strict", "delivered"): 1, ("rest", "delivered"): 2, ("rest", "invalid"): 1})
        self.assertEqual(self.unrouted(), 0)


class Workers(Case):
    def test_each_worker_matches(self):
        crm = self.sink()
        options = self.workers(2)
        onceway = self.daemon_of(door(crm.port, VENDORS, **options))
        for n in range(40):
            answer = client.post(onceway.port, event(trigger=f"t-{n}"), path=DOOR)
            self.assertEqual(answer.status, 200)
            self.assertEqual(client.post(onceway.port, b'{"id":"1"}', path=DOOR).status, 404)
        m = onceway.metrics()
        self.assertEqual(
            m.get("onceway_events_total", route="cxone", outcome="delivered"), 40)
        self.assertEqual(m.get("onceway_unrouted_total", source="door"), 40)


class KeyCommand(Case):
    """`onceway key` finds the route as the daemon does."""

    def key(self, lines, *arguments, status=0, config=None):
        daemon = self.daemon_of(config or door(1, VENDORS), start=False)
        done = run("key", "-c", daemon.config, *arguments,
                   stdin=b"".join(json.dumps(l).encode() + b"\n" for l in lines))
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode().splitlines()

    def test_by_event(self):
        lines = [json.loads(event()), CALL, {"id": "1", "priority": 9}, {"id": "1"}]
        out = self.key(lines, status=1)
        self.assertRegex(out[0], r"\Acxone:dedup:[0-9a-f]{64}\Z")
        self.assertRegex(out[1], r"\Acognigy:fp:[0-9a-f]{64}\Z")
        self.assertEqual(out[2:], ["event:1", "error: no route takes this event"])

    def test_by_path_and_header(self):
        self.assertEqual(self.key([{"id": "1"}], "--path", DOOR + "exact"), ["event:1"])
        self.assertEqual(
            self.key([{"id": "1"}], "--header", "X-Vendor: acme", "--header=x-version:2",
                     "--explain")[:2], ["event:1", "  route: marked"])
        self.key([{"id": "1"}], "--header", "X-Vendor: acme", status=1)

    def test_a_route_that_was_named(self):
        out = self.key([{"id": "1"}], "-r", "urgent", "--explain")
        self.assertEqual(out[:2], ["event:1", "  route: urgent, but none takes this event"])
        out = self.key([{**CALL, "id": "1"}], "-r", "urgent", "--explain")
        self.assertEqual(
            out[:2], ["event:1", "  route: urgent, but route cognigy takes this event"])

    def test_a_key_from_headers(self):
        config = door(1, {"standard": {"key": {"plugin": "fields", "from": ["header:webhook-id"]}}})
        out = self.key([{}], "--header", "Webhook-Id: msg_1", "--explain", config=config)
        self.assertIn("msg_1", "\n".join(out[1:]))
        self.assertNotIn("  route: standard", out)
        self.key([{}], config=config, status=1)

    def test_malformed_headers(self):
        for header in ("X-Vendor", ": x", "X Y: z", "X: a\nb"):
            done = run("key", "-c", "/dev/null", "--header", header)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"--header must be of the form 'Name: value'", done.stderr)
        many = [word for n in range(65) for word in ("--header", f"h{n}: x")]
        done = run("key", "-c", "/dev/null", *many)
        self.assertEqual((done.returncode, done.stderr), (
            2, b"onceway: too many --header; see `onceway --help`\n"))


class Example(Case):
    """conf/one-door.yaml, with the samples of its comments."""

    def test_routes(self):
        file = SOURCE_DIR / "conf/one-door.yaml"
        lines = {"cxone": json.loads(event()), "cognigy": CALL, "genesys": ENVELOPE,
                 "events": {**ENVELOPE, "source": "acme.crm"}}
        for name, line in lines.items():
            with self.subTest(name):
                done = run("key", "-c", file, "--explain", "--path", "/events/any",
                           stdin=json.dumps(line).encode(), **EXAMPLE_SECRETS)
                self.assertEqual(done.returncode, 0, done)
                self.assertIn(f"  route: {name}", done.stdout.decode().splitlines())


if __name__ == "__main__":
    unittest.main()
