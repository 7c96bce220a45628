"""`mode: lambda`: the daemon as a function of AWS Lambda."""
import json
import signal
import threading
import unittest

from case import Answer, Case
from lambda_api import LambdaApi
from redis_server import Server
from samples import acd_start, created


def configuration(sink_port, onceway=(), source=(), store=(), sink=(), route=()):
    """A function as contrib/lambda has it, but for an admin address to look at."""
    return {
        "onceway": {"admin": "127.0.0.1:0", "log": {"level": "debug"}, **dict(onceway)},
        "sources": {"eventbridge": {"plugin": "eventbridge", "mode": "lambda", **dict(source)}},
        "stores": {"main": dict(store) or {"plugin": "memory"}},
        "sinks": {"crm": {"plugin": "http", "url": f"http://127.0.0.1:{sink_port}/events",
                          "retry": {"attempts": 2, "base": "5ms"}, **dict(sink)}},
        "routes": {"genesys": {"from": "eventbridge", "key": "genesys", "store": "main",
                               "to": "crm", **dict(route)}},
    }


def body_of(answer):
    """The status and the JSON document of a function that stands behind HTTP."""
    return answer["statusCode"], json.loads(answer["body"])


class LambdaCase(Case):
    def setUp(self):
        self.crm = self.sink()
        self.api = self.runtime_api()

    def runtime_api(self):
        api = LambdaApi()
        self.sinks.append(api)
        self.addCleanup(lambda: self.assertEqual(api.faults, []))
        return api

    def function(self, api=None, start=True, **options):
        onceway = self.daemon_of(configuration(self.crm.port, **options), start=False)
        onceway.env = (api or self.api).environment
        return onceway.start() if start else onceway


class Answers(LambdaCase):
    def test_success_and_duplicate(self):
        """The tutorial's status bodies; written as compactly as over HTTP."""
        onceway = self.function()
        first = self.api.invoke(created()).wait()
        self.assertEqual(first.request.body, (
            b'{"statusCode":200,"body":"{\\"status\\":\\"success\\",\\"processed_event_id\\":'
            b'\\"evt-1\\",\\"conversation_id\\":\\"conv-1\\"}"}'))
        second = self.api.invoke(created(number=2)).wait()
        self.assertEqual(second.request.body, (
            b'{"statusCode":200,"body":"{\\"status\\":\\"duplicate\\",\\"key\\":'
            b'\\"routing:conversation:created_conv-1\\"}"}'))
        self.assertEqual(self.crm.bodies, [created()])
        # As the tutorial's function returns it: no conversation is null.
        self.assertEqual(body_of(self.api.invoke(created(None, number=3)).answer), (200, {
            "status": "success", "processed_event_id": "evt-3", "conversation_id": None}))
        self.assertEqual(onceway.metrics().get(
            "onceway_events_total", route="genesys", outcome="duplicate"), 1)

    def test_many_one_after_another(self):
        self.function()
        invocations = [self.api.invoke(acd_start(n)) for n in range(200)]
        for i in invocations:
            self.assertEqual(body_of(i.answer)[1]["status"], "success")
        self.assertEqual(self.crm.bodies, [acd_start(n) for n in range(200)])
        # One connection to the Runtime API, and one to the sink.
        self.assertEqual((self.api.accepted, self.crm.accepted), (1, 1))

    def test_invalid(self):
        """As the tutorial: answered, so that Lambda does not repeat it."""
        onceway = self.function()
        whole = json.loads(created())
        bad = [json.dumps({k: v for k, v in whole.items() if k != name}).encode()
               for name in whole]
        bad += [b"[]", b"7", b"{", b"\xff", created().replace(b'"eventType"', b'"type"')]
        for body in bad:
            with self.subTest(body):
                answered = self.api.invoke(body).wait()
                self.assertEqual(
                    (answered.kind, answered.request.body), ("response", (
                        b'{"statusCode":400,'
                        b'"body":"{\\"error\\":\\"Invalid event structure\\"}"}')))
        self.assertEqual(self.crm.requests, [])
        for name in whole:
            self.assertIn(f"no whole envelope: {name} is missing", onceway.log())

    def test_invalid_may_fail(self):
        self.function(source={"invalid": "fail"})
        self.assertEqual(
            self.api.invoke(b"{}").error, ("Onceway.Invalid", "version is missing"))
        kind, message = self.api.invoke(b"{").error
        self.assertEqual(kind, "Onceway.Invalid")
        self.assertIn("not valid JSON", message)

    def test_a_failure_is_repeated_by_lambda(self):
        self.crm.default = Answer(500, b"no")
        self.function()
        kind, message = self.api.invoke(acd_start()).error
        self.assertEqual(kind, "Onceway.Failed")
        self.assertNotIn("127.0.0.1", message)
        self.assertEqual(len(self.crm.requests), 2)  # its own attempts come first
        self.crm.default = Answer(200)
        again = self.api.invoke(acd_start())
        self.assertEqual(body_of(again.answer)[1]["status"], "success")
        self.assertEqual(len(self.crm.requests), 3)

    def test_what_no_route_takes_is_not_swallowed(self):
        self.function(route={"match": {"event": {"source": ["aws.s3"]}}})
        self.assertEqual(self.api.invoke(acd_start()).error[0], "Onceway.Unrouted")

    def test_the_sinks_own_answer(self):
        self.crm.default = Answer(200, b"\xff\xfe", [("Content-Type", "application/x")])
        self.function(route={"respond": "sink"})
        self.assertEqual(self.api.invoke(acd_start()).answer, {
            "statusCode": 200, "body": "//4=", "isBase64Encoded": True})

    def test_replays(self):
        replay = json.dumps({**json.loads(acd_start()), "replay-name": "again"}).encode()
        self.function(source={"replays": "pass"})
        self.api.invoke(acd_start()).wait()
        for _ in range(2):
            self.assertEqual(body_of(self.api.invoke(replay).answer)[1]["status"], "success")
        self.assertEqual(
            body_of(self.api.invoke(acd_start()).answer)[1]["status"], "duplicate")
        self.assertEqual(self.crm.bodies, [acd_start(), replay, replay])
        self.assertIsNone(self.crm.requests[1].header("Idempotency-Key"))


class Context(LambdaCase):
    def test_the_deadline_is_the_invocations(self):
        """Lambda hears of it in time, and not when the route would have given up."""
        self.crm.default = Answer(act="hang")
        self.function(route={"deadline": "1h", "lock": "2h"},
                      sink={"timeout": {"total": "30m"}}, source={"deadline_margin": "5s"})
        invocation = self.api.invoke(acd_start(), seconds=6)
        kind, _ = invocation.error
        self.assertEqual(kind, "Onceway.Failed")
        self.assertLess(invocation.request.wall * 1000, invocation.deadline_ms)

    def test_an_invocation_that_comes_too_late_is_not_tried(self):
        self.function()
        self.assertEqual(self.api.invoke(acd_start(), seconds=-1).wait().kind, "error")
        self.assertEqual(body_of(self.api.invoke(acd_start()).answer)[0], 200)
        self.assertEqual(len(self.crm.requests), 1)

    def test_the_trace_goes_on(self):
        self.function()
        self.api.invoke(acd_start()).wait()
        self.assertRegex(self.crm.requests[0].header("traceparent"),
                         "^00-5759e988bd862e3fe1be46a994272793-[0-9a-f]{16}-01$")

    def test_routes_see_the_request(self):
        self.function(route={"match": {"headers": {"x-amzn-trace-id": {"prefix": "Root="}}}})
        self.assertEqual(body_of(self.api.invoke(acd_start()).answer)[0], 200)


class Freezing(LambdaCase):
    def test_connections_are_dead_after_a_thaw(self):
        onceway = self.function()
        for n in range(5):
            self.assertEqual(body_of(self.api.invoke(acd_start(n)).answer)[0], 200)
            self.api.wait_asked(n + 2)
            onceway.signal(signal.SIGSTOP)
            self.crm.close_connections()
            onceway.signal(signal.SIGCONT)
        self.assertEqual(self.crm.bodies, [acd_start(n) for n in range(5)])

    def test_the_store_hung_up_meanwhile(self):
        redis = Server()
        self.addCleanup(redis.close)
        onceway = self.function(store={"plugin": "redis", "url": redis.url})
        for n in range(10):
            self.assertEqual(body_of(self.api.invoke(acd_start(n)).answer)[0], 200)
            self.api.wait_asked(n + 2)
            onceway.signal(signal.SIGSTOP)
            redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            invocation = self.api.invoke(acd_start(n))
            onceway.signal(signal.SIGCONT)
            self.assertEqual(body_of(invocation.answer)[1]["status"], "duplicate")
            self.api.wait_asked(n + 3)

    def test_nothing_is_left_to_do_when_it_is_answered(self):
        """Lambda may never let it go on: what was answered must be known to the store."""
        redis = Server()
        self.addCleanup(redis.close)
        store = {"plugin": "redis", "url": redis.url}
        onceway = self.function(store=store)
        for n in range(5):
            onceway.signal(signal.SIGCONT)
            self.api.invoke(acd_start(n)).wait()
            onceway.signal(signal.SIGSTOP)
        onceway.kill()
        self.api.forget()
        # Another environment of the same function.
        other = self.runtime_api()
        self.function(other, store=store)
        for n in range(5):
            self.assertEqual(
                body_of(other.invoke(acd_start(n)).answer)[1]["status"], "duplicate")
        self.assertEqual(self.crm.bodies, [acd_start(n) for n in range(5)])


class Life(LambdaCase):
    def test_sigterm_between_invocations(self):
        onceway = self.function(onceway={"admin": "off"})
        self.api.wait_asked()
        onceway.stop()
        self.assertEqual(self.api.asked, 1)

    def test_sigterm_during_one(self):
        gate = threading.Event()
        self.crm.default = Answer(200, gate=gate)
        onceway = self.function()
        invocation = self.api.invoke(acd_start())
        self.crm.wait(1)
        onceway.signal()
        onceway.wait_log("draining")
        self.assertIsNone(invocation.kind)
        gate.set()
        self.assertEqual(body_of(invocation.answer)[0], 200)
        onceway.check_ended()
        self.assertEqual(self.api.asked, 1)

    def test_the_runtime_api_goes_away(self):
        onceway = self.function()
        self.api.wait_asked()
        self.api.gone = True
        onceway.wait_log("the Runtime API cannot be asked: GET /2018-06-01/runtime/invocation/")
        self.api.gone = False
        self.assertEqual(body_of(self.api.invoke(acd_start()).answer)[0], 200)

    def test_it_goes_away_before_the_answer(self):
        gate = threading.Event()
        self.crm.default = Answer(200, gate=gate)
        onceway = self.function()
        invocation = self.api.invoke(acd_start())
        self.crm.wait(1)
        self.api.gone = True
        gate.set()
        onceway.wait_log("cannot be asked: POST /2018-06-01/runtime/invocation/.*/response")
        self.api.gone = False
        self.assertEqual(body_of(invocation.answer)[0], 200)
        self.assertEqual(len(self.crm.requests), 1)

    def test_nobody_is_there(self):
        onceway = self.function(start=False)
        onceway.env = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}
        onceway.start()
        onceway.wait_log("the Runtime API cannot be asked: .*refused")
        onceway.stop()

    def test_the_end_of_the_environment(self):
        onceway = self.function()
        self.api.wait_asked()
        self.api.broken = True
        invocation = self.api.invoke(acd_start())
        onceway.check_ended()
        self.assertIn("this environment is at its end", onceway.log())
        self.assertIsNone(invocation.kind)

    def test_several_workers_ask_but_once(self):
        onceway = self.function(onceway={"workers": 3})
        for n in range(20):
            self.assertEqual(body_of(self.api.invoke(acd_start(n)).answer)[0], 200)
        self.assertEqual(onceway.log().count("set `onceway: {workers: 1}`"), 2)

    def test_a_start_that_fails_is_reported(self):
        onceway = self.function(start=False)
        damaged = onceway.directory / "keys"
        damaged.write_text("not a checkpoint")
        config = configuration(
            self.crm.port, store={"plugin": "memory", "checkpoint": str(damaged)})
        onceway.config.write_text(json.dumps(config))
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertEqual(len(self.api.init_errors), 1)
        said = json.loads(self.api.init_errors[0].body)
        self.assertEqual(said["errorType"], "Onceway.StartFailed")
        self.assertIn("store main: ", said["errorMessage"])
        self.assertIn(str(damaged), said["errorMessage"])
        self.assertEqual(self.api.asked, 0)

    def test_outside_of_lambda(self):
        onceway = self.function(start=False)
        onceway.env = {}
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertIn("source eventbridge: AWS_LAMBDA_RUNTIME_API is not set", onceway.log())


if __name__ == "__main__":
    unittest.main()
