"""Sentinels say where the master is: at the start, and when another one takes over."""
import json
import threading
import time
import unittest

from case import Answer, Case, Later, configuration, discarded, event, routed, wait_until
from redis_server import RedisError, Sentinel, Sentinels, Server, free_port
from secure import Certificates
from test_redis_outages import OutageCase

# A wait before the next try that would be noticed: news from a sentinel end it.
OPTIONS = {"timeout": "1s", "connect_timeout": "2s", "reconnect": {"base": "50ms", "max": "500ms"}}


class SentinelCase(OutageCase):
    """Nothing but what a test starts itself."""

    def setUp(self):
        Case.setUp(self)

    def group(self, **options):
        group = Sentinels(**options)
        self.addCleanup(group.close)
        return group

    def options(self, nodes, url="redis:///0", **more):
        return {"plugin": "redis", "url": url, "sweep_interval": "0s", "counter_prefix": "",
                **OPTIONS, "sentinel": {"master": "mymaster", "nodes": nodes, **more}}

    def start_with(self, nodes, *script, ready=True, store=(), route=(), **more):
        """A daemon that asks these sentinels; more: options of sentinel."""
        self.crm = self.sink(*script)
        self.onceway = self.another(nodes, ready=ready, store=store, route=route, **more)
        return self.onceway

    def another(self, nodes, ready=True, store=(), route=(), **more):
        onceway = self.daemon(self.crm, start=False, route=route, store={
            **self.options(nodes, **more), **dict(store)})
        return onceway.start(ready=ready)

    def assertOnce(self, trigger):
        """It comes, and once more, and is delivered once."""
        before = len(self.crm.requests)
        self.assertAnswer(self.insist(event(trigger)), 200, routed(trigger))
        self.assertAnswer(self.insist(event(trigger)), 200, discarded(trigger))
        self.assertEqual(self.crm.bodies[before:], [event(trigger)])


class Start(SentinelCase):
    def setUp(self):
        super().setUp()
        self.master = Server()
        self.addCleanup(self.master.close)

    def watcher(self, *arguments, port=None):
        sentinel = Sentinel(port or self.master.port, "mymaster", 1, *arguments)
        self.addCleanup(sentinel.close)
        return sentinel

    def test_the_first_that_answers_says_where(self):
        sentinel = self.watcher()
        for kind in ("closed", "hanging"):
            with self.subTest(kind):
                first = self.watcher()
                first.kill() if kind == "closed" else first.pause()
                self.start_with([first.address, sentinel.address])
                self.assertOnce(kind)
                self.onceway.wait_log(f"connected to Redis at 127.0.0.1:{self.master.port}/0")
                self.onceway.stop()

    def test_a_name_that_no_sentinel_knows(self):
        nodes = [self.watcher().address, self.watcher().address]
        self.start_with(nodes, ready=False, master="other")
        for node in nodes:
            self.assertUnready(f"{node}: does not know a master of that name (sentinel.master)")
        self.assertUnready("Redis, the master `other`: no sentinel says where it is: ")
        self.assertAnswer(self.post(self.onceway, event()), 503)
        self.assertEqual(self.crm.requests, [])

    def test_no_sentinel_yet(self):
        sentinel = self.watcher()
        sentinel.kill()
        self.start_with([sentinel.address], ready=False)
        self.assertUnready(f"{sentinel.address}: Connection refused")
        self.assertAnswer(self.post(self.onceway, event()), 503)
        sentinel.start()
        self.wait_ready()
        self.assertOnce("later")

    def test_what_is_no_sentinel(self):
        self.start_with([f"127.0.0.1:{self.master.port}"], ready=False)
        self.assertUnready("is no Sentinel: sentinel.nodes must name Sentinels")

    def test_the_sentinels_go_away(self):
        sentinel = self.watcher()
        self.start_with([sentinel.address])
        sentinel.kill()
        self.onceway.wait_log("a failover would not be noticed: .*Connection refused")
        self.assertEqual(self.onceway.admin("/readyz").status, 200)
        self.assertOnce("meanwhile")
        sentinel.start()
        self.onceway.wait_log("a sentinel answers again")
        self.assertEqual(self.metric("connects_total"), 1)

    def test_a_user_who_may_ask_for_the_address_alone(self):
        sentinel = self.watcher()
        with sentinel.client() as c:
            c("ACL", "SETUSER", "watcher", "on", ">sesame", "+sentinel|get-master-addr-by-name")
            c("ACL", "SETUSER", "default", "off")
        with sentinel.client() as c, self.assertRaisesRegex(RedisError, "NOAUTH"):
            c("PING")
        self.start_with([sentinel.address], user="watcher", password="sesame")
        self.assertOnce("with a password")
        self.onceway.stop()
        self.assertNotIn("sesame", self.onceway.log())
        for given, phrase in (
                ({}, "wants a password (NOAUTH): set sentinel.password"),
                ({"user": "watcher", "password": "wrong"},
                 "refuses the user or the password (WRONGPASS)")):
            self.start_with([sentinel.address], ready=False, **given)
            self.assertUnready(phrase)
            self.onceway.stop()

    def test_tls_towards_sentinel_and_master(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        words = ["--tls-auth-clients", "no", "--tls-replication", "yes",
                 "--tls-cert-file", certificates("server.pem"),
                 "--tls-key-file", certificates("server.key"),
                 "--tls-ca-cert-file", certificates("ca.pem")]
        master, watcher = free_port(), free_port()
        redis = Server("--tls-port", str(master), *words)
        self.addCleanup(redis.close)
        self.watcher("--tls-port", str(watcher), *words, port=master)
        tls = {"ca": certificates("ca.pem")}
        self.start_with([f"localhost:{watcher}"], url="rediss:///0", store={
            "tls": {**tls, "server_name": "localhost"}})
        self.assertOnce("over TLS")
        self.onceway.wait_log(f"connected to Redis at 127.0.0.1:{master}/0 \\(TLS\\)")
        self.onceway.stop()
        self.start_with([f"localhost:{watcher}"], url="rediss:///0", ready=False, store={
            "tls": {**tls, "server_name": "elsewhere.example.com"}})
        self.assertUnready(f"no sentinel says where it is: localhost:{watcher}: its certificate")


class Failover(SentinelCase):
    """One group for all: each test leaves it as whole as it found it."""

    @classmethod
    def setUpClass(cls):
        cls.redis_group = Sentinels()
        cls.addClassCleanup(cls.redis_group.close)

    def setUp(self):
        super().setUp()
        self.all = self.redis_group
        self.all.repair()
        self.old = self.all.master()

    def start(self, *script, **options):
        return self.start_with(self.all.nodes, *script, **options)

    def replicated(self):
        """What was acknowledged until now is known to all replicas."""
        wait_until(lambda: self.old.ask("WAIT", 2, 1000) == 2, "the replicas")

    def by_command(self):
        # Right after another failover it may be too early for one more.
        def begun():
            try:
                return self.all.sentinels[0].ask("SENTINEL", "FAILOVER", "mymaster") == "OK"
            except RedisError:
                return False
        wait_until(begun, "the failover's begin")

    def by_kill(self):
        self.old.kill()

    def by_pause(self):
        self.old.pause()

    def keep_sending(self, stop, acknowledged, part):
        number = 0
        while not stop.is_set():
            body = event(f"{self.id()}-{part}-{number}")
            self.insist(body)
            # What is acknowledged was delivered before.
            self.assertIn(body, self.crm.bodies)
            acknowledged.append(body)
            number += 1

    def under_traffic(self, fail):
        self.start()
        before = [event(f"{self.id()}-before-{n}") for n in range(20)]
        for body in before:
            self.assertAnswer(self.post(self.onceway, body), 200)
        self.replicated()
        stop, acknowledged = threading.Event(), []
        senders = [Later(self.keep_sending, stop, acknowledged, n) for n in range(3)]
        wait_until(lambda: len(acknowledged) > 20, "traffic")
        fail()
        new = self.all.wait_another(self.old)
        wait_until(lambda: self.clients_of(new) == 1, "the new master in use")
        seen = len(acknowledged)
        wait_until(lambda: len(acknowledged) > seen + 20, "traffic with the new master")
        self.wait_ready()
        stop.set()
        for s in senders:
            s.get()
        # Nothing is lost. (What was under way may have come twice: the new master did not
        # know it yet.)
        self.assertEqual(set(self.crm.bodies), set(before) | set(acknowledged))
        # What was replicated is remembered.
        count = len(self.crm.requests)
        for body in before:
            self.assertAnswer(self.post(self.onceway, body), 200,
                              discarded(json.loads(body)["triggerId"]))
        self.assertEqual(len(self.crm.requests), count)

    @staticmethod
    def clients_of(server):
        return server.ask("CLIENT", "LIST").count("name=onceway-main")

    def test_by_command_under_traffic(self):
        self.under_traffic(self.by_command)

    def test_by_kill_under_traffic(self):
        self.under_traffic(self.by_kill)

    def test_by_pause_under_traffic(self):
        self.under_traffic(self.by_pause)

    def test_a_hanging_master_is_left_without_traffic(self):
        self.start(store={"health_check": "0s"})
        self.assertAnswer(self.post(self.onceway, event(self.id())), 200)
        self.replicated()
        self.old.pause()
        new = self.all.wait_another(self.old)
        self.onceway.wait_log("the sentinels name another master by now")
        wait_until(lambda: self.clients_of(new) == 1, "the new master in use")
        self.assertAnswer(self.post(self.onceway, event(self.id())), 200, discarded(self.id()))
        # Back again, it is a replica, and nobody uses it.
        self.old.resume()
        wait_until(lambda: "role:slave" in self.old.ask("INFO", "replication"), "the replica")
        self.assertOnce(self.id() + "-after")
        self.assertEqual(self.clients_of(self.old), 0)

    def test_a_delivery_goes_on(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        other = self.another(self.all.nodes, route={"in_progress": "reject"})
        original = Later(self.post, self.onceway, event(self.id()))
        self.crm.wait(1)
        self.replicated()
        self.old.kill()
        self.all.wait_another(self.old)
        self.wait_ready()
        # The claim is known to the new master, and stays its owner's.
        wait_until(lambda: other.admin("/readyz").status == 200, "the other process")
        self.assertAnswer(self.post(other, event(self.id())), 409)
        gate.set()
        self.assertAnswer(original.get(), 200, routed(self.id()))
        for onceway in (self.onceway, other):
            self.assertAnswer(self.post(onceway, event(self.id())), 200, discarded(self.id()))
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.onceway.metrics().get(
            "onceway_lease_lost_total", route="cxone"), 0)

    def test_pass(self):
        self.start(route={"on_store_error": "pass"})
        self.old.kill()
        body = event(self.id())
        for _ in range(2):
            self.assertAnswer(self.post(self.onceway, body), 200, routed(self.id()))
        self.assertEqual(self.crm.bodies, [body, body])
        self.all.wait_another(self.old)
        self.wait_first_store()
        self.assertOnce(self.id() + "-after")

    def test_fallback(self):
        self.crm = self.sink()
        config = configuration(
            self.crm.port, store=self.options(self.all.nodes),
            route={"on_store_error": {"fallback": "spare"}})
        config["stores"]["spare"] = {"plugin": "memory"}
        self.onceway = self.daemon_of(config)
        self.old.kill()
        self.assertOnce(self.id())
        new = self.all.wait_another(self.old)
        self.wait_first_store()
        before = new.ask("DBSIZE")

        def asked():
            # About once a second a claim asks the first store again.
            self.assertEqual(self.post(self.onceway, event(f"t{time.monotonic()}")).status, 200)
            return new.ask("DBSIZE") > before
        wait_until(asked, "the first store in use again")

    def wait_first_store(self):
        wait_until(lambda: self.metric("connects_total") >= 2, "connecting again")


if __name__ == "__main__":
    unittest.main()
