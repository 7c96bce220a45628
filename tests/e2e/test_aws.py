"""plugins/lib/aws in the daemon: credentials that expire while events come, from each place."""
import os
import pathlib
import tempfile
import time
import unittest
from unittest import mock

from aws import REGION, Aws
from case import Case, configuration, event, routed, together
from daemon import BUILD_DIR, PATIENCE

MODULES = [str(pathlib.Path(BUILD_DIR).resolve() / "tests/e2e/.libs")]


class Calls(Case):
    def setUp(self):
        self.files = pathlib.Path(self.enterContextOf(tempfile.TemporaryDirectory()))
        self.sent = 0

    def enterContextOf(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def serve(self, variables=(), **how):
        """AWS, and a daemon that calls it. variables: a function of its URL."""
        self.aws = Aws(**how)
        self.sinks.append(self.aws.sink)
        # No credentials and no metadata of the machine that the tests run on.
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        clean.update(HOME=str(self.files), AWS_EC2_METADATA_DISABLED="true")
        clean.update(variables(self.aws.url) if variables else {})
        with mock.patch.dict(os.environ, clean, clear=True):
            config = configuration(
                0, onceway={"plugin_path": MODULES, "workers": 1},
                sink={"plugin": "aws_caller", "url": None, "retry": None, "region": REGION,
                      "endpoint": self.aws.url})
            self.onceway = self.daemon_of(config)

    def send(self):
        self.sent += 1
        trigger = f"trg-{self.sent}"
        self.assertAnswer(self.post(self.onceway, event(trigger)), 200, routed(trigger))

    def outlive_keys(self, count):
        """Sends until calls were made with so many keys; every single event is delivered."""
        end = time.monotonic() + PATIENCE
        while len(self.aws.used()) < count:
            self.assertLess(time.monotonic(), end, self.aws.calls)
            self.send()
            time.sleep(0.02)
        self.assertEqual(len([e for _, e in self.aws.calls if not e]), self.sent)


def instance(url):
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}


class Expiry(Calls):
    def test_instance(self):
        self.serve(instance, life=2)
        self.outlive_keys(3)

    def test_container(self):
        token = self.files / "token"
        token.write_text("first\n")
        self.serve(lambda url: {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}, life=2)
        self.outlive_keys(1)
        token.write_text("second\n")
        self.outlive_keys(3)
        self.assertEqual(self.aws.asked[0], "first")
        self.assertEqual(self.aws.asked[-1], "second")

    def test_web_identity(self):
        token = self.files / "token"
        token.write_text("first.jwt")
        self.serve(lambda url: {
            "AWS_ENDPOINT_URL_STS": url, "AWS_ROLE_ARN": "arn:aws:iam::1:role/worker",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}, life=2)
        self.outlive_keys(1)
        token.write_text("second.jwt")
        self.outlive_keys(3)
        self.assertEqual(self.aws.asked[0], {
            "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
            "RoleArn": "arn:aws:iam::1:role/worker", "RoleSessionName": "onceway",
            "WebIdentityToken": "first.jwt"})
        self.assertEqual(self.aws.asked[-1]["WebIdentityToken"], "second.jwt")


class Once(Calls):
    def test_one_request_however_many_wait(self):
        self.serve(instance)
        answers = together(lambda i: self.post(self.onceway, event(f"t{i}")), list(range(20)))
        self.assertEqual([a.status for a in answers], [200] * 20)
        self.assertEqual(self.aws.fetches, 1)
        self.assertEqual(len(self.aws.calls), 20)

    def test_the_service_says_expired(self):
        self.serve(instance)
        self.send()
        time.sleep(1.1)  # new ones are not fetched within a second of the last
        self.aws.refuse = ["ExpiredTokenException"]
        self.send()
        self.assertEqual(self.aws.calls, [
            ("AKID1", None), ("AKID1", "ExpiredTokenException"), ("AKID2", None)])

    def test_a_clock_that_is_wrong(self):
        self.serve(instance, ahead=7200)
        self.send()
        self.send()
        self.assertEqual([error for _, error in self.aws.calls],
                         ["InvalidSignatureException", None, None])
        self.onceway.wait_log(r"this machine's clock is (7199|7200|7201) s behind that of 127")

    def test_nobody_to_be(self):
        self.serve()
        answer = self.post(self.onceway, event())
        self.assertEqual(answer.status, 502)
        self.onceway.wait_log(
            "no AWS credentials: options: access_key_id is not set; environment: ")
        self.assertEqual(self.aws.calls, [])


if __name__ == "__main__":
    unittest.main()
