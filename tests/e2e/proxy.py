"""An HTTP proxy: CONNECT and whole targets, with a user and password if it wants one."""
import base64
import socket
import threading

from sink import shut


class Proxy:
    """refuse: a status that every request gets. to: where names lead, in place of the system's."""

    def __init__(self, user=None, refuse=None, to="127.0.0.1"):
        self.user, self.refuse, self.to = user, refuse, to
        self.heads = []  # of what it was asked
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def release(self):
        """As of a Sink: nothing here waits for the test."""

    def close(self):
        shut(self.socket)
        self.socket.close()
        for s in list(self.sockets):
            shut(s)

    def url(self, user=""):
        return f"http://{user}127.0.0.1:{self.port}"

    @property
    def asked(self):
        """Method and target of each."""
        return [" ".join(h.split(" ")[:2]) for h in self.heads]

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        self.sockets.add(client)
        try:
            self._request(client)
        except OSError:
            pass
        finally:
            self.sockets.discard(client)
            client.close()

    def _request(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        status = self._refusal(head)
        if status:
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status)
            return
        method, target, _ = head.decode().split("\r\n")[0].split(" ")
        if method == "CONNECT":
            peer = self._connect(client, target)
            if peer:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._pass_on(client, peer, rest)
            return
        place, _, path = target.removeprefix("http://").partition("/")
        peer = self._connect(client, place)
        if peer:
            self._pass_on(client, peer, self._for_origin(head, path) + rest)

    def _refusal(self, head):
        if self.refuse:
            return self.refuse
        if self.user is None:
            return None
        wanted = b"proxy-authorization: basic " + base64.b64encode(self.user.encode())
        lines = [x for x in head.split(b"\r\n") if x.lower().startswith(b"proxy-auth")]
        good = [x for x in lines if x[:27].lower() + x[27:] == wanted]
        return None if len(lines) == 1 and good else 407

    def _connect(self, client, place):
        port = int(place.rpartition(":")[2])
        try:
            return socket.create_connection((self.to, port))
        except OSError:
            client.sendall(b"HTTP/1.1 502 No\r\nContent-Length: 2\r\n\r\nno")
            return None

    @staticmethod
    def _for_origin(head, path):
        """The request as the origin expects it, on a connection of its own."""
        lines = head.split(b"\r\n")
        method, _, version = lines[0].split(b" ")
        kept = [x for x in lines[1:] if not x.lower().startswith(b"proxy-")]
        first = b" ".join([method, b"/" + path.encode(), version])
        return b"\r\n".join([first, *kept, b"", b""])

    def _pass_on(self, client, peer, first):
        self.sockets.add(peer)
        peer.sendall(first)
        back = threading.Thread(target=self._copy, args=(peer, client), daemon=True)
        back.start()
        self._copy(client, peer)
        back.join()
        self.sockets.discard(peer)
        peer.close()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            shut(target)
