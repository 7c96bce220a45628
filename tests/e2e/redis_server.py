"""Real Redis servers for tests: started on free ports, asked, stopped, killed and paused."""
import pathlib
import random
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


def free_pair():
    """A port for a cluster's node; its bus takes the one 10000 above, which is free too.

    Both are below those that the kernel gives to whoever asks for any: nobody
    comes by one of them by chance while the node is down for a moment.
    """
    while True:
        port = random.randrange(10000, 22000)
        try:
            for number in (port, port + 10000):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", number))
            return port
        except OSError:
            pass


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

    def listening(self):
        return ["--port", str(self.port)]

    def start(self):
        """The first time on any port; later on the same."""
        fixed = self.port is not None
        for _ in range(20):
            self.port = self.port if fixed else self.find_port()
            with open(self.directory / "log", "ab") as log:
                self.process = subprocess.Popen(
                    [PROGRAM, *self.listening(), "--bind", "127.0.0.1", "--unixsocket", self.path, "--dir", str(self.directory),
                     "--save", "", "--appendonly", "no", "--enable-debug-command", "yes",
                     *self.arguments],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if self._answers():
                return
            self.stop()
        raise AssertionError((self.directory / "log").read_text())

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


class Node(Server):
    """A server of a cluster."""

    find_port = staticmethod(free_pair)

    def __init__(self, *arguments):
        super().__init__(
            "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
            "--cluster-node-timeout", "1500", "--cluster-replica-validity-factor", "0",
            "--repl-diskless-sync-delay", "0", *arguments)
        self.id = self.ask("CLUSTER", "MYID")

    @property
    def place(self):
        return f"127.0.0.1:{self.port}"

    def info(self, section, name):
        """A field of INFO or, with section None, of CLUSTER INFO."""
        text = self.ask("INFO", section) if section else self.ask("CLUSTER", "INFO")
        return dict(x.split(":", 1) for x in text.splitlines() if ":" in x).get(name)

    def onceways(self):
        """How many connections it has that are Onceway's."""
        return self.ask("CLIENT", "LIST").count("name=onceway-")


class SecureNode(Node):
    """One that speaks TLS alone, also with the others."""

    def listening(self):
        return ["--port", "0", "--tls-port", str(self.port), "--tls-cluster", "yes",
                "--tls-replication", "yes", "--tls-auth-clients", "no"]


class Cluster:
    """Real nodes: masters that share the slots evenly, and as many replicas of each as wanted."""

    def __init__(self, masters=3, replicas=1, make=Node, arguments=()):
        self.nodes = []
        try:
            for _ in range(masters * (1 + replicas)):
                self.nodes.append(make(*arguments))
            self.masters, rest = self.nodes[:masters], self.nodes[masters:]
            for n, master in enumerate(self.masters):
                master.ask("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
                first, end = (16384 * i // masters for i in (n, n + 1))
                master.ask("CLUSTER", "ADDSLOTS", *range(first, end))
            for node in self.nodes[1:]:
                self.meet(node)
            for n, replica in enumerate(rest):
                self.follow(replica, self.masters[n % masters])
            self.wait()
        except BaseException:
            self.close()
            raise

    def meet(self, node):
        first = self.nodes[0]
        node.ask("CLUSTER", "MEET", "127.0.0.1", first.port)

    def follow(self, replica, master):
        def known():
            try:
                return replica.ask("CLUSTER", "REPLICATE", master.id)
            except RedisError:
                return None
        wait_until(known, "a master its replica knows")

    def wait(self):
        """Until all nodes agree that it serves, and replicas have what their masters have."""
        def whole():
            return all(
                n.info(None, "cluster_state") == "ok"
                and n.info(None, "cluster_known_nodes") == str(len(self.nodes))
                and n.info("replication", "master_link_status") in (None, "up")
                for n in self.nodes if n.process.poll() is None) and self._agree()
        wait_until(whole, "a whole cluster")

    def _agree(self):
        views = {str(sorted((r[0], r[1], r[2][1], len(r)) for r in n.ask("CLUSTER", "SLOTS")))
                 for n in self.nodes if n.process.poll() is None}
        return len(views) == 1

    def add(self, *arguments):
        """One more master, without slots."""
        node = Node(*arguments)
        self.nodes.append(node)
        self.meet(node)
        self.wait()
        return node

    def master_of(self, slot):
        for first, last, master, *_ in self.alive().ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(n for n in self.nodes if n.port == master[1])
        return None

    def alive(self):
        return next(n for n in self.nodes if n.process.poll() is None and not n.paused)

    def replica_of(self, master):
        return next(n for n in self.nodes if n.info("replication", "master_port") ==
                    str(master.port))

    def begin_moving(self, slot, target):
        """The slot's keys can be moved from now on; returns where it was."""
        source = self.master_of(slot)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        return source

    @staticmethod
    def move_keys(slot, source, target, count):
        """As many of the slot's keys as there are, up to count; returns how many."""
        keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, count)
        if keys:
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 10000, "KEYS", *keys)
        return len(keys)

    def end_moving(self, slot, source, target):
        for node in (target, source, *self.nodes):
            if node.info("replication", "role") == "master":
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def move(self, slot, target):
        source = self.begin_moving(slot, target)
        while self.move_keys(slot, source, target, 100):
            pass
        self.end_moving(slot, source, target)

    def close(self):
        for node in self.nodes:
            node.close()


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
