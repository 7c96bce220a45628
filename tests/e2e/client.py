"""An HTTP/1.1 client that sends exactly the bytes it is told to and reads answers strictly."""
import re
import socket
import struct

PATH = "/webhook/dataaction"
TIMEOUT = 100

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([\t -~]*)\Z")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*\Z")


class Closed(Exception):
    """The peer closed where an answer, or the rest of one, should have come."""


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """The field's value; None if it is missing; more than one is an error."""
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"{name} stands {len(values)} times in the answer")
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def request_bytes(method, target, body=b"", headers=()):
    """A well-formed request. headers come last and may repeat what is there already."""
    given = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in given:
        lines.append("Host: onceway.test")
    if body and "content-type" not in given:
        lines.append("Content-Type: application/json")
    if (body or method in ("POST", "PUT")) and "content-length" not in given \
            and "transfer-encoding" not in given:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers if value is not None]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes so that the peer sees a reset, not an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.socket.sendall(data)

    def post(self, body, path=PATH, headers=()):
        self.send(request_bytes("POST", path, body, headers))

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(f"closed after {self.pending[:200]!r}")
        self.pending += data

    def _head(self):
        while b"\r\n\r\n" not in self.pending:
            self._more()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        first = STATUS_LINE.match(lines[0])
        fields = [FIELD.match(line) for line in lines[1:]]
        if not first or not all(fields):
            raise AssertionError(f"this is not the head of an answer: {head!r}")
        return int(first[1]), [(f[1].decode(), f[2].decode("latin-1")) for f in fields]

    def answer(self, head_only=False):
        """Reads one answer."""
        status, headers = self._head()
        response = Response(status, headers, b"")
        if head_only or status < 200 or status in (204, 304):
            return response
        length = int(response.header("Content-Length"))
        while len(self.pending) < length:
            self._more()
        response.body, self.pending = self.pending[:length], self.pending[length:]
        return response

    def is_closed(self):
        """Waits for the peer to say something or to close; True if it closed."""
        try:
            self._more()
        except Closed:
            return True
        return False

    def is_silent(self, seconds):
        """True if nothing at all comes for that long, not even the end."""
        self.socket.settimeout(seconds)
        try:
            self._more()
            return False
        except socket.timeout:
            return True
        except Closed:
            return False
        finally:
            self.socket.settimeout(TIMEOUT)


def ask(port, method, target, body=b"", headers=()):
    """One request on a connection of its own."""
    with Connection(port) as c:
        c.send(request_bytes(method, target, body, headers))
        return c.answer(head_only=method == "HEAD")


def post(port, body, path=PATH, headers=()):
    return ask(port, "POST", path, body, headers)
