"""The admin address: metrics that add up, health, readiness, status."""
import json
import re
import threading
import time
import unittest

import metrics
from case import Answer, Case, Later, client, event, wait_until

FAMILIES = {
    "onceway_build_info": "gauge",
    "onceway_delivery_seconds": "histogram",
    "onceway_duplicate_age_seconds": "histogram",
    "onceway_duplicates_by_label_total": "counter",
    "onceway_event_seconds": "histogram",
    "onceway_events_total": "counter",
    "onceway_http_accepted_total": "counter",
    "onceway_http_bad_requests_total": "counter",
    "onceway_http_connections": "gauge",
    "onceway_http_refused_total": "counter",
    "onceway_http_requests_total": "counter",
    "onceway_http_timeouts_total": "counter",
    "onceway_inflight": "gauge",
    "onceway_lease_lost_total": "counter",
    "onceway_sink_attempts_total": "counter",
    "onceway_store_errors_total": "counter",
    "onceway_store_keys": "gauge",
    "onceway_store_seconds": "histogram",
    "onceway_waiting": "gauge",
    "process_cpu_seconds_total": "counter",
    "process_max_fds": "gauge",
    "process_open_fds": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
}


class Reader(unittest.TestCase):
    """The reader of the text format must see what is wrong, or it proves nothing."""
    HEAD = "# HELP a_total A.\n# TYPE a_total counter\n"
    HIST = "# HELP h H.\n# TYPE h histogram\n"

    def test_good(self):
        m = metrics.parse(
            self.HEAD + 'a_total{x="q\\"\\\\\\n,}",y=""} 3\na_total{x="b",y="c"} 1e3\n')
        self.assertEqual(m.get("a_total", x='q"\\\n,}', y=""), 3)
        self.assertEqual(m.total("a_total"), 1003)

    def test_bad(self):
        head, hist = self.HEAD, self.HIST
        for text in (
                "", head + "a_total 1", "a_total 1\n", head + "a_total one\n",
                head + "a_total 1\na_total 2\n", head + 'a_total{x="1",x="2"} 1\n',
                head + 'a_total{x="1",} 1\n', head + "a_total{x=1} 1\n",
                head + 'a_total{x="a"b"} 1\n', head + 'a_total{x="\\t"} 1\n',
                head + "a_total -1\n", head + "a_total  1\n", head + head + "a_total 1\n",
                head + "\n", "# TYPE a_total counter\na_total 1\n",
                "# HELP a A.\n# TYPE a counter\na 1\n",
                head + "a_total 1\n# HELP b B.\n# TYPE b gauge\nb 1\n" + 'a_total{x="1"} 2\n',
                hist + 'h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
                hist + 'h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
                hist + 'h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n',
                hist + 'h_bucket{le="+Inf"} 1\nh_count 1\n'):
            with self.subTest(text):
                self.assertRaises(metrics.Malformed, metrics.parse, text)


class Metrics(Case):
    def test_form(self):
        onceway = self.daemon(self.sink())
        self.post(onceway, event('tr\u00e9"\\\n\x00'))
        self.post(onceway, event('tr\u00e9"\\\n\x00'))
        answer = onceway.admin("/metrics")
        self.assertAnswer(answer, 200)
        self.assertEqual(
            answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
        m = metrics.parse(answer.text)
        self.assertLessEqual(FAMILIES.items(), m.types.items())
        self.assertEqual([v for (n, labels), v in m.samples.items()
                          if n == "onceway_duplicates_by_label_total"], [1])
        version = [dict(labels)["version"] for (n, labels), v in m.samples.items()
                   if n == "onceway_build_info"]
        self.assertRegex(version[0], r"^\d+\.\d+\.\d+")

    def test_counters_add_up(self):
        crm = self.sink(
            Answer(200), Answer(500), Answer(200), Answer(400), Answer(act="half"), Answer(200))
        onceway = self.daemon(crm)
        self.post(onceway, event("a"))                 # delivered: 200
        self.post(onceway, event("a"))                 # duplicate
        self.post(onceway, event("a"))                 # duplicate
        self.post(onceway, event("b"))                 # delivered: 500, 200
        self.post(onceway, event("c"))                 # failed: 400
        self.post(onceway, event("d"))                 # delivered: broken, 200
        self.post(onceway, event("d"))                 # duplicate
        self.post(onceway, b"{")                       # invalid
        self.post(onceway, b"{}")                      # missing_key
        self.post(onceway, event(), path="/none")      # no event: 404
        wait_until(lambda: onceway.metrics().get("onceway_store_keys", store="main") == 3, "keys")
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_accepted_total", listener="public") == 10, "connections")
        m = onceway.metrics()
        self.assertEqual(
            {o: m.get("onceway_events_total", route="cxone", outcome=o)
             for o in ("delivered", "duplicate", "invalid", "missing_key", "failed", "rejected")},
            {"delivered": 3, "duplicate": 3, "invalid": 1, "missing_key": 1, "failed": 1,
             "rejected": 0})
        self.assertEqual(m.total("onceway_events_total"), 9)
        self.assertEqual(
            {dict(labels)["code"]: v for (n, labels), v in m.samples.items()
             if n == "onceway_sink_attempts_total"},
            {"200": 3, "500": 1, "400": 1, "broken": 1})
        self.assertEqual(m.total("onceway_delivery_seconds_count", route="cxone"), 6)
        self.assertEqual(m.total("onceway_event_seconds_count", route="cxone"), 9)
        self.assertEqual(m.total("onceway_duplicate_age_seconds_count", route="cxone"), 3)
        for op, count in (("claim", 7), ("commit", 3), ("release", 1), ("renew", 0)):
            self.assertEqual(
                m.get("onceway_store_seconds_count", store="main", op=op), count, op)
        self.assertEqual(
            {dict(labels)["label"]: v for (n, labels), v in m.samples.items()
             if n == "onceway_duplicates_by_label_total"}, {"a": 2, "d": 1})
        self.assertEqual(m.get("onceway_inflight", route="cxone"), 0)
        self.assertEqual(m.get("onceway_store_errors_total", store="main"), 0)
        self.assertEqual(m.get("onceway_http_requests_total", listener="public"), 10)
        self.assertEqual(m.get("onceway_http_bad_requests_total", listener="public"), 0)

    def test_durations_are_durations(self):
        gate = threading.Event()
        onceway = self.daemon(self.sink(Answer(gate=gate)))
        call = Later(self.post, onceway, event())
        wait_until(lambda: onceway.metrics().get("onceway_inflight", route="cxone") == 1, "event")
        threading.Timer(0.5, gate.set).start()
        call.get()
        m = onceway.metrics()
        for name in ("onceway_event_seconds", "onceway_delivery_seconds"):
            self.assertGreaterEqual(m.get(name + "_sum", route="cxone"), 0.4)
            self.assertLess(m.get(name + "_sum", route="cxone"), 60)
            self.assertEqual(m.get(name + "_bucket", route="cxone", le="0.25"), 0)

    def test_labels_are_bounded(self):
        onceway = self.daemon(self.sink())
        with client.Connection(onceway.port) as c:
            for n in range(1300):
                body = event(f"t{n}")
                c.post(body)
                c.post(body)
                c.answer()
                c.answer()
        m = onceway.metrics()
        series = [labels for n, labels in m.samples if n == "onceway_duplicates_by_label_total"]
        self.assertLess(len(series), 1200)
        self.assertEqual(m.total("onceway_duplicates_by_label_total"), 1300)
        self.assertGreater(m.get(
            "onceway_duplicates_by_label_total", route="cxone", label="other"), 0)


class Health(Case):
    def test_healthy(self):
        onceway = self.daemon(self.sink())
        for path in ("/healthz", "/readyz"):
            answer = onceway.admin(path)
            self.assertAnswer(answer, 200, "ok\n")
            head = onceway.admin(path, "HEAD")
            self.assertEqual((head.status, head.body), (200, b""))

    def test_only_reads(self):
        onceway = self.daemon(self.sink())
        for path in ("/metrics", "/healthz", "/readyz", "/status"):
            for method in ("POST", "PUT", "DELETE"):
                answer = onceway.admin(path, method)
                self.assertEqual((answer.status, answer.header("Allow")), (405, "GET, HEAD"))
        self.assertAnswer(onceway.admin("/"), 404)
        self.assertAnswer(onceway.admin(client.PATH), 404)
        # And the public listener knows nothing of it.
        self.assertAnswer(client.ask(onceway.port, "GET", "/metrics"), 404)

    def test_unreachable_sink_comes_back(self):
        crm = self.sink(listening=False)
        onceway = self.daemon(crm, sink={"retry": {"attempts": 1}})
        # The configured sink was never spoken to yet, so nothing is known against it.
        self.assertAnswer(self.post(onceway, event()), 502)
        answer = wait_until(
            lambda: (a := onceway.admin("/readyz")).status == 503 and a, "not ready")
        self.assertRegex(answer.text, rf"^sink crm: .*127\.0\.0\.1:{crm.port}.*refused")
        self.assertEqual(onceway.admin("/healthz").status, 200)
        status = onceway.status()
        self.assertFalse(status["ready"])
        self.assertFalse(status["sinks"]["crm"]["ready"])
        self.assertIn("refused", status["sinks"]["crm"]["why"])
        onceway.wait_log("warning sink crm: not ready: ")
        # No event is needed to find out that it works again.
        crm.listen()
        wait_until(lambda: onceway.admin("/readyz").status == 200, "ready again")
        onceway.wait_log("sink crm: ready again")
        self.assertTrue(onceway.status()["ready"])


class Off(Case):
    def test_there_is_none(self):
        crm = self.sink()
        onceway = self.daemon(crm, onceway={"admin": "off"})
        self.assertIsNone(onceway.admin_port)
        self.assertAnswer(self.post(onceway, event()), 200)
        onceway.stop()  # and ends as ever


class Status(Case):
    def test_status(self):
        gate = threading.Event()
        crm = self.sink(Answer(), Answer(gate=gate))
        onceway = self.daemon(crm, **self.workers(2))
        self.post(onceway, event("a"))
        self.post(onceway, event("a"))
        call = Later(self.post, onceway, event("b"))
        crm.wait(2)
        answer = onceway.admin("/status")
        self.assertEqual(answer.header("Content-Type"), "application/json")
        status = json.loads(answer.body)
        self.assertRegex(status["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(status["config"], str(onceway.config))
        self.assertGreaterEqual(status["uptime_seconds"], 0)
        self.assertEqual(
            {k: status[k] for k in ("workers", "ready", "draining", "routes")},
            {"workers": 2, "ready": True, "draining": False, "routes": {"cxone": {
                "from": "dataaction", "store": "main", "to": "crm", "inflight": 1, "waiting": 0,
                "events": {"delivered": 1, "duplicate": 1, "invalid": 0, "failed": 0,
                           "rejected": 0, "passed": 0, "mismatch": 0, "missing_key": 0,
                           "unknown": 0}}}})
        self.assertEqual(status["stores"]["main"]["plugin"], "memory")
        self.assertEqual(status["sinks"], {"crm": {"plugin": "http", "ready": True}})
        wait_until(lambda: onceway.status()["stores"]["main"]["keys"] == 2, "keys")
        gate.set()
        call.get()


class Log(Case):
    def log_of(self, **log):
        crm = self.sink(Answer(400, b"secret of the sink"))
        onceway = self.daemon(crm, onceway={"log": log}, sink={
            "headers": {"Authorization": "Bearer hunter2"}})
        self.post(onceway, event("a", contactId="+49 170 1234567"), headers=[
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")])
        self.post(onceway, event("a"))
        self.post(onceway, b"{\nforged 2026 error core: line}")
        onceway.stop()
        log = onceway.log()
        for secret in ("hunter2", "secret of the sink", "1234567"):
            self.assertNotIn(secret, log)
        return log.splitlines()

    def test_text(self):
        lines = self.log_of()
        for line in lines:
            self.assertRegex(
                line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error  |warning|info   |debug  ) "
                r"[a-z]+( [\w-]+)?: ")
        failed = [line for line in lines if "failed: " in line]
        self.assertEqual(len(failed), 1)
        self.assertIn("the sink answered 400", failed[0])
        self.assertRegex(failed[0], r" key=cxone:dedup:[0-9a-f]{1,30}\b")
        self.assertIn(" trace=4bf92f3577b34da6a3ce929d0e0e4736", failed[0])

    def test_json(self):
        records = [json.loads(line) for line in self.log_of(format="json")]
        for r in records:
            self.assertLessEqual({"time", "level", "from", "message"}, set(r))
        failed = [r for r in records if r["message"].startswith("failed: ")]
        self.assertEqual(len(failed), 1)
        self.assertEqual((failed[0]["from"], failed[0]["source"]), ("route cxone", "dataaction"))

    def test_level(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        self.post(onceway, event())
        self.assertTrue(re.search(r" debug +route cxone: delivered", onceway.log()))
        quiet = self.daemon(crm, onceway={"log": {"level": "info"}})
        self.post(quiet, event())
        quiet.stop()
        self.assertNotIn("debug", quiet.log())

    def test_a_flood_of_failures_is_not_a_flood_of_lines(self):
        crm = self.sink(default=Answer(400))
        onceway = self.daemon(crm, onceway={"log": {"level": "info"}})
        begun = time.monotonic()
        with client.Connection(onceway.port) as c:
            for n in range(600):
                c.post(event(f"t{n}"))
                c.answer()
        seconds = time.monotonic() - begun
        onceway.stop()
        lines = [line for line in onceway.log().splitlines() if "failed: " in line]
        self.assertGreaterEqual(len(lines), 1)
        self.assertLessEqual(len(lines), 20 * (int(seconds) + 2))


if __name__ == "__main__":
    unittest.main()
