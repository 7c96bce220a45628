"""A scripted HTTP server that plays the system behind Onceway.

It records each request with its time, and answers by script: the n-th request
gets the n-th Answer, later ones the default. Requests that come together have
no order: give `choose`, a function of the request, instead.
"""
import dataclasses
import socket
import struct
import threading
import time
import typing

from daemon import PATIENCE, wait_until


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b'{"ok":true}'
    headers: typing.Sequence = ()
    # Wait for this, or the end of the test, before answering.
    gate: threading.Event = None
    # answer | hang | reset | close | half (part of the body, then the end)
    # | garbage (not HTTP) | unlengthy (the body ends with the connection)
    # | farewell (the same, and TLS says so) | drip (a byte now and then, for ever)
    act: str = "answer"


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes
    at: float  # monotonic
    wall: float
    connection: int

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"{name} stands {len(values)} times in the request")
        return values[0] if values else None

    def all_headers(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]


def shut(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the peer was faster


class Sink:
    def __init__(self, *script, default=Answer(), choose=None, listening=True, tls=None):
        # tls: an ssl.SSLContext. Handshakes end as an entry of one of these.
        self.tls, self.tls_errors, self.resumed, self.certificates = tls, [], [], []
        self.script, self.default, self.choose = list(script), default, choose
        self.requests = []
        self.accepted = self.open = self.most_open = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.sockets = set()
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        # Until it listens, the port is taken and connections to it are refused.
        if listening:
            self.listen()

    def listen(self):
        self.socket.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    # ---- for tests

    def wait(self, count):
        """Waits for at least that many requests, and returns them all."""
        wait_until(lambda: len(self.requests) >= count, f"request {count} at the sink")
        return list(self.requests)

    @property
    def bodies(self):
        return [r.body for r in self.requests]

    def close_connections(self):
        """What the peer of an idle keep-alive connection may do at any time."""
        with self.lock:
            for s in self.sockets:
                shut(s)

    def release(self):
        """Ends every wait."""
        self.closing.set()

    def close(self):
        self.release()
        self.socket.close()
        with self.lock:
            for s in self.sockets:
                shut(s)

    # ---- serving

    def _accept(self):
        while not self.closing.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                self.sockets.add(connection)
                number = self.accepted
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection = self._secured(connection)
            pending = b""
            while pending is not None:
                request, pending = self._receive(connection, number, pending)
                if not request or not self._answer(connection, request):
                    break
        except OSError:
            pass
        finally:
            with self.lock:
                self.open -= 1
                self.sockets.discard(connection)
            connection.close()

    def _secured(self, connection):
        if not self.tls:
            return connection
        raw = connection.dup()  # wrapping takes the socket away, be it in vain
        try:
            wrapped = self.tls.wrap_socket(connection, server_side=True)
        except OSError as e:
            self.tls_errors.append(str(e))
            shut(raw)
            raise
        finally:
            with self.lock:
                self.sockets.discard(connection)
            raw.close()
        with self.lock:
            self.sockets.add(wrapped)
        self.resumed.append(wrapped.session_reused)
        self.certificates.append(wrapped.getpeercert())
        return wrapped

    @staticmethod
    def _receive(connection, number, pending):
        while b"\r\n\r\n" not in pending:
            data = connection.recv(65536)
            if not data:
                return None, None
            pending += data
        head, pending = pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        while len(pending) < length:
            data = connection.recv(65536)
            if not data:
                return None, None
            pending += data
        request = Request(
            method, target, headers, pending[:length], time.monotonic(), time.time(), number)
        return request, pending[length:]

    def _answer(self, connection, request):
        """Returns whether the connection goes on."""
        with self.lock:
            index = len(self.requests)
            answer = self.script[index] if index < len(self.script) else self.default
            self.requests.append(request)
        if self.choose:
            answer = self.choose(request)
        while answer.gate and not answer.gate.wait(0.2) and not self.closing.is_set():
            pass
        if answer.act == "hang":
            self.closing.wait(PATIENCE)
            return False
        if answer.act == "reset":
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer.act == "close":
            return False
        if answer.act == "garbage":
            connection.sendall(b"SMTP? 220 mail.example.com ready\r\n\r\n")
            return False
        body = answer.body
        head = f"HTTP/1.1 {answer.status} Scripted\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        if answer.act in ("unlengthy", "farewell"):
            connection.sendall(head.encode() + b"\r\n" + body)
            if answer.act == "farewell":
                connection.unwrap()
            return False
        if answer.status not in (204, 304):
            head += f"Content-Length: {len(body)}\r\n"
        else:
            body = b""
        if answer.act == "half":
            connection.sendall(head.encode() + b"\r\n" + body[:len(body) // 2])
            return False
        if answer.act == "drip":
            for byte in head.encode() + b"\r\n" + body:
                connection.sendall(bytes([byte]))
                if self.closing.wait(0.05):
                    break
            return False
        connection.sendall(head.encode() + b"\r\n" + body)
        return True
