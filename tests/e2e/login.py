"""Plays a token endpoint and the system behind it, which takes its tokens and no others."""
import json
import threading
import time
import urllib.parse

from sink import Answer, Sink

CLIENT, SECRET = "us", "hunter2-client-secret"


class Login:
    """life: of a token, in seconds. expires_in: what is said of it, if that is something else."""

    def __init__(self, life=3600.0, tls=None, **answer):
        self.life, self.said = life, answer
        self.lock = threading.Lock()
        self.tokens = {}  # token: when it ends
        self.asked = []  # members of each request for a token
        self.refusals = 0  # requests without a good token
        self.instead = None  # what requests for a token get, while it is set
        self.gate = None  # requests for a token wait for it
        self.refusal_gate = None  # so do those that are refused
        self.sink = Sink(choose=self.answer, tls=tls)
        self.port = self.sink.port

    def url(self, path, host="127.0.0.1"):
        return f"{'https' if self.sink.tls else 'http'}://{host}:{self.port}{path}"

    def options(self, host="127.0.0.1", **more):
        return {"token_url": self.url("/token", host), "client_id": CLIENT,
                "client_secret": SECRET, **more}

    def revoke(self):
        """No token is good any more."""
        with self.lock:
            self.tokens.clear()

    @property
    def events(self):
        """Requests that came with a good token."""
        return [r for r in self.sink.requests if r.target != "/token" and r.good]

    def used(self):
        """The tokens that events were accepted with, in order, each once."""
        return list(dict.fromkeys(r.header("authorization") for r in self.events))

    # ---- serving

    @staticmethod
    def members(request):
        if request.header("content-type") == "application/json":
            return json.loads(request.body)
        form = urllib.parse.parse_qs(request.body.decode(), strict_parsing=True)
        return {name: values[0] for name, values in form.items()}

    def token(self, request):
        members = self.members(request)
        with self.lock:
            self.asked.append(members)
            token, gate = f"token-{len(self.asked)}", self.gate
            if self.instead:
                return self.instead
            if members.get("client_secret") != SECRET:
                return Answer(401, b'{"error":"invalid_client"}', gate=gate)
            self.tokens["Bearer " + token] = time.monotonic() + self.life
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.life}
        body.update(self.said)
        return Answer(200, json.dumps(body).encode(), gate=gate)

    def answer(self, request):
        if request.target == "/token":
            return self.token(request)
        with self.lock:
            end = self.tokens.get(request.header("authorization"), 0)
            request.good = end > time.monotonic()
            self.refusals += not request.good
        return Answer() if request.good else Answer(401, b"", gate=self.refusal_gate)
