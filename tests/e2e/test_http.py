"""The listener as a hostile or clumsy client sees it."""
import json
import threading
import time
import unittest

from case import (
    Answer, Case, Later, client, configuration, discarded, event, routed, wait_until)

BODY = event()
HEAD = b"POST " + client.PATH.encode() + b" HTTP/1.1\r\n"
HOST = b"Host: onceway.test\r\n"
TYPE = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
# What an attacker hides behind a request whose end two parsers see in two places.
HIDDEN = b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (
    client.PATH.encode(), len(event("hidden")), event("hidden"))

# name -> (bytes, statuses that may answer them)
REFUSED = {
    "both lengths": (HEAD + HOST + LENGTH + CHUNKED + b"\r\n" + CHUNKS, {400}),
    "both lengths, other order": (HEAD + HOST + CHUNKED + LENGTH + b"\r\n" + CHUNKS, {400}),
    "two lengths": (HEAD + HOST + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, {400}),
    "equal lengths twice": (HEAD + HOST + LENGTH + LENGTH + b"\r\n" + BODY, {400}),
    "list of lengths": (HEAD + HOST + b"Content-Length: 5, 5\r\n\r\n" + BODY, {400}),
    "length +7": (HEAD + HOST + b"Content-Length: +7\r\n\r\n" + BODY, {400}),
    "length -1": (HEAD + HOST + b"Content-Length: -1\r\n\r\n" + BODY, {400}),
    "length 0x10": (HEAD + HOST + b"Content-Length: 0x10\r\n\r\n" + BODY, {400}),
    "length of 30 digits": (HEAD + HOST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", {400, 413}),
    "empty length": (HEAD + HOST + b"Content-Length:\r\n\r\n" + BODY, {400}),
    "xchunked": (HEAD + HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS, {400, 501}),
    "chunked twice": (HEAD + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
                      {400, 501}),
    "chunked, identity": (HEAD + HOST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
                          {400, 501}),
    "chunked with a tab": (HEAD + HOST + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + CHUNKS,
                           {400, 501}),
    "space before the colon": (HEAD + HOST + b"Content-Length : 5\r\n\r\n" + BODY, {400}),
    "folded line": (HEAD + HOST + LENGTH + b"X: a\r\n b\r\n\r\n" + BODY, {400}),
    "first line folded": (HEAD + b" X: y\r\n" + HOST + LENGTH + b"\r\n" + BODY, {400}),
    "bare LF": (HEAD.replace(b"\r\n", b"\n") + HOST + LENGTH + b"\r\n" + BODY, {400}),
    "bare LFs": (b"GET / HTTP/1.1\nHost: h\n\n", {400}),
    "bare CR": (HEAD + HOST + b"X: a\rContent-Length: 0\r\n" + LENGTH + b"\r\n" + BODY, {400}),
    "NUL": (HEAD + HOST + b"X: a\x00b\r\n" + LENGTH + b"\r\n" + BODY, {400}),
    "no host": (HEAD + LENGTH + b"\r\n" + BODY, {400}),
    "two hosts": (HEAD + HOST + b"Host: other\r\n" + LENGTH + b"\r\n" + BODY, {400}),
    "field without colon": (HEAD + HOST + b"nonsense\r\n" + LENGTH + b"\r\n" + BODY, {400}),
    "field without name": (HEAD + HOST + b": x\r\n" + LENGTH + b"\r\n" + BODY, {400}),
    "two spaces": (HEAD.replace(b" HTTP", b"  HTTP") + HOST + LENGTH + b"\r\n" + BODY, {400}),
    "space in the target": (b"POST /a b HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY, {400}),
    "HTTP/2.0": (HEAD.replace(b"1.1", b"2.0") + HOST + LENGTH + b"\r\n" + BODY, {400, 505}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {400, 505}),
    "lower-case version": (HEAD.replace(b"HTTP", b"http") + HOST + b"\r\n", {400, 505}),
    "TLS instead": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "chunk size with sign": (HEAD + HOST + CHUNKED + b"\r\n+5\r\nabcde\r\n0\r\n\r\n", {400}),
    "chunk size with 0x": (HEAD + HOST + CHUNKED + b"\r\n0x5\r\nabcde\r\n0\r\n\r\n", {400}),
    "chunk size too large": (HEAD + HOST + CHUNKED + b"\r\nfffffffffffffffff\r\n", {400, 413}),
    "empty chunk size": (HEAD + HOST + CHUNKED + b"\r\n\r\nabc\r\n0\r\n\r\n", {400}),
    "chunk without CRLF": (HEAD + HOST + CHUNKED + b"\r\n5\r\nabcdeX\r\n0\r\n\r\n", {400}),
    "chunk ended by LF": (HEAD + HOST + CHUNKED + b"\r\n5\nabcde\r\n0\r\n\r\n", {400}),
    "trailer folded": (HEAD + HOST + CHUNKED + b"\r\n0\r\nX: a\r\n b\r\n\r\n", {400}),
}


class Smuggling(Case):
    def test_refused_and_closed(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        for name, (data, statuses) in REFUSED.items():
            with self.subTest(name):
                with self.connect(onceway) as c:
                    c.send(data + HIDDEN)
                    answer = c.answer()
                    self.assertIn(answer.status, statuses, answer)
                    # Whatever comes behind it is nobody's request.
                    self.assertEqual(answer.header("Connection"), "close")
                    self.assertTrue(c.is_closed())
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(crm.bodies, [event()])
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_bad_requests_total", listener="public") == len(REFUSED),
            "the count of bad requests")


class Limits(Case):
    def test_slow_head(self):
        onceway = self.daemon(self.sink(), listener={"header_timeout": "300ms"})
        slow = self.connect(onceway)
        begun = time.monotonic()
        slow.send(HEAD)
        # Another client is not held up meanwhile.
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertAnswer(slow.answer(), 408)
        self.assertGreaterEqual(time.monotonic() - begun, 0.29)
        self.assertTrue(slow.is_closed())

    def test_head_a_byte_at_a_time(self):
        # The limit is for the whole head: progress does not extend it.
        onceway = self.daemon(self.sink(), listener={"header_timeout": "1s"})
        slow = self.connect(onceway)
        data = HEAD + HOST + LENGTH + b"X: " + b"y" * 10000
        sent = 0
        try:
            for sent in range(len(data)):
                slow.send(data[sent:sent + 1])
                time.sleep(0.02)
        except OSError:
            pass
        self.assertLess(sent, len(data) - 1)

    def test_slow_body(self):
        onceway = self.daemon(self.sink(), listener={"body_timeout": "300ms"})
        slow = self.connect(onceway)
        slow.send(HEAD + HOST + LENGTH + b"\r\n" + BODY[:10])
        self.assertAnswer(slow.answer(), 408)
        self.assertTrue(slow.is_closed())

    def test_idle_connections_are_closed_silently(self):
        onceway = self.daemon(self.sink(), listener={"idle_timeout": "300ms"})
        used, unused = self.connect(onceway), self.connect(onceway)
        used.post(event())
        self.assertAnswer(used.answer(), 200, routed())
        self.assertTrue(used.is_closed())
        self.assertTrue(unused.is_closed())

    def test_waiting_for_the_sink_is_not_idle(self):
        gate = threading.Event()
        onceway = self.daemon(self.sink(Answer(gate=gate)), listener={
            "idle_timeout": "200ms", "header_timeout": "200ms", "body_timeout": "200ms"})
        c = self.connect(onceway)
        c.post(event())
        time.sleep(0.6)
        gate.set()
        self.assertAnswer(c.answer(), 200, routed())

    def test_large_body(self):
        onceway = self.daemon(self.sink(), listener={"max_body": "1KiB"})
        fits = event("x" * 700) + b" " * 100
        fits += b" " * (1024 - len(fits))
        self.assertAnswer(self.post(onceway, fits), 200)
        for name, data in {
                "said": HEAD + HOST + b"Content-Length: 1025\r\n\r\n",
                "said, and sent": HEAD + HOST + b"Content-Length: 1025\r\n\r\n" + b"x" * 1025,
                "in one chunk": HEAD + HOST + CHUNKED + b"\r\n401\r\n" + b"x" * 1025,
                "in many chunks": HEAD + HOST + CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 1025,
        }.items():
            with self.subTest(name):
                with self.connect(onceway) as c:
                    c.send(data)
                    answer = c.answer()
                    self.assertAnswer(answer, 413)
                    self.assertTrue(c.is_closed())
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_answer_survives_a_client_that_goes_on_sending(self):
        onceway = self.daemon(self.sink())
        c = self.connect(onceway)
        c.send(HEAD + HOST + b"Content-Length: 2000000\r\n\r\n" + b"x" * 200000)
        self.assertAnswer(c.answer(), 413)

    def test_large_head(self):
        onceway = self.daemon(self.sink(), listener={"max_headers": "1KiB"})
        for name, data, status in (
                ("one field", HEAD + HOST + b"X: " + b"y" * 2000 + b"\r\n\r\n", 431),
                ("many fields", HEAD + HOST + b"X: y\r\n" * 500 + b"\r\n", 431),
                ("without end", HEAD + HOST + b"X: " + b"y" * 2000, 431),
                ("target", b"POST /" + b"y" * 2000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414)):
            with self.subTest(name):
                with self.connect(onceway) as c:
                    c.send(data)
                    self.assertAnswer(c.answer(), status)
                    self.assertTrue(c.is_closed())

    def test_many_small_fields(self):
        onceway = self.daemon(self.sink())
        with self.connect(onceway) as c:
            c.send(HEAD + HOST + b"a:\r\n" * 3000 + b"\r\n")
            self.assertAnswer(c.answer(), 431)

    def test_too_many_connections(self):
        onceway = self.daemon(self.sink(), listener={"max_connections": 3})
        held = [self.connect(onceway) for _ in range(3)]
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_connections", listener="public") == 3, "three connections")
        with self.connect(onceway) as c:
            answer = c.answer()
            self.assertAnswer(answer, 503)
            self.assertIsNotNone(answer.header("Retry-After"))
            self.assertTrue(c.is_closed())
        held[0].close()

        def accepted():
            try:
                return self.post(onceway, event()).status == 200
            except (client.Closed, OSError):
                return False
        wait_until(accepted, "room for a connection")


class Connections(Case):
    def test_keep_alive(self):
        onceway = self.daemon(self.sink())
        c = self.connect(onceway)
        c.post(event())
        self.assertAnswer(c.answer(), 200, routed())
        for _ in range(20):
            c.post(event())
            self.assertAnswer(c.answer(), 200, discarded())
        c.send(client.request_bytes("GET", "/none"))
        self.assertAnswer(c.answer(), 404)
        c.post(b"nonsense")
        self.assertAnswer(c.answer(), 422)
        c.post(event(), headers=[("Connection", "close")])
        answer = c.answer()
        self.assertAnswer(answer, 200, discarded())
        self.assertEqual(answer.header("Connection"), "close")
        self.assertTrue(c.is_closed())

    def test_pipelined_answers_come_in_order(self):
        gate = threading.Event()
        slow = Answer(gate=gate)
        crm = self.sink(choose=lambda r: slow if b'"t0"' in r.body else Answer())
        onceway = self.daemon(crm)
        c = self.connect(onceway)
        # The first one waits for the sink; those behind it are done before it.
        c.send(b"".join([
            client.request_bytes("POST", client.PATH, event("t0")),
            client.request_bytes("GET", "/none"),
            client.request_bytes("POST", client.PATH, b"{"),
            client.request_bytes("POST", client.PATH, event("t1")),
            client.request_bytes("PUT", client.PATH, b"x" * 100)]))
        crm.wait(2)
        self.assertTrue(c.is_silent(0.2))
        gate.set()
        answers = [c.answer() for _ in range(5)]
        self.assertEqual([a.status for a in answers], [200, 404, 422, 200, 405])
        self.assertEqual((answers[0].text, answers[3].text), (routed("t0"), routed("t1")))

    def test_many_pipelined(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        c = self.connect(onceway)
        sender = Later(c.send, b"".join(
            client.request_bytes("POST", client.PATH, event(f"t{n}")) for n in range(500)))
        for n in range(500):
            self.assertAnswer(c.answer(), 200, routed(f"t{n}"))
        sender.get()
        self.assertEqual(len(crm.requests), 500)

    def test_expect_continue(self):
        onceway = self.daemon(self.sink(), listener={"max_body": "1KiB"})
        c = self.connect(onceway)
        c.send(HEAD + HOST + TYPE + LENGTH + b"Expect: 100-continue\r\n\r\n")
        self.assertEqual(c.answer().status, 100)
        c.send(BODY)
        self.assertAnswer(c.answer(), 200, routed())
        # Refused before the body is sent: no 100, and the body is not waited for.
        c.send(HEAD + HOST + b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
        self.assertAnswer(c.answer(), 413)
        self.assertTrue(c.is_closed())
        with self.connect(onceway) as c:
            c.send(HEAD + HOST + LENGTH + b"Expect: miracles\r\n\r\n")
            self.assertAnswer(c.answer(), 417)

    def test_chunked_body(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        c = self.connect(onceway)
        pieces = [BODY[i:i + 7] for i in range(0, len(BODY), 7)]
        chunks = b"".join(b"%X;name=\"v\"\r\n%s\r\n" % (len(p), p) for p in pieces)
        c.send(HEAD + HOST + TYPE + CHUNKED + b"\r\n" + chunks + b"000\r\nTrailer: x\r\n\r\n")
        self.assertAnswer(c.answer(), 200, routed())
        # The sink gets the body with its length, not the vendor's chunks.
        self.assertEqual(crm.bodies, [BODY])
        self.assertEqual(crm.requests[0].all_headers("Transfer-Encoding"), [])
        c.post(event())
        self.assertAnswer(c.answer(), 200, discarded())

    def test_a_byte_at_a_time(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        c = self.connect(onceway)
        for data in (HEAD + HOST + TYPE + LENGTH + b"\r\n" + BODY,
                     HEAD + HOST + TYPE + CHUNKED + b"\r\n" + CHUNKS):
            for i in range(len(data)):
                c.send(data[i:i + 1])
            self.assertAnswer(c.answer(), 200)
        self.assertEqual(crm.bodies, [BODY])

    def test_http_1_0(self):
        onceway = self.daemon(self.sink())
        old = HEAD.replace(b"1.1", b"1.0")
        with self.connect(onceway) as c:
            c.send(old + LENGTH + b"\r\n" + BODY)
            self.assertAnswer(c.answer(), 200, routed())
            self.assertTrue(c.is_closed())
        with self.connect(onceway) as c:
            c.send(old + b"Connection: keep-alive\r\n" + LENGTH + b"\r\n" + BODY)
            answer = c.answer()
            self.assertAnswer(answer, 200, discarded())
            if answer.header("Connection") == "keep-alive":
                c.send(old + LENGTH + b"\r\n" + BODY)
                self.assertAnswer(c.answer(), 200, discarded())
            self.assertTrue(c.is_closed())

    def test_absolute_target_and_empty_lines(self):
        onceway = self.daemon(self.sink())
        c = self.connect(onceway)
        c.send(b"\r\n" + HEAD.replace(b" /", b" http://onceway.test/") + HOST + LENGTH + b"\r\n" + BODY)
        self.assertAnswer(c.answer(), 200, routed())

    def test_half_closed_client_gets_its_answer(self):
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate))
        onceway = self.daemon(crm)
        c = self.connect(onceway)
        c.post(event())
        c.half_close()
        crm.wait(1)
        gate.set()
        self.assertAnswer(c.answer(), 200, routed())
        self.assertTrue(c.is_closed())

    def test_client_that_does_not_wait(self):
        for end in ("close", "reset"):
            with self.subTest(end):
                gate = threading.Event()
                crm = self.sink(Answer(gate=gate))
                onceway = self.daemon(crm)
                c = self.connect(onceway)
                c.post(event())
                crm.wait(1)
                getattr(c, end)()
                gate.set()
                wait_until(lambda: onceway.metrics().get(
                    "onceway_events_total", route="cxone", outcome="delivered") == 1, "delivery")
                self.assertAnswer(self.post(onceway, event()), 200, discarded())
                self.assertEqual(len(crm.requests), 1)

    def test_client_that_leaves_amid_its_request(self):
        crm = self.sink()
        onceway = self.daemon(crm)
        for data in (HEAD, HEAD + HOST + LENGTH + b"\r\n" + BODY[:-1],
                     HEAD + HOST + CHUNKED + b"\r\n" + CHUNKS[:-2]):
            for end in ("close", "reset", "half_close"):
                c = self.connect(onceway)
                c.send(data)
                getattr(c, end)()
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_connections", listener="public") == 0, "all connections to end")
        self.assertEqual(crm.requests, [])
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_client_that_reads_nothing(self):
        # Bounded by pipelining and the socket's buffers; and it holds up nobody.
        onceway = self.daemon(self.sink(), listener={"idle_timeout": "1s"})
        greedy = self.connect(onceway)
        greedy.socket.settimeout(2)
        request = client.request_bytes("POST", client.PATH, event("x" * 50000))
        try:
            for _ in range(400):
                greedy.send(request)
        except OSError:
            pass
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_connections", listener="public") == 0, "its connection to end")
        self.assertLess(onceway.metrics().get("process_resident_memory_bytes"), 256 << 20)

    def test_two_sources_on_one_listener(self):
        crm = self.sink()
        config = configuration(crm.port)
        config["sources"]["second"] = {
            "plugin": "webhook", "listener": "public", "path": "/second", "content_types": "any"}
        config["routes"]["second"] = {**config["routes"]["cxone"], "from": "second",
                                      "key": {"plugin": "cxone", "prefix": "second:"}}
        onceway = self.daemon_of(config)
        c = self.connect(onceway)
        c.post(event())
        self.assertAnswer(c.answer(), 200, routed())
        c.post(event(), path="/second", headers=[("Content-Type", "text/plain")])
        self.assertAnswer(c.answer(), 200, routed())
        self.assertEqual(len(crm.requests), 2)
        self.assertTrue(crm.requests[1].header("Idempotency-Key").startswith("second:"))

    def test_ipv6(self):
        try:
            onceway = self.daemon(self.sink(), listener={"address": "[::1]:0"})
        except AssertionError as e:
            if "Cannot assign requested address" in str(e) or "not supported" in str(e):
                self.skipTest("this machine has no IPv6")
            raise
        with client.Connection(onceway.port, "::1") as c:
            c.post(event())
            self.assertAnswer(c.answer(), 200, routed())

    def test_errors_are_json(self):
        onceway = self.daemon(self.sink())
        for data in (REFUSED["bare LFs"][0], client.request_bytes("GET", "/none"),
                     client.request_bytes("GET", client.PATH)):
            with self.connect(onceway) as c:
                c.send(data)
                answer = c.answer()
                self.assertEqual(answer.header("Content-Type"), "application/json")
                self.assertEqual(list(json.loads(answer.body)), ["detail"])


if __name__ == "__main__":
    unittest.main()
