"""What goes out with each event: passwords, and signatures that the other side can verify."""
import base64
import hashlib
import hmac
import os
import time
import unittest
from unittest import mock

import aws
from case import Answer, Case, configuration, event, routed, wait_until
from daemon import merge

SECRET = "s3cret-that-signs"
KEY = hashlib.sha256(SECRET.encode()).digest()
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
BODY = event()


class Signing(Case):
    def deliver(self, *script, **sink):
        """One event; the requests that it made at the sink."""
        self.crm = self.sink(*script)
        self.onceway = self.daemon(self.crm, sink=sink)
        self.assertAnswer(self.post(self.onceway, BODY), 200, routed())
        self.assertNotIn(SECRET, self.onceway.log())
        return self.crm.requests

    def test_passwords(self):
        for options, name, value in (
                ({"bearer": SECRET}, "authorization", f"Bearer {SECRET}"),
                ({"basic": {"user": "us", "password": SECRET}}, "authorization",
                 "Basic " + base64.b64encode(f"us:{SECRET}".encode()).decode()),
                ({"header": {"name": "X-API-Key", "value": SECRET}}, "x-api-key", SECRET)):
            with self.subTest(name):
                request, = self.deliver(**options)
                self.assertEqual(request.header(name), value)
                self.onceway.stop()

    def test_hmac(self):
        for algorithm in ("sha256", "sha1"):
            for encoding in ("hex", "base64"):
                with self.subTest((algorithm, encoding)):
                    request, = self.deliver(hmac={
                        "secret": SECRET, "header": "X-Signature", "prefix": "v=",
                        "algorithm": algorithm, "encoding": encoding})
                    code = hmac.digest(SECRET.encode(), request.body, algorithm)
                    text = code.hex() if encoding == "hex" else base64.b64encode(code).decode()
                    self.assertEqual(request.header("x-signature"), "v=" + text)
                    self.onceway.stop()

    def test_standard_webhooks(self):
        requests = self.deliver(Answer(503), Answer(503),
                                standard_webhooks={"secret": WHSEC})
        self.assertEqual(len(requests), 3)
        for r in requests:
            # The same message each time, by the name that its copies have too.
            self.assertEqual(r.header("webhook-id"), requests[0].header("idempotency-key"))
            seconds = r.header("webhook-timestamp")
            self.assertLess(abs(time.time() - int(seconds)), 120)
            content = f"{r.header('webhook-id')}.{seconds}.".encode() + r.body
            code = base64.b64encode(hmac.digest(KEY, content, "sha256")).decode()
            self.assertEqual(r.header("webhook-signature"), "v1," + code)


class ToOurselves(Case):
    """One Onceway signs, another verifies."""

    def chain(self, auth, **sink):
        self.crm = self.sink()
        behind = self.daemon(self.crm, source={"auth": auth})
        return behind, self.daemon_of(self.pointed_at(behind, sink))

    def pointed_at(self, behind, sink):
        config = configuration(behind.port, sink={"retry": {"attempts": 1}, **sink})
        url = f"http://127.0.0.1:{behind.port}/webhook/dataaction"
        return merge(config, {"sinks": {"crm": {"url": url}}})

    def test_all_of_it(self):
        for auth, sink in (
                ({"mode": "bearer", "secrets": [SECRET]}, {"bearer": SECRET}),
                ({"mode": "basic", "secrets": [f"us:{SECRET}"]},
                 {"basic": {"user": "us", "password": SECRET}}),
                ({"mode": "header", "header": "X-Key", "secrets": [SECRET]},
                 {"header": {"name": "X-Key", "value": SECRET}}),
                ({"mode": "hmac", "header": "X-Sig", "prefix": "sha256=", "secrets": [SECRET]},
                 {"hmac": {"header": "X-Sig", "prefix": "sha256=", "secret": SECRET}}),
                ({"mode": "hmac", "header": "X-Sig", "algorithm": "sha1", "encoding": "base64",
                  "secrets": [SECRET]},
                 {"hmac": {"header": "X-Sig", "algorithm": "sha1", "encoding": "base64",
                           "secret": SECRET}}),
                ({"mode": "standard_webhooks", "secrets": [WHSEC]},
                 {"standard_webhooks": {"secret": WHSEC}})):
            with self.subTest(auth["mode"]):
                behind, onceway = self.chain(auth, **sink)
                self.assertAnswer(self.post(onceway, BODY), 200, routed())
                self.assertEqual(self.crm.bodies, [BODY])
                onceway.stop()
                behind.stop()

    def test_another_secret_is_refused(self):
        other = "whsec_" + base64.b64encode(b"x" * 32).decode()
        for auth, sink in (
                ({"mode": "hmac", "header": "X-Sig", "secrets": [SECRET]},
                 {"hmac": {"header": "X-Sig", "secret": "another"}}),
                ({"mode": "standard_webhooks", "secrets": [WHSEC]},
                 {"standard_webhooks": {"secret": other}})):
            with self.subTest(auth["mode"]):
                behind, onceway = self.chain(auth, **sink)
                self.assertEqual(self.post(onceway, BODY).status, 502)
                behind.wait_log("its signature does not match")
                self.assertEqual(self.crm.bodies, [])


class Sigv4(Case):
    def serve(self, service="execute-api", variables=(), **options):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        clean.update(AWS_EC2_METADATA_DISABLED="true", HOME="/nonexistent")
        clean.update(dict(variables))
        sigv4 = {"service": service, "region": aws.REGION, **options}
        with mock.patch.dict(os.environ, clean, clear=True):
            self.onceway = self.daemon(self.crm, sink={"sigv4": sigv4})

    def check(self, request, service, key, secret, token):
        match = aws.AUTHORIZATION.fullmatch(request.header("authorization"))
        self.assertTrue(match, request.header("authorization"))
        access, *scope, names, given = match.groups()
        self.assertEqual((access, scope[1:]), (key, [aws.REGION, service]))
        self.assertIn("host", names.split(";"))
        self.assertEqual(request.header("x-amz-security-token"), token)
        self.assertEqual(given, aws.signature(
            request, names.split(";"), secret, [*scope, "aws4_request"]))

    def test_keys_from_the_options(self):
        self.crm = self.sink()
        self.serve(access_key_id="AKID", secret_access_key=SECRET, session_token="session/1==")
        self.assertAnswer(self.post(self.onceway, BODY), 200, routed())
        self.check(self.crm.requests[0], "execute-api", "AKID", SECRET, "session/1==")
        self.assertNotIn(SECRET, self.onceway.log())

    def test_the_body_of_s3(self):
        self.crm = self.sink()
        self.serve("s3", {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET})
        self.assertAnswer(self.post(self.onceway, BODY), 200, routed())
        request = self.crm.requests[0]
        self.check(request, "s3", "AKID", SECRET, None)
        self.assertEqual(request.header("x-amz-content-sha256"),
                         hashlib.sha256(request.body).hexdigest())

    def test_keys_from_a_container_that_end(self):
        self.crm = self.sink()
        issuer = aws.Aws(life=2)
        self.sinks.append(issuer.sink)
        self.serve(variables={"AWS_CONTAINER_CREDENTIALS_FULL_URI": issuer.url + "/credentials"})
        sent = 0
        while issuer.fetches < 3:
            self.assertAnswer(self.post(self.onceway, event(f"trg-{sent}")), 200,
                              routed(f"trg-{sent}"))
            sent += 1
            time.sleep(0.05)
        self.assertEqual(len(self.crm.requests), sent)
        used = set()
        for request in self.crm.requests:
            key = aws.AUTHORIZATION.match(request.header("authorization"))[1]
            secret, token, _ = issuer.keys[key]
            self.check(request, "execute-api", key, secret, token)
            used.add(key)
        self.assertGreaterEqual(len(used), 2)

    def test_nobody_to_be(self):
        self.crm = self.sink()
        self.serve()
        self.assertIn(self.post(self.onceway, BODY).status, (502, 503, 504))
        self.onceway.wait_log("no AWS credentials: options: ")
        wait_until(lambda: "no AWS credentials" in self.onceway.admin("/readyz").text, "/readyz")
        self.assertEqual(self.crm.requests, [])


if __name__ == "__main__":
    unittest.main()
