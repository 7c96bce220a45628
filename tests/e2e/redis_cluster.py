"""Real Redis Clusters for tests: their slots move, their nodes come, go and take over."""
import random
import socket

from daemon import wait_until
from redis_server import RedisError, Server


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


class Node(Server):
    """A server of a cluster."""

    find_port = staticmethod(free_pair)

    def __init__(self, *arguments):
        super().__init__(
            "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
            "--cluster-node-timeout", "1500", "--cluster-replica-validity-factor", "0",
            "--repl-diskless-sync-delay", "0", *arguments)
        self.id = self.ask("CLUSTER", "MYID")

    def info(self, section, name):
        """A field of INFO or, with section None, of CLUSTER INFO."""
        text = self.ask("INFO", section) if section else self.ask("CLUSTER", "INFO")
        return dict(x.split(":", 1) for x in text.splitlines() if ":" in x).get(name)

    def onceways(self):
        """How many connections it has that are Onceway's."""
        return self.ask("CLIENT", "LIST").count("name=onceway-")


class SecureNode(Node):
    """One that speaks TLS alone, also with the others."""

    def _ports(self):
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
