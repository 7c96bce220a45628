"""Real Redis servers for tests: started on free ports, asked, stopped, killed and paused."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from daemon import PATIENCE, wait_until

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RedisError(Exception):
    """What Redis answered with a minus sign."""


class Client:
    """A few lines of RESP: commands in order, replies as int, str, None, list or RedisError."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *words):
        parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        data = b"*%d\r\n" % len(parts)
        data += b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        self.socket.sendall(data)

    def reply(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RedisError(rest)
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if rest == "-1":
            return None
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2].decode()
        return [self.reply() for _ in range(int(rest))]

    def __call__(self, *words):
        self.send(*words)
        return self.reply()


class Server:
    """One redis-server; nothing of it is left when it is closed."""

    find_port = staticmethod(free_port)

    def __init__(self, *arguments):
        if not PROGRAM:
            raise unittest.SkipTest("redis-server is not installed")
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-redis-")
        self.directory = pathlib.Path(self.temporary.name)
        self.path = str(self.directory / "redis.sock")
        self.arguments = arguments
        self.port = self.process = None
        self.paused = False
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """The first time on any port; later on the same."""
        fixed = self.port is not None
        for _ in range(20):
            self.port = self.port if fixed else self.find_port()
            with open(self.directory / "log", "ab") as log:
                self.process = subprocess.Popen(
                    [PROGRAM, *self._words(), *self._ports(), "--bind", "127.0.0.1",
                     "--unixsocket", self.path, "--dir", str(self.directory),
                     *self.arguments],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if self._answers():
                return
            self.stop()
        raise AssertionError((self.directory / "log").read_text())

    def _ports(self):
        return ["--port", str(self.port)]

    def _words(self):
        return ["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]

    def _answers(self):
        def asked():
            if self.process.poll() is not None:
                return "ended"
            try:
                with Client(self.path) as c:
                    c.send("PING")
                    try:
                        c.reply()
                    except RedisError:
                        pass  # it wants a password: it is there
                return "there"
            except OSError:
                return False
        return wait_until(asked, "start of redis-server") == "there"

    def client(self):
        return Client(self.path)

    def ask(self, *words):
        with self.client() as c:
            return c(*words)

    def calls(self, *names):
        """How often each command was carried out since the start."""
        out = {}
        for line in self.ask("INFO", "commandstats").splitlines():
            if line.startswith("cmdstat_"):
                name, rest = line[len("cmdstat_"):].split(":", 1)
                out[name] = int(rest.split(",")[0].split("=")[1])
        return {n: out.get(n, 0) for n in names} if names else out

    def pause(self):
        """It takes connections and bytes, and does nothing about them."""
        self.paused = True
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.resume()
            self.kill()

    def close(self):
        self.stop()
        self.temporary.cleanup()


class Sentinel(Server):
    """One of those that watch a master. It is quick to give it up."""

    def __init__(self, master, name, quorum, *arguments):
        self.monitor = f"sentinel monitor {name} 127.0.0.1 {master} {quorum}\n" \
            f"sentinel down-after-milliseconds {name} 2000\n" \
            f"sentinel failover-timeout {name} 4000\n"
        super().__init__(*arguments)

    def _words(self):
        file = self.directory / "sentinel.conf"
        if not file.exists():
            file.write_text(self.monitor)
        return [str(file), "--sentinel"]


class Sentinels:
    """A master, its replicas, and sentinels that watch them."""

    def __init__(self, name="mymaster", replicas=2, sentinels=3, arguments=(), watch=()):
        self.name = name
        self.servers, self.sentinels = [], []
        try:
            self.servers.append(Server(*arguments))
            first = self.servers[0].port
            for _ in range(replicas):
                self.servers.append(
                    Server("--replicaof", "127.0.0.1", str(first), *arguments))
            for _ in range(sentinels):
                self.sentinels.append(Sentinel(first, name, sentinels // 2 + 1, *watch))
            wait_until(self.complete, "the sentinels to know all of each other")
        except BaseException:
            self.close()
            raise

    def close(self):
        for s in self.sentinels + self.servers:
            s.close()

    def repair(self):
        """Everybody lives, and a failover can be done."""
        for s in self.servers + self.sentinels:
            if s.process.poll() is None:
                s.resume()
            else:
                s.start()
        wait_until(self.complete, "the group to be whole again", 3 * PATIENCE)

    def complete(self):
        """Whether a failover can be done: all know each other, and the replicas have it all."""
        for s in self._living(self.sentinels):
            fields = s.ask("SENTINEL", "MASTER", self.name)
            state = dict(zip(fields[::2], fields[1::2]))
            if state["flags"] != "master" or int(state["num-slaves"]) < len(self.servers) - 1 \
                    or int(state["num-other-sentinels"]) < len(self.sentinels) - 1:
                return False
        return all(self._in_sync(s) for s in self._living(self.servers))

    def _in_sync(self, server):
        info = server.ask("INFO", "replication")
        return "role:master" in info or "master_link_status:up" in info

    @staticmethod
    def _living(servers):
        return [s for s in servers if s.process and s.process.poll() is None]

    @property
    def nodes(self):
        return [s.address for s in self.sentinels]

    def port(self, sentinel=None):
        """Where the master is, as a sentinel has it."""
        sentinel = sentinel or self._living(self.sentinels)[0]
        return int(sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)[1])

    def master(self, sentinel=None):
        port = self.port(sentinel)
        return next(s for s in self.servers if s.port == port)

    def replicas(self):
        master = self.master()
        return [s for s in self._living(self.servers) if s is not master]

    def wait_another(self, old):
        """Waits for a master that is not the old one, and returns it."""
        def found():
            master = self.master()
            return master is not old and "role:master" in master.ask("INFO", "replication") \
                and master
        return wait_until(found, "a failover", 3 * PATIENCE)


class Proxy:
    """Passes bytes between a client and a port; can cut connections in the middle of a reply.

    cut_after(n): of what the server sends, n more bytes pass; then both sides are closed.
    """

    def __init__(self, port):
        self.target = port
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        self.left = None
        self.cuts = 0
        self.lock = threading.Lock()
        self.sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def cut_after(self, count):
        with self.lock:
            self.left = count

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            with self.lock:
                self.sockets |= {client, server}
            for a, b, back in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(a, b, back), daemon=True).start()

    def _pass(self, source, target, back):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                end = False
                if back:
                    with self.lock:
                        if self.left is not None:
                            data, self.left = data[:self.left], self.left - len(data)
                            if self.left <= 0:
                                end, self.left = True, None
                                self.cuts += 1
                target.sendall(data)
                if end:
                    break
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        with self.lock:
            for s in self.sockets:
                s.close()
