"""Plays AWS Lambda for a function: the Runtime API, as its documentation has it.

Strict where Lambda is: one invocation at a time, each answered once, under its
own id, before the next one is asked for. What a function did wrong is in
`faults`, which every test looks at when it ends.
"""
import json
import queue
import threading
import time

from daemon import PATIENCE, wait_until
from sink import Answer, Sink

VERSION = "/2018-06-01/runtime"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
ACCEPTED = Answer(202, b'{"status":"OK"}\n', [("Content-Type", "application/json")])


class Invocation:
    def __init__(self, number, body, seconds):
        self.id = f"8476a536-e9f4-11e8-9739-{number:012x}"
        self.body = body
        self.deadline_ms = int((time.time() + seconds) * 1000)
        self.kind = self.request = None  # "response" or "error", when it is answered
        self.ended = threading.Event()

    def wait(self):
        if not self.ended.wait(PATIENCE):
            raise AssertionError(f"invocation {self.id} was not answered")
        return self

    @property
    def answer(self):
        """What the function returned. It must not have failed."""
        self.wait()
        if self.kind != "response":
            raise AssertionError(f"not a response: {self.request}")
        return json.loads(self.request.body)

    @property
    def error(self):
        """(type, message) of the error that the function reported."""
        self.wait()
        if self.kind != "error":
            raise AssertionError(f"not an error: {self.request}")
        said = json.loads(self.request.body)
        if self.request.header("Lambda-Runtime-Function-Error-Type") != said["errorType"]:
            raise AssertionError(f"two types: {self.request}")
        return said["errorType"], said["errorMessage"]


class LambdaApi(Sink):
    def __init__(self):
        self.waiting = queue.Queue()
        self.current = None
        self.count = self.processes = 0
        self.asked = 0  # how often the next one was asked for
        self.init_errors, self.faults = [], []
        self.gone = False  # it hangs up instead of answering
        self.broken = False  # it answers 500 to everything
        super().__init__(choose=self._choose)

    @property
    def environment(self):
        return {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.port}"}

    def invoke(self, body, seconds=300):
        """Gives an event to the function; its answer comes later."""
        self.count += 1
        invocation = Invocation(self.count, body, seconds)
        self.waiting.put(invocation)
        return invocation

    def wait_asked(self, count=1):
        wait_until(lambda: self.asked >= count, f"the function asks {count} times")

    def forget(self):
        """The process was ended: what it had, or asked for, is not answered any more."""
        self.processes += 1
        self.current = None

    # ---- serving

    def _fault(self, what, status=400):
        self.faults.append(what)
        return Answer(status, b'{"errorType":"InvalidStateTransition"}')

    def _choose(self, request):
        if self.gone:
            return Answer(act="close")
        if self.broken:
            return Answer(500, b'{"errorMessage":"container error","errorType":"x"}')
        if (request.method, request.target) == ("GET", VERSION + "/invocation/next"):
            return self._next()
        if (request.method, request.target) == ("POST", VERSION + "/init/error"):
            self.init_errors.append(request)
            return ACCEPTED
        return self._answered(request)

    def _next(self):
        self.asked += 1
        if self.current:
            return self._fault(f"{self.current.id} is not answered", 403)
        process = self.processes
        while not self.closing.is_set() and not self.gone and process == self.processes:
            try:
                invocation = self.waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            if process != self.processes:
                self.waiting.put(invocation)  # it is for the next one
                break
            self.current = invocation
            return Answer(200, invocation.body, [
                ("Content-Type", "application/json"),
                ("Lambda-Runtime-Aws-Request-Id", invocation.id),
                ("Lambda-Runtime-Trace-Id", TRACE),
                ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x:1:function:f"),
                ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms))])
        return Answer(act="close")

    def _answered(self, request):
        invocation = self.current
        for kind in ("response", "error"):
            if (request.method == "POST" and invocation and
                    request.target == f"{VERSION}/invocation/{invocation.id}/{kind}"):
                self.current = None
                invocation.kind, invocation.request = kind, request
                invocation.ended.set()
                return ACCEPTED
        return self._fault(f"{request.method} {request.target}")
