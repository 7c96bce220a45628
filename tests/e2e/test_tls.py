"""TLS: listeners and sinks of the real daemon, with certificates made for the test."""
import re
import socket
import ssl
import struct
import time
import unittest

import client
import secure
from case import Answer, Case, Daemon, Later, configuration, discarded, event, routed, wait_until
from daemon import SOURCE_DIR, run

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class TlsCase(Case):
    def setUp(self):
        self.files = secure.Certificates()
        self.addCleanup(self.files.close)

    def check_no_secrets(self, onceway):
        log = onceway.log()
        self.assertNotIn(secure.KEY_TEXT, log)
        for line in self.files.key_lines():
            self.assertNotIn(line, log)


class ListenerCase(TlsCase):
    def listening(self, certificate="server", onceway=(), peer=None, **tls):
        """A daemon whose listener has that certificate."""
        peer = peer or self.sink()
        listener = {"tls": {**self.files.pair(certificate), **tls}}
        for name, value in dict(onceway).items():
            if name == "listener":
                listener.update(value)
        return self.daemon(peer, listener=listener)

    def secure(self, onceway, context=None, **options):
        c = secure.Connection(onceway.port, context or self.files.client(), **options)
        self.addCleanup(c.close)
        return c

    def ask(self, onceway, body, context=None, **options):
        with secure.Connection(onceway.port, context or self.files.client(), **options) as c:
            c.post(body)
            return c.answer()

    def refused(self, onceway, context, alert, reason, log):
        """A client that comes to nothing, what it is told, and what is noted about it."""
        before = self.failures(onceway, reason)
        with self.assertRaisesRegex((ssl.SSLError, ConnectionError), alert):
            with secure.Connection(onceway.port, context) as c:
                c.post(event())
                c.answer()
        onceway.wait_log(f"warning listener public: 127.0.0.1:\\d+: no TLS handshake: {log}")
        wait_until(lambda: self.failures(onceway, reason) == before + 1, f"{reason} counted")

    def failures(self, onceway, reason):
        return onceway.metrics().get(
            "onceway_http_tls_failures_total", listener="public", reason=reason)

    def handshakes(self, onceway, session):
        return onceway.metrics().get(
            "onceway_http_tls_handshakes_total", listener="public", session=session)


class Listener(ListenerCase):
    def test_both_versions(self):
        onceway = self.listening()
        for version in VERSIONS:
            with self.subTest(version):
                c = self.secure(onceway, self.files.client(version=version))
                c.post(event(entity=version.name))
                self.assertAnswer(c.answer(), 200, routed())
                c.post(event(entity=version.name))
                self.assertAnswer(c.answer(), 200, discarded())
        onceway.wait_log(r"debug   listener public: 127.0.0.1:\d+: TLSv1.2, [A-Z0-9-]+, new session")
        onceway.wait_log(r"TLSv1.3, TLS_[A-Z0-9_]+, new session")
        self.assertRegex(onceway.log(), r"listener public on .*, TLS")

    def test_only_the_newest(self):
        onceway = self.listening(min_version="1.3")
        self.assertAnswer(self.ask(onceway, event()), 200, routed())
        old = self.files.client(version=ssl.TLSVersion.TLSv1_2)
        self.refused(onceway, old, "alert protocol version", "no_shared_protocol",
                     "no shared protocol")

    def test_no_shared_cipher(self):
        onceway = self.listening()
        context = self.files.client(version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")  # the certificate's key is no RSA key
        self.refused(onceway, context, "alert handshake failure", "no_shared_cipher",
                     "no shared cipher")

    def test_http_1_1_is_what_is_spoken(self):
        onceway = self.listening()
        context = self.files.client()
        context.set_alpn_protocols(["h2", "http/1.1"])
        c = self.secure(onceway, context)
        self.assertEqual(c.socket.selected_alpn_protocol(), "http/1.1")
        context = self.files.client()
        context.set_alpn_protocols(["h2"])
        self.refused(onceway, context, "no application protocol", "no_shared_protocol",
                     r"no shared protocol: it does not offer HTTP/1.1")

    def test_a_client_that_does_not_trust_us(self):
        onceway = self.listening("unknown")
        self.refused(onceway, self.files.client(), "certificate verify failed",
                     "refused_by_client", "it refuses: unknown CA")

    def test_a_plain_client(self):
        onceway = self.listening()
        with client.Connection(onceway.port) as c:
            c.post(event())
            self.assertTrue(c.is_closed())
        onceway.wait_log(r"no TLS handshake: it does not speak TLS")
        wait_until(lambda: self.failures(onceway, "not_tls") == 1, "it is counted")
        for _ in range(60):
            with client.Connection(onceway.port) as c:
                c.post(event())
                self.assertTrue(c.is_closed())
        wait_until(lambda: self.failures(onceway, "not_tls") == 61, "all are counted")
        self.assertLess(onceway.log().count("it does not speak TLS"), 61)

    def test_a_tls_client_of_a_plain_listener(self):
        onceway = self.daemon(self.sink())
        with self.assertRaises(ssl.SSLError):
            secure.Connection(onceway.port, self.files.client())
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_a_look_at_the_port_is_no_warning(self):
        onceway = self.listening()
        socket.create_connection(("127.0.0.1", onceway.port)).close()
        wait_until(lambda: self.failures(onceway, "closed") == 1, "it is counted")
        self.assertNotIn("warning listener", onceway.log())

    def test_slow_handshakes_end(self):
        onceway = self.listening(onceway={"listener": {"header_timeout": "300ms"}})
        for said in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
            with self.subTest(said), client.Connection(onceway.port) as c:
                begun = time.monotonic()
                c.send(said)
                self.assertTrue(c.is_closed())
                self.assertGreater(time.monotonic() - begun, 0.25)
        wait_until(lambda: self.failures(onceway, "timeout") == 3, "they are counted")
        onceway.wait_log("no TLS handshake: it is not complete within header_timeout")
        self.assertAnswer(self.ask(onceway, event()), 200, routed())

    def test_peers_that_go_away(self):
        onceway = self.listening(peer=self.sink(choose=lambda r: Answer(body=b"x" * 300000)),
                                 onceway={"listener": {"max_body": "4MiB"}})
        context = self.files.client()
        hello = secure.ByHand(onceway.port, context)
        with self.assertRaises(ssl.SSLWantReadError):
            hello.tls.do_handshake()
        hello.flush()
        hello.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hello.close()
        for way in ("close", "reset"):
            body = secure.Connection(onceway.port, context)
            body.send(client.request_bytes("POST", client.PATH, b"", [("Content-Length", "999")])
                      + b"{")
            getattr(body, way)()
            unread = secure.Connection(onceway.port, context)
            unread.post(event(entity=way))
            getattr(unread, way)()
        self.assertAnswer(self.ask(onceway, event(entity="after")), 200, routed())
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_connections", listener="public") == 0, "all connections are gone")


class Http(ListenerCase):
    """What the engine does is the same inside TLS."""

    def test_pipelined(self):
        onceway = self.listening()
        c = self.secure(onceway)
        bodies = [event(trigger=f"trg-{i}", entity="e") for i in range(40)]
        c.send(b"".join(client.request_bytes("POST", client.PATH, b) for b in bodies))
        for i in range(40):
            self.assertAnswer(c.answer(), 200, routed(f"trg-{i}"))

    def test_head_and_errors(self):
        onceway = self.listening()
        c = self.secure(onceway)
        c.send(client.request_bytes("HEAD", "/nothing"))
        self.assertEqual(c.answer(head_only=True).status, 404)
        c.send(client.request_bytes("GET", client.PATH))
        self.assertEqual(c.answer().status, 405)
        c.send(b"nonsense\r\n\r\n")
        self.assertEqual(c.answer().status, 400)
        self.assertTrue(c.is_closed())  # with TLS's farewell: anything else would raise

    def test_large_bodies_both_ways(self):
        large = b"y" * 900000
        crm = self.sink(default=Answer(body=large))
        onceway = self.listening(peer=crm, onceway={"listener": {"max_body": "4MiB"}})
        onceway.stop()
        config = configuration(
            crm.port, listener={"tls": self.files.pair("server"), "max_body": "4MiB"},
            route={"respond": "sink"})
        onceway = self.daemon_of(config)
        c = self.secure(onceway)
        for i in range(3):
            body = event(entity=f"e{i}", note="z" * 2000000)
            c.post(body)
            answer = c.answer()
            self.assertEqual((answer.status, answer.body), (200, large))
            self.assertEqual(crm.bodies[i], body)

    def test_a_slow_reader_gets_it_all(self):
        crm = self.sink(default=Answer(body=b"y" * 1000000))
        onceway = self.daemon(crm, listener={
            "tls": self.files.pair("server"), "idle_timeout": "2s", "max_pipelined": 64},
            route={"respond": "sink"})
        c = self.secure(onceway)
        other = self.secure(onceway)
        c.send(b"".join(client.request_bytes("POST", client.PATH, event(entity=f"e{i}"))
                        for i in range(12)))
        crm.wait(1)
        other.post(event(entity="other"))
        self.assertEqual(other.answer().status, 200)
        for _ in range(12):
            time.sleep(0.1)
            self.assertEqual(len(c.answer().body), 1000000)

    def test_one_that_does_not_read_is_closed(self):
        crm = self.sink(default=Answer(body=b"y" * 1000000))
        onceway = self.daemon(crm, listener={
            "tls": self.files.pair("server"), "idle_timeout": "500ms", "max_pipelined": 64},
            route={"respond": "sink"})
        c = self.secure(onceway)
        c.send(b"".join(client.request_bytes("POST", client.PATH, event(entity=f"e{i}"))
                        for i in range(20)))
        wait_until(lambda: onceway.metrics().get(
            "onceway_http_timeouts_total", listener="public") >= 1, "it is given up")

    def test_half_closed_below_tls(self):
        onceway = self.listening(peer=self.sink(choose=lambda r: time.sleep(0.2) or Answer()))
        c = self.secure(onceway)
        c.post(event())
        c.raw_half_close()
        self.assertAnswer(c.answer(), 200, routed())

    def test_half_closed_with_a_farewell(self):
        onceway = self.listening(peer=self.sink(choose=lambda r: time.sleep(0.2) or Answer()))
        c = secure.ByHand(onceway.port, self.files.client())
        self.addCleanup(c.close)
        c.run(c.tls.do_handshake)
        c.run(c.tls.write, client.request_bytes("POST", client.PATH, event()))
        c.farewell()
        self.assertIn(b"200 OK", c.run(c.tls.read, 65536))

    def test_a_farewell_while_an_answer_is_sent(self):
        large = b"y" * 8000000
        crm = self.sink(default=Answer(body=large))
        onceway = self.daemon(
            crm, listener={"tls": self.files.pair("server")}, route={"respond": "sink"},
            sink={"max_response": "16MiB"})
        c = secure.ByHand(onceway.port, self.files.client())
        self.addCleanup(c.close)
        c.run(c.tls.do_handshake)
        c.run(c.tls.write, client.request_bytes("POST", client.PATH, event()))
        onceway.wait_log("delivered: the sink accepted it")
        c.farewell()
        got = 0
        while got < len(large):
            got += len(c.run(c.tls.read, 65536))

    def test_idle_connections_end_with_a_farewell(self):
        onceway = self.listening(onceway={"listener": {"idle_timeout": "200ms"}})
        c = self.secure(onceway)
        c.post(event())
        self.assertAnswer(c.answer(), 200, routed())
        self.assertTrue(c.is_closed())

    def test_drain(self):
        crm = self.sink(choose=lambda r: time.sleep(0.5) or Answer())
        onceway = self.listening(peer=crm)
        idle, busy = self.secure(onceway), self.secure(onceway)
        idle.post(event(entity="first"))
        self.assertAnswer(idle.answer(), 200)
        later = Later(lambda: (busy.post(event()), busy.answer())[1])
        crm.wait(2)
        onceway.signal()
        self.assertTrue(idle.is_closed())
        self.assertAnswer(later.get(), 200, routed())
        self.assertTrue(busy.is_closed())
        onceway.check_ended()

    def test_drain_during_a_handshake(self):
        onceway = self.listening()
        c = secure.ByHand(onceway.port, self.files.client(version=ssl.TLSVersion.TLSv1_3))
        self.addCleanup(c.close)
        with self.assertRaises(ssl.SSLWantReadError):
            c.tls.do_handshake()
        c.flush()
        c.receive()
        onceway.signal()
        onceway.wait_log("draining")
        time.sleep(0.2)
        c.tls.do_handshake()
        c.tls.write(client.request_bytes("POST", client.PATH, event()))
        c.flush()
        self.assertIn(b"HTTP/1.1 ", c.run(c.tls.read, 65536))
        onceway.check_ended()

    def test_too_many_are_closed(self):
        onceway = self.listening(onceway={"listener": {"max_connections": 1}})
        first = self.secure(onceway)
        with self.assertRaises(OSError):
            secure.Connection(onceway.port, self.files.client())
        first.post(event())
        self.assertAnswer(first.answer(), 200, routed())


class ClientCertificates(ListenerCase):
    def test_required(self):
        for version in VERSIONS:
            with self.subTest(version):
                onceway = self.listening(client_ca=self.files("ca.pem"))
                good = self.files.client(name="client", version=version)
                self.assertAnswer(self.ask(onceway, event(), good), 200, routed())
                onceway.wait_log("certificate of CN=client")
                for name, alert, reason, log in (
                        (None, "alert (certificate required|handshake failure)", "no_certificate",
                         "it shows no certificate, and tls.client requires one"),
                        ("client-unknown", "alert unknown ca", "unknown_ca",
                         r"its certificate \(CN=client-unknown\) comes from a CA that "
                         "tls.client_ca does not have: CN=other-ca"),
                        ("client-expired", "alert certificate expired", "expired_certificate",
                         r"its certificate \(CN=client-expired\) has expired on 2020-01-01"),
                        ("server", "alert (unsupported certificate|certificate unknown)",
                         "bad_certificate", "unsuitable certificate purpose")):
                    with self.subTest(name):
                        context = self.files.client(name=name, version=version)
                        # What it says may be overtaken by the end of the connection.
                        self.refused(onceway, context, f"{alert}|reset|[Pp]ipe|EOF", reason,
                                     f".*{log}")
                self.check_no_secrets(onceway)
                onceway.stop()

    def test_optional(self):
        onceway = self.listening(client_ca=self.files("hashed"), client="optional")
        self.assertAnswer(self.ask(onceway, event()), 200, routed())
        good = self.files.client(name="client")
        self.assertAnswer(self.ask(onceway, event(), good), 200, discarded())
        unknown = self.files.client(name="client-unknown")
        self.refused(onceway, unknown, "unknown ca|reset|[Pp]ipe|EOF", "unknown_ca", ".*other-ca")


class Sessions(ListenerCase):
    def resume(self, onceway, context, times):
        """How many of that many connections went on with the first one's session."""
        with secure.Connection(onceway.port, context) as c:
            c.post(event())
            c.answer()  # what TLS 1.3 gives for later has come before
            self.assertFalse(c.socket.session_reused)
            session = c.socket.session
        count = 0
        for _ in range(times):
            with secure.Connection(onceway.port, context, session=session) as c:
                c.post(event())
                c.answer()
                count += c.socket.session_reused
                session = c.socket.session
        return count

    def test_across_workers(self):
        config = configuration(self.sink().port, **self.workers(2))
        config["listeners"]["public"]["tls"] = self.files.pair("server")
        onceway = self.daemon_of(config)
        for version in VERSIONS:
            with self.subTest(version):
                context = self.files.client(version=version)
                self.assertEqual(self.resume(onceway, context, 16), 16)
        wait_until(lambda: self.handshakes(onceway, "resumed") == 32, "they are counted")
        self.assertEqual(self.handshakes(onceway, "new"), 2)

    def test_with_client_certificates(self):
        onceway = self.listening(client_ca=self.files("ca.pem"))
        self.assertEqual(self.resume(onceway, self.files.client(name="client"), 3), 3)


class Reload(ListenerCase):
    def subject(self, onceway):
        with secure.Connection(onceway.port, self.files.client()) as c:
            return dict(x[0] for x in c.socket.getpeercert()["subject"])["commonName"]

    def start(self):
        self.files.replace("live.pem", "server.pem")
        self.files.replace("live.key", "server.key")
        return self.listening("live")

    def hang_up_signal(self, onceway, count):
        import signal
        onceway.signal(signal.SIGHUP)
        wait_until(lambda: onceway.log().count("SIGHUP: looked at the TLS files") == count,
                   "SIGHUP is dealt with")

    def test_replaced_while_connections_live(self):
        onceway = self.start()
        live = self.secure(onceway)
        live.post(event())
        self.assertAnswer(live.answer(), 200, routed())
        self.assertEqual(self.subject(onceway), "server")
        self.files.replace("live.pem", "renewed.pem")
        self.files.replace("live.key", "renewed.key")
        self.hang_up_signal(onceway, 1)
        self.assertEqual(self.subject(onceway), "renewed")
        onceway.wait_log(r"info    listener public: TLS files were replaced: loaded again; .*live.pem "
                         r"is good until \d{4}-")
        live.post(event())
        self.assertAnswer(live.answer(), 200, discarded())
        self.check_no_secrets(onceway)

    def test_unsound_files_change_nothing(self):
        onceway = self.start()
        for file, by, why in (
                ("live.key", "renewed.key", "tls.key: `.*live.key`: the key does not belong to"),
                ("live.key", "encrypted.key", "tls.key: `.*live.key`: the key has a password"),
                ("live.pem", "nothing.pem", "tls.certificate: `.*live.pem`: there is no cert")):
            with self.subTest(by):
                self.files.replace(file, by)
                hups = onceway.log().count("SIGHUP: looked")
                self.hang_up_signal(onceway, hups + 1)
                self.hang_up_signal(onceway, hups + 2)
                line = f"error   listener public: .*{why}.*; going on with what was loaded before"
                self.assertEqual(len(re.findall(line, onceway.log())), 1, onceway.log())
                self.assertEqual(self.subject(onceway), "server")
        self.check_no_secrets(onceway)

    def test_by_itself(self):
        onceway = self.start()
        self.files.replace("live.pem", "renewed.pem")
        self.files.replace("live.key", "renewed.key")
        wait_until(lambda: self.subject(onceway) == "renewed", "the new certificate is shown")


class SinkCase(TlsCase):
    def delivering(self, crm, host="localhost", route=(), tls=None, **sink):
        return self.daemon(crm, start=False, route=dict(route), sink={
            "url": f"https://{host}:{crm.port}/api/v1/events", "retry": {"attempts": 1},
            "tls": {"ca": self.files("ca.pem")} if tls is None else tls, **sink})

    def delivered(self, crm, **options):
        onceway = self.delivering(crm, **options).start()
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(crm.bodies[-1], event())
        return onceway

    def fails(self, crm, why, **options):
        """The event is not delivered, for a reason that the log names with the peer."""
        onceway = self.delivering(crm, **options).start(ready=False)
        answer = self.post(onceway, event())
        self.assertIn(answer.status, (502, 503, 504))
        self.assertEqual(crm.requests, [])
        onceway.wait_log(rf"warning .*127.0.0.1:{crm.port}.*{why}")
        self.check_no_secrets(onceway)
        onceway.stop()


class ToSink(SinkCase):
    def test_both_versions(self):
        for version in VERSIONS:
            with self.subTest(version):
                crm = self.sink(tls=self.files.server(version=version))
                self.delivered(crm).stop()
                self.delivered(crm, host="127.0.0.1").stop()

    def test_other_names(self):
        crm = self.sink(tls=self.files.server("wrong-host"))
        self.delivered(crm, tls={"ca": self.files("hashed"), "server_name": "other.example"})

    def test_who_is_asked_for(self):
        context, asked = self.files.server(), []
        context.sni_callback = lambda _, name, __: asked.append(name)
        crm = self.sink(tls=context)
        for host, tls in (("localhost", {}), ("127.0.0.1", {}),
                          ("127.0.0.1", {"server_name": "onceway.test"})):
            self.delivered(crm, host=host, tls={"ca": self.files("ca.pem"), **tls}).stop()
        self.assertEqual(asked, ["localhost", None, "onceway.test"])

    def test_every_refusal(self):
        known = {"ca": self.files("ca.pem")}
        cases = (
            ("expired", r"its certificate \(CN=expired\) has expired on 2020-01-01", known),
            ("future", r"its certificate \(CN=future\) is not valid before 2100-01-01", known),
            ("wrong-host", r"\(localhost\): its certificate is not for localhost, but for "
             r"other.example, \*.far.example, 192.0.2.1", known),
            ("unknown", r"its certificate comes from an unknown CA \(CN=other-ca\), not among "
             rf"the CAs in {known['ca']}", known),
            ("self-signed", r"its certificate \(CN=self-signed\) is self-signed, and not among "
             rf"the CAs in {known['ca']}", known),
            ("server", r"its certificate comes from an unknown CA \(CN=ca\), not among the "
             "system's CAs", {}))
        for name, why, tls in cases:
            with self.subTest(name):
                self.fails(self.sink(tls=self.files.server(name)), why, tls=tls)

    def test_no_shared_protocol(self):
        crm = self.sink(tls=self.files.server(version=ssl.TLSVersion.TLSv1_2))
        self.fails(crm, "no shared protocol: it speaks nothing from TLS 1.3 on",
                   tls={"ca": self.files("ca.pem"), "min_version": "1.3"})

    def test_no_shared_cipher(self):
        context = self.files.server(version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")
        self.fails(self.sink(tls=context), "no shared cipher")

    def test_no_tls_at_all(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        crm = self.sink()
        crm.port = listener.getsockname()[1]
        onceway = self.delivering(crm).start()
        later = Later(self.post, onceway, event())
        connection, _ = listener.accept()
        connection.sendall(b"220 mail.example.com ready\r\n")
        onceway.wait_log("127.0.0.1:.*it does not speak TLS")
        self.assertIn(later.get().status, (502, 503))
        connection.close()

    def test_closed_in_the_handshake(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        crm = self.sink()
        crm.port = listener.getsockname()[1]
        onceway = self.delivering(crm).start()
        later = Later(self.post, onceway, event())
        connection, _ = listener.accept()
        connection.recv(10)
        connection.shutdown(socket.SHUT_WR)
        onceway.wait_log("it closed the connection during the TLS handshake")
        self.assertIn(later.get().status, (502, 503))
        connection.close()

    def test_client_certificates(self):
        for version in VERSIONS:
            with self.subTest(version):
                context = self.files.server(version=version, asks="ca.pem")
                crm = self.sink(tls=context)
                good = {"ca": self.files("ca.pem"), **self.files.pair("client")}
                onceway = self.delivered(crm, tls=good)
                self.assertIn("client", str(crm.certificates[-1]))
                self.check_no_secrets(onceway)
                onceway.stop()
                self.fails(self.sink(tls=context),
                           "it wants a client certificate: set tls.certificate and tls.key")
                self.fails(self.sink(tls=context), "it does not accept the client certificate in "
                           ".*client-unknown.pem: unknown CA",
                           tls={**good, **self.files.pair("client-unknown")})

    def test_a_refused_certificate_is_no_lost_answer(self):
        """TLS 1.3 says so after the request was sent: it was not received all the same."""
        crm = self.sink(tls=self.files.server(asks="ca.pem"))
        onceway = self.delivering(crm, idempotency_header="").start(ready=False)
        self.post(onceway, event())
        wait_until(lambda: onceway.metrics().get(
            "onceway_sink_attempts_total", sink="crm", code="connect") == 1, "it is counted")
        wait_until(lambda: onceway.admin("/readyz").status == 503, "not ready")

    def test_sessions_are_resumed(self):
        for version in VERSIONS:
            with self.subTest(version):
                crm = self.sink(tls=self.files.server(version=version))
                onceway = self.delivering(crm).start()
                for i in range(4):
                    self.assertAnswer(self.post(onceway, event(entity=f"e{i}")), 200)
                    crm.close_connections()
                    wait_until(lambda: crm.open == 0, "the connection is closed")
                self.assertEqual(crm.resumed, [False, True, True, True])

    def test_a_ca_that_is_replaced(self):
        import signal
        self.files.replace("trusted.pem", "other-ca.pem")
        crm = self.sink(tls=self.files.server())
        onceway = self.delivering(crm, tls={"ca": self.files("trusted.pem")}).start()
        self.assertEqual(self.post(onceway, event()).status, 502)
        onceway.wait_log("unknown CA")
        self.files.replace("trusted.pem", "ca.pem")
        onceway.signal(signal.SIGHUP)
        onceway.wait_log("SIGHUP: looked at the TLS files")
        self.assertAnswer(self.post(onceway, event()), 200, routed())


class Answers(SinkCase):
    """Where an answer ends, and what became of a request."""

    def test_large_and_slow(self):
        crm = self.sink(tls=self.files.server(), choose=lambda r: Answer(body=b"y" * 900000))
        onceway = self.daemon(crm, listener={"max_body": "4MiB"}, route={"respond": "sink"}, sink={
            "url": f"https://localhost:{crm.port}/", "tls": {"ca": self.files("ca.pem")}})
        for i in range(3):
            body = event(entity=f"e{i}", note="z" * 3000000)
            answer = self.post(onceway, body)
            self.assertEqual((answer.status, len(answer.body)), (200, 900000))
            self.assertEqual(crm.bodies[i], body)
        self.assertEqual(crm.accepted, 1)

    def test_an_answer_without_a_length_needs_a_farewell(self):
        crm = self.sink(Answer(act="unlengthy", body=b"half of it"), Answer(act="farewell"),
                        tls=self.files.server())
        onceway = self.delivering(crm, retry={"attempts": 2, "base": "1ms"}).start()
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(len(crm.requests), 2)
        self.assertEqual(len({r.header("Idempotency-Key") for r in crm.requests}), 1)

    def test_lost_answers(self):
        for act in ("close", "reset", "half"):
            with self.subTest(act):
                crm = self.sink(Answer(act=act), tls=self.files.server())
                onceway = self.delivering(crm, retry={"attempts": 2, "base": "1ms"}).start()
                self.assertAnswer(self.post(onceway, event()), 200, routed())
                self.assertEqual(len(crm.requests), 2)
                onceway.stop()

    def test_no_answer_in_time(self):
        crm = self.sink(Answer(act="hang"), tls=self.files.server())
        onceway = self.delivering(crm, timeout={"total": "300ms"}).start()
        self.assertEqual(self.post(onceway, event()).status, 504)
        crm.release()

    def test_kept_connections_that_were_closed(self):
        crm = self.sink(tls=self.files.server())
        onceway = self.delivering(crm).start()
        for i in range(5):
            self.assertAnswer(self.post(onceway, event(entity=f"e{i}")), 200, routed())
            crm.close_connections()
        self.assertEqual(len(crm.requests), 5)


class Settings(TlsCase):
    def complaints(self, **options):
        onceway = Daemon(configuration(9, **options))
        self.addCleanup(onceway.close)
        done = run("check", "-c", onceway.config)
        return done.returncode, done.stderr.decode()

    def test_files_of_a_listener(self):
        pair = self.files.pair("server")
        for tls, why in (
                ({**pair, "key": self.files("encrypted.key")},
                 "option `tls.key`: `.*/encrypted.key`: the key has a password"),
                ({**pair, "key": self.files("renewed.key")},
                 "option `tls.key`: `.*/renewed.key`: the key does not belong to the certificate "
                 "in `.*/server.pem`"),
                ({**pair, "certificate": self.files("hashed")},
                 "option `tls.certificate`: `.*/hashed`: is not a file"),
                ({**pair, "client_ca": self.files("nothing.pem")},
                 "option `tls.client_ca`: `.*/nothing.pem`: there is no CA"),
                ({**pair, "client": "optional"}, "option `tls.client_ca` is missing")):
            with self.subTest(why):
                status, text = self.complaints(listener={"tls": tls})
                self.assertEqual(status, 1)
                self.assertRegex(text, rf"onceway.yaml:\d+:\d+: error: listener `public`: {why}")
                self.assertEqual(text.count("error:"), 1, text)

    def test_files_of_a_sink(self):
        pair = self.files.pair("client")
        for tls, why in (
                ({"ca": self.files("none.pem")},
                 "option `tls.ca`: `.*/none.pem`: No such file or directory"),
                ({"ca": self.files("nothing.pem")},
                 "option `tls.ca`: `.*/nothing.pem`: there is no CA certificate in PEM form"),
                ({**pair, "key": self.files("server.key")},
                 "option `tls.key`: `.*/server.key`: the key does not belong to the certificate"),
                ({**pair, "key": self.files("encrypted.key")},
                 "option `tls.key`: `.*/encrypted.key`: the key has a password"),
                # What the plugin itself complains about is not said twice.
                ({"certificate": self.files("none.pem")},
                 "option `tls.certificate` needs its private key: add tls.key")):
            with self.subTest(why):
                status, text = self.complaints(sink=self.sink_with(tls))
                self.assertEqual(status, 1)
                self.assertRegex(text, rf"onceway.yaml:\d+:\d+: error: sink `crm`: {why}")
                self.assertEqual(text.count("error:"), 1, text)
        sound = {**pair, "ca": self.files("hashed")}
        self.assertEqual(self.complaints(sink=self.sink_with(sound)), (0, ""))

    @staticmethod
    def sink_with(tls):
        return {"url": "https://localhost/", "tls": tls}

    def test_dates_are_warnings(self):
        for name, why in (("expired", "has expired on 2020-01-01"), ("soon", "expires on 2"),
                          ("future", "is not valid before 2100-01-01")):
            for what, options in (
                    ("listener `public`", {"listener": {"tls": self.files.pair(name)}}),
                    ("sink `crm`", {"sink": self.sink_with(self.files.pair(name))})):
                status, text = self.complaints(**options)
                self.assertEqual(status, 0)
                self.assertRegex(
                    text, rf":\d+:\d+: warning: {what}: option `tls.certificate`: "
                    rf"`.*/{name}.pem`: the certificate {why}")

    def test_the_example(self):
        """conf/secured.yaml with its TLS lines put in."""
        text = (SOURCE_DIR / "conf/secured.yaml").read_text()
        lines = re.sub(r"^(\s*)#tls ", r"\1", text, flags=re.M)
        self.assertNotEqual(lines, text)
        file = self.files.directory / "secured.yaml"
        file.write_text(re.sub(r"/etc/onceway/", f"{self.files.directory}/", lines))
        from daemon import EXAMPLE_SECRETS
        done = run("check", "-c", file, **EXAMPLE_SECRETS)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
