"""Plays AWS for a sink: gives credentials away, and takes calls that are signed with them.

One server has all of it: instance metadata (version 2), a container's endpoint,
STS, and a service that speaks AWS JSON 1.0. Signatures are computed here by the
steps of AWS' documentation, and compared.
"""
import datetime
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.parse

from case import Answer
from sink import Sink

REGION, SERVICE = "eu-central-1", "test"
ROLES = "/latest/meta-data/iam/security-credentials/"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")
STS = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Credentials>
      <AccessKeyId>{AccessKeyId}</AccessKeyId>
      <SecretAccessKey>{SecretAccessKey}</SecretAccessKey>
      <SessionToken>{Token}</SessionToken>
      <Expiration>{Expiration}</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>
"""


def stamp(seconds):
    then = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return then.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def hmac_of(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(request, names, secret, scope):
    """What the request's signature must be."""
    path, _, query = request.target.partition("?")
    headers = [f"{n}:{' '.join(request.header(n).split())}" for n in names]
    canonical = "\n".join([request.method, path, query, *headers, "", ";".join(names),
                           hashlib.sha256(request.body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", request.header("x-amz-date"), "/".join(scope),
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac_of(key, part)
    return hmac_of(key, text).hex()


class Aws:
    """life: of credentials, in seconds. ahead: what the service's clock is ahead of ours."""

    def __init__(self, life=3600.0, ahead=0):
        self.life, self.ahead = life, ahead
        self.lock = threading.Lock()
        self.keys = {}  # access key: (secret, token, end)
        self.fetches, self.asked = 0, []
        self.calls = []  # (access key, error or None)
        self.refuse = []  # errors that the next calls get
        self.sink = Sink(choose=self.answer)
        self.url = f"http://127.0.0.1:{self.sink.port}"

    def used(self):
        """The keys that calls were accepted with, in order, each once."""
        return list(dict.fromkeys(key for key, error in list(self.calls) if not error))

    # ---- credentials

    def credentials(self):
        with self.lock:
            self.fetches += 1
            key, end = f"AKID{self.fetches}", time.time() + self.life
            self.keys[key] = (f"secret/{key}", f"token/{key}==", end)
        return {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": f"secret/{key}",
                "Token": f"token/{key}==", "Expiration": stamp(end)}

    def instance(self, request):
        if request.target == "/latest/api/token":
            good = request.method == "PUT" and request.header(
                "x-aws-ec2-metadata-token-ttl-seconds")
            return Answer(200 if good else 400, b"session")
        if request.header("x-aws-ec2-metadata-token") != "session":
            return Answer(401, b"")
        if request.target == ROLES:
            return Answer(200, b"worker")
        return Answer(200, json.dumps(self.credentials()).encode())

    def container(self, request):
        self.asked.append(request.header("authorization"))
        return Answer(200, json.dumps(self.credentials()).encode())

    def sts(self, request):
        form = urllib.parse.parse_qs(request.body.decode(), strict_parsing=True)
        self.asked.append({name: values[0] for name, values in form.items()})
        return Answer(200, STS.format(**self.credentials()).encode())

    # ---- the service

    def problem(self, request):
        """What is wrong with a call: an error's code, or None."""
        match = AUTHORIZATION.fullmatch(request.header("authorization") or "")
        if not match:
            return "MissingAuthenticationToken"
        key, *scope, names, given = match.groups()
        secret, token, end = self.keys.get(key, ("", "", 0))
        sent = datetime.datetime.strptime(request.header("x-amz-date"), "%Y%m%dT%H%M%S%z")
        if scope[1:] != [REGION, SERVICE] or request.header("x-amz-security-token") != token:
            return "UnrecognizedClientException"
        if given != signature(request, names.split(";"), secret, [*scope, "aws4_request"]):
            return "SignatureDoesNotMatch"
        if abs(sent.timestamp() - time.time() - self.ahead) > 300:
            return "InvalidSignatureException"
        return "ExpiredTokenException" if time.time() > end else None

    def service(self, request):
        problem = self.problem(request)
        with self.lock:
            if not problem and self.refuse:
                problem = self.refuse.pop(0)
        key = AUTHORIZATION.match(request.header("authorization") or "")
        self.calls.append((key and key[1], problem))
        now = datetime.datetime.fromtimestamp(time.time() + self.ahead, datetime.timezone.utc)
        headers = [("Date", now.strftime("%a, %d %b %Y %H:%M:%S GMT"))]
        if problem:
            return Answer(400, json.dumps({"__type": f"com.amazon.coral.service#{problem}",
                                           "message": "No."}).encode(), headers)
        return Answer(200, b'{"done":true}', headers)

    def answer(self, request):
        if request.target.startswith("/latest/"):
            return self.instance(request)
        if request.target == "/credentials":
            return self.container(request)
        return self.service(request) if request.header("x-amz-target") else self.sts(request)
