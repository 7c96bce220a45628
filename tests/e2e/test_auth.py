"""Authentication of senders: every mode, and that no secret ever shows."""
import base64
import hashlib
import hmac
import time
import unittest

import client
from case import Case, discarded, event, routed

# Each appears nowhere but in a configuration or a request.
NEW, OLD, WRONG = "s3cret-of-today", "s3cret-of-yesterday", "s3cret-of-a-stranger"
NEW_KEY, OLD_KEY, WRONG_KEY = (hashlib.sha256(s.encode()).digest() for s in (NEW, OLD, WRONG))
BODY = event()


def whsec(key):
    return "whsec_" + base64.b64encode(key).decode()


def basic(user_and_password):
    return [("Authorization", "Basic " + base64.b64encode(user_and_password.encode()).decode())]


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def hub(secret, body=BODY, prefix="sha256="):
    """As GitHub signs: X-Hub-Signature-256."""
    code = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return [("X-Hub-Signature-256", prefix + code)]


def v1(key, id_, seconds, body):
    content = f"{id_}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def standard(*keys, body=BODY, id_="msg_1", age=0, at=None):
    """As the Standard Webhooks specification signs: one signature for each key."""
    seconds = int(time.time()) - age if at is None else at
    return [("webhook-id", id_), ("webhook-timestamp", str(seconds)),
            ("webhook-signature", " ".join(v1(k, id_, seconds, body) for k in keys))]


def changed(headers, name, value):
    return [(n, value if n == name else v) for n, v in headers]


class Auth(Case):
    def secured(self, **auth):
        self.crm = self.sink()
        self.onceway = self.daemon(self.crm, source={"auth": auth})
        self.refusals = 0

    def accepts(self, headers, entity, body=None):
        """An event of its own for each, so that it is delivered."""
        body = body or event(entity=entity)
        self.assertAnswer(self.post(self.onceway, body, headers=headers), 200, routed())
        self.assertEqual(self.crm.requests[-1].body, body)

    def refuses(self, headers, body=BODY, challenge=None):
        before = len(self.crm.requests)
        answer = self.post(self.onceway, body, headers=headers)
        self.assertAnswer(answer, 401, '{"detail":"Unauthorized"}')
        self.assertEqual(answer.header("Content-Type"), "application/json")
        self.assertEqual(answer.header("WWW-Authenticate"), challenge)
        self.assertEqual(len(self.crm.requests), before)
        self.refusals += 1
        self.assertEqual(self.onceway.metrics().get(
            "onceway_auth_failures_total", source="dataaction"), self.refusals)

    def finish(self):
        """Nothing secret, and nothing a stranger sent, is in what the daemon wrote or shows."""
        shown = self.onceway.admin("/status").text + self.onceway.admin("/metrics").text
        self.onceway.stop()
        log = self.onceway.log()
        self.assertIn("source dataaction: a request was refused with 401: ", log)
        for secret in (NEW, OLD, WRONG):
            key = hashlib.sha256(secret.encode()).digest()
            forms = [secret, base64.b64encode(f"crm:{secret}".encode()).decode(),
                     whsec(key)[6:], key.hex(), hub(secret)[0][1][7:]]
            for form in forms:
                self.assertNotIn(form, log)
                self.assertNotIn(form, shown)
        self.assertNotIn("s3cret", log + shown)
        self.assertNotIn("v1,", log)

    def test_bearer(self):
        self.secured(mode="bearer", secrets=[NEW, OLD])
        challenge = 'Bearer realm="onceway"'
        self.accepts(bearer(NEW), "e1")
        self.accepts(bearer(OLD), "e2")
        self.accepts([("authorization", f"bearer {NEW}")], "e3")
        for headers in ([], bearer(WRONG), bearer(""), bearer(NEW + "x"), bearer(NEW[:-1]),
                        bearer(NEW.upper()), basic(f"crm:{NEW}"), [("Authorization", NEW)],
                        [("X-Authorization", f"Bearer {NEW}")]):
            self.refuses(headers, challenge=challenge)
        # Of two, the first counts.
        self.refuses(bearer(WRONG) + bearer(NEW), challenge=challenge)
        self.finish()

    def test_basic(self):
        self.secured(mode="basic", secrets=[f"crm:{NEW}", f"crm:{OLD}"])
        challenge = 'Basic realm="onceway", charset="UTF-8"'
        self.accepts(basic(f"crm:{NEW}"), "e1")
        self.accepts(basic(f"crm:{OLD}"), "e2")
        for headers in ([], basic(f"crm:{WRONG}"), basic(f"other:{NEW}"), basic(f"crm{NEW}"),
                        basic("crm:"), bearer(NEW), [("Authorization", f"Basic crm:{NEW}")]):
            self.refuses(headers, challenge=challenge)
        self.finish()

    def test_header(self):
        self.secured(mode="header", header="X-Api-Key", secrets=[NEW, OLD])
        self.accepts([("x-api-key", NEW)], "e1")
        self.accepts([("X-Api-Key", OLD)], "e2")
        for headers in ([], [("X-Api-Key", WRONG)], [("X-Api-Key", "")], bearer(NEW),
                        [("X-Api-Key", f"{NEW}, {OLD}")]):
            self.refuses(headers)
        self.finish()

    def test_hmac(self):
        self.secured(mode="hmac", header="X-Hub-Signature-256", prefix="sha256=",
                     secrets=[NEW, OLD])
        for i, secret in enumerate((NEW, OLD)):
            body = event(entity=f"e{i}")
            self.accepts(hub(secret, body), None, body)
        # Signed as received: not as parsed, not as another would write it.
        spaced = BODY.replace(b'": ', b'" :  ') + b"\n"
        self.accepts(hub(NEW, spaced), None, spaced)
        for headers in ([], hub(WRONG), hub(NEW, prefix=""), hub(NEW, prefix="sha1="),
                        hub(NEW, spaced), hub(NEW, BODY + b" "), hub(NEW, b""),
                        [("X-Hub-Signature-256", "sha256=")],
                        [("X-Hub-Signature-256", hub(NEW)[0][1] + "00")],
                        [("X-Hub-Signature", hub(NEW)[0][1])]):
            self.refuses(headers)
        self.finish()

    def test_hmac_of_chunks(self):
        # However the body came, its bytes are what was signed.
        self.secured(mode="hmac", header="X-Hub-Signature-256", prefix="sha256=", secrets=[NEW])
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part)
                          for part in (BODY[:1], BODY[1:50], BODY[50:])) + b"0\r\n\r\n"
        for headers, status in ((hub(NEW), 200), (hub(NEW, chunks), 401)):
            with self.connect(self.onceway) as c:
                c.send(client.request_bytes("POST", client.PATH, b"", headers + [
                    ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
                    + chunks)
                self.assertAnswer(c.answer(), status)
        self.finish()

    def test_hmac_sha1_base64(self):
        self.secured(mode="hmac", header="X-Signature", algorithm="sha1", encoding="base64",
                     secrets=[NEW])

        def signed(secret, body=BODY):
            code = hmac.new(secret.encode(), body, hashlib.sha1).digest()
            return [("X-Signature", base64.b64encode(code).decode())]
        self.accepts(signed(NEW), None, BODY)
        for headers in ([], signed(WRONG), signed(NEW, BODY + b" "),
                        [("X-Signature", hmac.new(NEW.encode(), BODY, "sha1").hexdigest())],
                        [("X-Signature", signed(NEW)[0][1].rstrip("="))]):
            self.refuses(headers)
        self.finish()

    def test_standard_webhooks(self):
        self.secured(mode="standard_webhooks", secrets=[whsec(NEW_KEY), whsec(OLD_KEY)])
        for i, keys in enumerate(([NEW_KEY], [OLD_KEY], [WRONG_KEY, OLD_KEY], [NEW_KEY, WRONG_KEY])):
            body = event(entity=f"e{i}")
            self.accepts(standard(*keys, body=body), None, body)
        good = standard(NEW_KEY)
        now = int(good[1][1])
        for headers in (
                [], good[:2], good[1:], good[::2], standard(WRONG_KEY),
                standard(NEW_KEY, body=BODY + b" "),
                changed(good, "webhook-id", "msg_2"),
                changed(good, "webhook-timestamp", str(now + 1)),
                changed(good, "webhook-signature", good[2][1].replace("v1,", "v2,")),
                changed(good, "webhook-signature", good[2][1][3:])):
            self.refuses(headers)
        self.finish()

    def test_standard_webhooks_time(self):
        # An hour leaves no doubt, however slow this machine is today.
        self.secured(mode="standard_webhooks", secrets=[whsec(NEW_KEY)], tolerance="1h")
        for i, age in enumerate((0, 1800, -1800)):
            body = event(entity=f"e{i}")
            self.accepts(standard(NEW_KEY, body=body, age=age), None, body)
        for age in (7200, -7200):
            self.refuses(standard(NEW_KEY, age=age))
        self.refuses(standard(NEW_KEY, at=0))
        self.refuses(standard(NEW_KEY, at=10 ** 18))
        self.refuses(standard(NEW_KEY, at=-1))
        self.onceway.wait_log("it was signed too long ago")
        self.onceway.wait_log("it was signed in the future")
        self.finish()

    def test_replay_is_a_duplicate(self):
        # Within the tolerance a replayed request is authentic; it is the route that knows it.
        self.secured(mode="standard_webhooks", secrets=[whsec(NEW_KEY)])
        headers = standard(NEW_KEY)
        self.assertAnswer(self.post(self.onceway, BODY, headers=headers), 200, routed())
        self.assertAnswer(self.post(self.onceway, BODY, headers=headers), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_stranger_learns_nothing_else(self):
        # Neither what a body or a content type should be; only that the path exists.
        self.secured(mode="bearer", secrets=[NEW])
        challenge = 'Bearer realm="onceway"'
        self.refuses([("Content-Type", "text/plain")], challenge=challenge)
        for body in (b"nonsense", b"\xff", b"{}", b""):
            self.refuses(bearer(WRONG), body=body, challenge=challenge)
        self.assertAnswer(
            self.post(self.onceway, BODY, headers=bearer(NEW) + [("Content-Type", "text/plain")]),
            415)
        self.assertAnswer(self.post(self.onceway, b"nonsense", headers=bearer(NEW)), 422)
        self.finish()

    def test_connection_goes_on(self):
        self.secured(mode="bearer", secrets=[NEW])
        with self.connect(self.onceway) as c:
            c.post(BODY, headers=bearer(WRONG))
            c.post(BODY, headers=bearer(NEW))
            c.post(BODY, headers=bearer(WRONG))
            self.assertEqual([c.answer().status for _ in range(3)], [401, 200, 401])
        self.finish()

    def test_refusals_do_not_flood_the_log(self):
        self.secured(mode="bearer", secrets=[NEW])
        with self.connect(self.onceway) as c:
            for _ in range(500):
                c.post(BODY, headers=bearer(WRONG))
                self.assertEqual(c.answer().status, 401)
        self.assertEqual(self.onceway.metrics().get(
            "onceway_auth_failures_total", source="dataaction"), 500)
        self.assertLess(self.onceway.log().count("was refused with 401"), 500)
        self.finish()


if __name__ == "__main__":
    unittest.main()
