"""TLS peers of Onceway: Python's own, so that both ends are not ours."""
import pathlib
import socket
import ssl
import subprocess
import tempfile

import client
from daemon import BUILD_DIR

# What secrets look like in a log, if they ever came there.
KEY_TEXT = "PRIVATE KEY"


class Certificates:
    """A directory of certificates made anew; see tests/tls/certificates.h."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-tls-")
        self.directory = pathlib.Path(self.temporary.name)
        subprocess.run([str(BUILD_DIR / "tests/tls/certificates"), str(self.directory)], check=True)

    def __call__(self, name):
        return str(self.directory / name)

    def pair(self, name):
        """The options of a certificate and its key."""
        return {"certificate": self(f"{name}.pem"), "key": self(f"{name}.key")}

    def replace(self, name, by):
        """As a careful program does: the file is the old one or the new one, never half."""
        new = self.directory / "new"
        new.write_bytes((self.directory / by).read_bytes())
        new.rename(self.directory / name)

    def close(self):
        self.temporary.cleanup()

    def key_lines(self):
        for file in self.directory.glob("*.key"):
            yield from (x for x in file.read_text().splitlines() if "-----" not in x)

    def server(self, name="server", version=None, asks=None):
        """What a server of ours speaks with. version: the only one; asks: for certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self(f"{name}.pem"), self(f"{name}.key"))
        if version:
            context.minimum_version = context.maximum_version = version
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self(asks))
        return context

    def client(self, ca="ca.pem", name=None, version=None):
        context = ssl.create_default_context(cafile=self(ca))
        if name:
            context.load_cert_chain(self(f"{name}.pem"), self(f"{name}.key"))
        if version:
            context.minimum_version = context.maximum_version = version
        return context


class Connection(client.Connection):
    """A client of a TLS listener. An end without TLS's farewell is an error."""

    def __init__(self, port, context, host="localhost", session=None):
        super().__init__(port)
        self.socket = context.wrap_socket(
            self.socket, server_hostname=host, session=session, suppress_ragged_eofs=False)

    def raw_half_close(self):
        """Ends the sending side of the connection below TLS."""
        with socket.socket(fileno=self.socket.fileno()) as raw:
            raw.shutdown(socket.SHUT_WR)
            raw.detach()


class ByHand:
    """TLS without a socket of its own: for what SSLSocket does not let one do."""

    def __init__(self, port, context):
        self.raw = socket.create_connection(("127.0.0.1", port), timeout=client.TIMEOUT)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def close(self):
        self.raw.close()

    def flush(self):
        self.raw.sendall(self.outgoing.read())

    def receive(self):
        data = self.raw.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def run(self, function, *arguments):
        while True:
            try:
                result = function(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                self.receive()

    def farewell(self):
        """Says that no more comes, and goes on reading."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()
