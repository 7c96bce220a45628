"""A Redis Cluster: keys on all nodes, slots that move, nodes that come, go, hang and die."""
import json
import tempfile
import threading
import unittest

from case import Answer, Case, Later, client, discarded, event, routed, wait_until
from daemon import WRAPPER
from redis_cluster import Cluster, SecureNode
from redis_server import Server
from secure import Certificates

# Times that make an outage short; what they are is not tested.
QUICK = {"timeout": "500ms", "connect_timeout": "500ms",
         "reconnect": {"base": "10ms", "max": "100ms"}}

# Keys that the test chooses: `{a}1` and `{a}2` are in one slot.
CHOSEN = {"key": {"plugin": "fields", "from": ["header:X-Key"], "hash": "none",
                  "encoding": "plain"}}


class ClusterCase(Case):
    def cluster(self, *arguments, **options):
        cluster = Cluster(*arguments, **options)
        self.addCleanup(cluster.close)
        return cluster

    def on_cluster(self, peer, cluster, store=(), **options):
        """A daemon that is told of one master. Nothing but events makes it send commands."""
        return self.daemon(peer, store={
            "plugin": "redis", "url": f"redis://{cluster.nodes[0].address}", "cluster": True,
            "sweep_interval": "0s", "counter_prefix": "", **QUICK, **dict(store)}, **options)

    def metric(self, onceway, name, **labels):
        return onceway.metrics().get("onceway_redis_" + name, store="main", **labels)

    def chosen(self, onceway, key):
        """Sends the event of that key; returns `delivered` or `duplicate`."""
        answer = self.post(onceway, json.dumps({"key": key}).encode(), headers=[("X-Key", key)])
        self.assertAnswer(answer, 200)
        return json.loads(answer.text)["status"]

    def insist(self, onceway, body):
        """Sends an event until it is acknowledged, as vendors do; returns the last answer."""
        def acknowledged():
            answer = self.post(onceway, body)
            if answer.status == 200:
                return answer
            self.assertIn(answer.status, (503, 409))
            self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
            return None
        return wait_until(acknowledged, "an acknowledgement")

    def wait_ready(self, onceway):
        wait_until(lambda: onceway.admin("/readyz").status == 200, "/readyz")

    def assertUnready(self, onceway, phrase):
        def unready():
            answer = onceway.admin("/readyz")
            return answer.status == 503 and phrase in answer.text
        wait_until(unready, f"/readyz with `{phrase}`")

    def assertDelivered(self, peer, bodies):
        """Each body once, and nothing else."""
        self.assertEqual(sorted(peer.bodies), sorted(bodies))


class Traffic:
    """Events that come without end, each new one some times, until the test has seen enough."""

    def __init__(self, case, daemons, copies=1, threads=4):
        self.case, self.daemons, self.copies = case, daemons, copies
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.acknowledged, self.refused, self.errors = [], [], []
        self.threads = [threading.Thread(target=self._send, args=(n,)) for n in range(threads)]
        for t in self.threads:
            t.start()
        case.addCleanup(self.end)

    def _send(self, part):
        number = 0
        try:
            while not self.stop.is_set():
                body = event(f"{part}-{number}")
                number += 1
                for copy in range(self.copies):
                    answer = self.case.post(self.daemons[copy % len(self.daemons)], body)
                    with self.lock:
                        if answer.status == 200:
                            self.acknowledged.append(body)
                        else:
                            self.refused.append(answer)
        except Exception as e:  # seen by end()
            self.errors.append(e)

    def more(self, count=50):
        """Waits until that many more are acknowledged."""
        seen = len(self.acknowledged)
        wait_until(lambda: self.errors or len(self.acknowledged) >= seen + count, "traffic")

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        if self.errors:
            raise self.errors[0]

    def assertKept(self, sink, once=True):
        """What was acknowledged was delivered; what was refused says when to come again."""
        delivered = sink.bodies
        self.case.assertLessEqual(set(self.acknowledged), set(delivered))
        if once:
            self.case.assertEqual(len(delivered), len(set(delivered)))
        for answer in self.refused:
            self.case.assertEqual(answer.status, 503, answer)
            self.case.assertGreaterEqual(int(answer.header("Retry-After")), 1)


class Whole(ClusterCase):
    """What a cluster that nobody touches does: one for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Cluster()
        cls.addClassCleanup(cls.shared.close)

    def setUp(self):
        super().setUp()
        for master in self.shared.masters:
            master.ask("FLUSHALL")

    def test_keys_on_all_nodes(self):
        crm = self.sink(Answer(201, b'{"number":1}'), default=Answer(201, b'{"number":2}'))
        onceway = self.on_cluster(crm, self.shared, route={"respond": "sink"})
        bodies = [event(f"t{n}") for n in range(300)]
        for body in bodies:
            self.assertAnswer(self.post(onceway, body), 201)
        self.assertAnswer(self.post(onceway, bodies[0]), 201, '{"number":1}')
        for body in bodies[1:]:
            self.assertAnswer(self.post(onceway, body), 201, '{"number":2}')
        self.assertDelivered(crm, bodies)
        sizes = [m.ask("DBSIZE") for m in self.shared.masters]
        self.assertEqual(sum(sizes), 300)
        self.assertGreater(min(sizes), 50)
        self.assertEqual(self.metric(onceway, "nodes"), 3)
        self.assertEqual(self.metric(onceway, "redirects_total", kind="moved"), 0)
        self.assertEqual([n.onceways() for n in self.shared.nodes], [1, 1, 1, 0, 0, 0])

    def test_two_processes_and_each_key_once(self):
        count = 200 if WRAPPER else 3000
        crm = self.sink()
        onceways = [self.on_cluster(crm, self.shared) for _ in range(2)]
        bodies = [event(f"t{n}") for n in range(count)]
        answers, threads = [], []

        def send_all(port, part):
            with client.Connection(port) as c:
                for body in part:
                    c.post(body)
                    answers.append((json.loads(body)["triggerId"], c.answer()))
        for n in range(4):
            for o in onceways:
                threads.append(threading.Thread(target=send_all, args=(o.port, bodies[n::4])))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(answers), 2 * count)
        for trigger, answer in answers:
            self.assertAnswer(answer, 200)
            self.assertIn(answer.text, (routed(trigger), discarded(trigger)))
        self.assertDelivered(crm, bodies)

    def test_workers_show_the_nodes_once(self):
        onceway = self.on_cluster(self.sink(), self.shared, **self.workers(2))
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertEqual(self.metric(onceway, "nodes"), 3)

    def test_a_claim_is_released_and_a_window_slides(self):
        bad = self.sink(Answer(500))
        onceway = self.on_cluster(bad, self.shared, sink={"retry": {"attempts": 1}},
                                  route={"window_mode": "sliding"})
        self.assertAnswer(self.post(onceway, event()), 502)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertAnswer(self.post(onceway, event()), 200, discarded())

    def test_counters_and_the_sweeper(self):
        onceway = self.on_cluster(self.sink(), self.shared, store={
            "sweep_interval": "200ms", "counter_prefix": "cxone:metrics:duplicates:"})
        triggers = [f"t{n}" for n in range(40)]
        for trigger in triggers * 3:
            self.assertAnswer(self.post(onceway, event(trigger)), 200)

        def counted():
            found = {}
            for master in self.shared.masters:
                for key in master.ask("KEYS", "cxone:metrics:duplicates:*"):
                    found[key.rsplit(":", 1)[1]] = master.ask("GET", key)
            return found
        wait_until(lambda: counted() == dict.fromkeys(triggers, "2"), "the counters")
        wait_until(lambda: self.metric(onceway, "keys") == 40, "40 keys of all nodes")

    def test_a_checkpoint_of_all_nodes(self):
        with tempfile.TemporaryDirectory(prefix="onceway-checkpoint-") as directory:
            crm = self.sink()
            onceway = self.on_cluster(crm, self.shared, store={"checkpoint": f"{directory}/keys"})
            bodies = [event(f"kept{n}") for n in range(100)]
            for body in bodies:
                self.assertAnswer(self.post(onceway, body), 200)
            onceway.stop()
            self.assertIn("100 keys kept in checkpoint", onceway.log())
            for node in self.shared.masters:
                self.assertGreater(node.ask("DBSIZE"), 0)
                node.ask("FLUSHALL")
            onceway.start()
            self.assertIn("100 keys restored from ", onceway.log())
            for n, body in enumerate(bodies):
                self.assertAnswer(self.post(onceway, body), 200, discarded(f"kept{n}"))
            self.assertEqual(len(crm.requests), 100)
            onceway.stop()

    def test_scripts_are_forgotten_by_one(self):
        onceway = self.on_cluster(self.sink(), self.shared)
        for master in self.shared.masters:
            self.assertAnswer(self.post(onceway, event("before")), 200)
            master.ask("SCRIPT", "FLUSH")
        for n in range(30):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, routed(f"t{n}"))

    def test_through_a_replica(self):
        crm = self.sink()
        onceway = self.on_cluster(
            crm, self.shared, store={"url": f"redis://{self.shared.nodes[4].address}"})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        # It has no slots, and is let go.
        wait_until(lambda: self.shared.nodes[4].onceways() == 0, "the replica let go")

    def test_the_first_node_is_away(self):
        nobody = Server()
        nobody.close()
        nodes = [f"127.0.0.1:{nobody.port}", self.shared.nodes[1].address]
        onceway = self.on_cluster(self.sink(), self.shared, store={
            "url": f"redis://127.0.0.1:{nobody.port}", "nodes": nodes})
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_without_cluster_true(self):
        onceway = self.on_cluster(self.sink(), self.shared, store={"cluster": None})
        statuses = {self.post(onceway, event(f"t{n}")).status for n in range(30)}
        self.assertEqual(statuses, {200, 503})
        self.assertIn("(MOVED): set cluster: true", onceway.log())
        self.assertUnready(onceway, "(MOVED): set cluster: true")

    def test_cluster_true_without_a_cluster(self):
        alone = Server()
        self.addCleanup(alone.close)
        onceway = self.on_cluster(self.sink(), self.shared, store={
            "url": f"redis://127.0.0.1:{alone.port}"}, start=False).start(ready=False)
        self.assertUnready(onceway, "the cluster's slots are not known yet: Redis at "
                           f"127.0.0.1:{alone.port}/0: this Redis is not part of a cluster")
        self.assertAnswer(self.post(onceway, event()), 503)

    def test_a_cluster_too_large(self):
        onceway = self.on_cluster(self.sink(), self.shared, store={"max_nodes": 2},
                                  start=False).start(ready=False)
        self.assertUnready(onceway, "more master nodes than max_nodes")


class Moving(ClusterCase):
    def start(self, **options):
        self.nodes = self.cluster(replicas=0)
        self.crm = self.sink()
        self.onceway = self.on_cluster(self.crm, self.nodes, route={**CHOSEN}, **options)
        self.slot = self.nodes.nodes[0].ask("CLUSTER", "KEYSLOT", "{a}")
        self.source = self.nodes.master_of(self.slot)
        self.target = next(m for m in self.nodes.masters if m is not self.source)

    def redirects(self, kind):
        return self.metric(self.onceway, "redirects_total", kind=kind)

    def test_a_slot_key_by_key(self):
        self.start()
        old = [f"{{a}}old-{n}" for n in range(20)]
        for key in old:
            self.assertEqual(self.chosen(self.onceway, key), "delivered")
        self.nodes.begin_moving(self.slot, self.target)
        self.assertEqual(self.nodes.move_keys(self.slot, self.source, self.target, 10), 10)
        # Half of them are here and half there; what is new is there.
        for key in old:
            self.assertEqual(self.chosen(self.onceway, key), "duplicate")
        self.assertEqual(self.redirects("ask"), 10)
        new = [f"{{a}}new-{n}" for n in range(10)]
        for status in ("delivered", "duplicate"):
            for key in new:
                self.assertEqual(self.chosen(self.onceway, key), status)
        self.assertEqual(self.redirects("ask"), 10 + 30)
        self.assertEqual(self.redirects("moved"), 0)
        while self.nodes.move_keys(self.slot, self.source, self.target, 100):
            pass
        self.nodes.end_moving(self.slot, self.source, self.target)
        for key in old + new:
            self.assertEqual(self.chosen(self.onceway, key), "duplicate")
        # Told once that it is elsewhere, it goes there.
        self.assertEqual(self.redirects("moved"), 1)
        self.assertEqual(self.redirects("ask"), 40)
        self.assertEqual(len(self.crm.requests), 30)

    def test_while_it_is_delivered(self):
        self.start()
        gate = threading.Event()
        self.crm.default = Answer(gate=gate)
        keys = [f"{{a}}{n}" for n in range(8)]
        calls = [Later(self.chosen, self.onceway, key) for key in keys]
        self.crm.wait(8)
        # Claims are keys like others: they move, and their owners find them.
        self.nodes.move(self.slot, self.target)
        gate.set()
        self.assertEqual([c.get() for c in calls], ["delivered"] * 8)
        for key in keys:
            self.assertEqual(self.chosen(self.onceway, key), "duplicate")
        self.assertEqual(len(self.crm.requests), 8)
        self.assertEqual(self.onceway.metrics().get("onceway_lease_lost_total", route="cxone"), 0)

    def test_back_and_forth_under_traffic(self):
        self.start()
        other = self.on_cluster(self.crm, self.nodes, route={**CHOSEN})
        stop, seen, errors = threading.Event(), [], []

        def send(part):
            number = 0
            try:
                while not stop.is_set():
                    key = f"{{a}}{part}-{number}"
                    number += 1
                    pair = [Later(self.chosen, o, key) for o in (self.onceway, other)]
                    seen.append((key, sorted(p.get() for p in pair)))
            except Exception as e:  # seen below
                errors.append(e)
        threads = [threading.Thread(target=send, args=(n,)) for n in range(3)]
        for t in threads:
            t.start()
        source, target = self.source, self.target
        for _ in range(4):
            count = len(seen)
            wait_until(lambda c=count: errors or len(seen) >= c + 10, "traffic")
            self.nodes.begin_moving(self.slot, target)
            while True:
                count = len(seen)
                wait_until(lambda c=count: errors or len(seen) >= c + 5, "traffic")
                if self.nodes.move_keys(self.slot, source, target, 40) < 40:
                    break
            while self.nodes.move_keys(self.slot, source, target, 100):
                pass
            self.nodes.end_moving(self.slot, source, target)
            source, target = target, source
        stop.set()
        for t in threads:
            t.join()
        if errors:
            raise errors[0]
        # Nobody was refused anything, and of each pair one was delivered.
        for key, statuses in seen:
            self.assertEqual(statuses, ["delivered", "duplicate"], key)
        self.assertEqual(len(self.crm.requests), len(seen))
        self.assertGreater(self.redirects("ask"), 0)
        # One for each move but the last, after which nobody need have come.
        self.assertGreaterEqual(self.redirects("moved"), 3)

    def test_a_node_comes_and_goes(self):
        self.start()
        keys = [f"{{{n}}}" for n in range(60)]
        for key in keys:
            self.assertEqual(self.chosen(self.onceway, key), "delivered")
        new = self.nodes.add()
        slots = sorted({new.ask("CLUSTER", "KEYSLOT", k) for k in keys})[::4]
        homes = {slot: self.nodes.master_of(slot) for slot in slots}
        for slot in slots:
            self.nodes.move(slot, new)
        for key in keys:
            self.assertEqual(self.chosen(self.onceway, key), "duplicate")
        wait_until(lambda: self.metric(self.onceway, "nodes") == 4, "4 nodes")
        self.assertGreaterEqual(new.ask("DBSIZE"), len(slots))
        for slot in slots:
            self.nodes.move(slot, homes[slot])
        for key in keys:
            self.assertEqual(self.chosen(self.onceway, key), "duplicate")
        wait_until(lambda: self.metric(self.onceway, "nodes") == 3, "3 nodes")
        # Without slots it is let go.
        wait_until(lambda: new.onceways() == 0, "the connection's end")
        new.close()
        self.assertEqual(self.chosen(self.onceway, "another"), "delivered")
        self.assertEqual(self.onceway.admin("/readyz").status, 200)

    def test_slots_that_nobody_serves(self):
        self.start()
        for node in self.nodes.nodes:
            node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        for node in self.nodes.nodes:
            node.ask("CLUSTER", "DELSLOTS", self.slot, self.slot + 1)
        answer = self.post(self.onceway, b"{}", headers=[("X-Key", "{a}1")])
        self.assertAnswer(answer, 503)
        self.assertUnready(self.onceway,
                           f"slots {self.slot} to {self.slot + 1} of the cluster")
        # The others are served.
        for key in ("{b}", "{c}", "{d}"):
            self.assertEqual(self.chosen(self.onceway, key), "delivered")
        self.source.ask("CLUSTER", "ADDSLOTS", self.slot, self.slot + 1)
        self.wait_ready(self.onceway)
        self.assertEqual(self.chosen(self.onceway, "{a}1"), "delivered")


class Failing(ClusterCase):
    def start(self, **options):
        self.nodes = self.cluster()
        self.crm = self.sink()
        self.onceway = self.on_cluster(self.crm, self.nodes, **options)

    def wait_promoted(self, replica):
        wait_until(lambda: replica.info("replication", "role") == "master", "the failover")
        wait_until(lambda: replica.info(None, "cluster_state") == "ok", "the cluster")

    def test_a_failover_by_hand(self):
        self.start()
        other = self.on_cluster(self.crm, self.nodes)
        traffic = Traffic(self, [self.onceway, other], copies=2)
        for master in list(self.nodes.masters):
            traffic.more()
            replica = self.nodes.replica_of(master)
            replica.ask("CLUSTER", "FAILOVER")
            self.wait_promoted(replica)
        traffic.more()
        traffic.end()
        # The old master waits for the new one to have it all: nothing is forgotten.
        traffic.assertKept(self.crm)
        self.wait_ready(self.onceway)
        wait_until(lambda: self.metric(self.onceway, "redirects_total", kind="moved") >= 3,
                   "redirections")

    def test_a_master_is_killed(self):
        self.start()
        traffic = Traffic(self, [self.onceway])
        traffic.more()
        victim = self.nodes.masters[0]
        replica = self.nodes.replica_of(victim)
        victim.kill()
        self.assertUnready(self.onceway, f"{victim.address}/0: Connection refused")
        # The others go on meanwhile.
        traffic.more()
        self.wait_promoted(replica)
        self.wait_ready(self.onceway)
        traffic.more(200)
        traffic.end()
        self.assertGreater(len(traffic.refused), 0)
        # Each is sent once here, so each is delivered at most once.
        traffic.assertKept(self.crm)
        # It comes back as a replica: nothing changes.
        victim.start()
        self.nodes.wait()
        self.assertAnswer(self.post(self.onceway, event("later")), 200, routed("later"))
        self.assertEqual(self.onceway.admin("/readyz").status, 200)

    def test_a_master_hangs(self):
        self.start()
        traffic = Traffic(self, [self.onceway])
        traffic.more()
        victim = self.nodes.masters[1]
        replica = self.nodes.replica_of(victim)
        victim.pause()
        self.assertUnready(self.onceway, f"{victim.address}/0: did not answer in time")
        self.wait_promoted(replica)
        self.wait_ready(self.onceway)
        traffic.more(200)
        # It wakes up and believes for a moment that it is a master still.
        victim.resume()
        self.nodes.wait()
        traffic.more(200)
        traffic.end()
        traffic.assertKept(self.crm)
        bodies = [event(f"after-{n}") for n in range(60)]
        for expected in (routed, discarded):
            for n, body in enumerate(bodies):
                self.assertAnswer(self.post(self.onceway, body), 200, expected(f"after-{n}"))

    def test_a_master_dies_during_deliveries(self):
        self.start()
        gate = threading.Event()
        self.crm.default = Answer(gate=gate)
        bodies = [event(f"t{n}") for n in range(15)]  # no more go to a sink at a time
        calls = [Later(self.post, self.onceway, body) for body in bodies]
        self.crm.wait(15)
        victim = self.nodes.masters[2]
        # What it knows, its replica knows too.
        self.assertEqual(victim.ask("WAIT", 1, 10000), 1)
        replica = self.nodes.replica_of(victim)
        victim.kill()
        self.wait_promoted(replica)
        gate.set()
        # The claims are there, and their owners commit them.
        for n, call in enumerate(calls):
            self.assertAnswer(call.get(), 200, routed(f"t{n}"))
        self.wait_ready(self.onceway)
        for n, body in enumerate(bodies):
            self.assertAnswer(self.insist(self.onceway, body), 200, discarded(f"t{n}"))
        self.assertDelivered(self.crm, bodies)

    def test_pass(self):
        self.start(route={"on_store_error": "pass"})
        for node in self.nodes.nodes:
            node.kill()
        for _ in range(2):
            self.assertAnswer(self.post(self.onceway, event()), 200)
        self.assertDelivered(self.crm, [event(), event()])

    def test_all_go_down_and_come_back(self):
        self.start()
        self.assertAnswer(self.post(self.onceway, event("before")), 200, routed("before"))
        for node in self.nodes.nodes:
            node.kill()
        for n in range(10):
            answer = self.post(self.onceway, event(f"t{n}"))
            self.assertAnswer(answer, 503)
            self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
        self.assertUnready(self.onceway, "Connection refused")
        for node in self.nodes.nodes:
            node.start()
        self.wait_ready(self.onceway)
        for n in range(10):
            self.assertAnswer(self.insist(self.onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        self.assertDelivered(
            self.crm, [event(t) for t in ("before", *(f"t{n}" for n in range(10)))])

    def test_down_at_start(self):
        nodes = self.cluster(replicas=0)
        for node in nodes.nodes:
            node.kill()
        onceway = self.on_cluster(self.sink(), nodes, start=False).start(ready=False)
        self.assertUnready(onceway, "the cluster's slots are not known yet: Redis at "
                           f"{nodes.nodes[0].address}/0: Connection refused")
        self.assertAnswer(self.post(onceway, event()), 503)
        for node in nodes.nodes:
            node.start()
        self.wait_ready(onceway)
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def test_a_cluster_without_a_part(self):
        nodes = self.cluster(replicas=0)
        onceway = self.on_cluster(self.sink(), nodes)
        nodes.nodes[2].kill()
        # The whole cluster refuses to serve then, and the others say so.
        for node in nodes.nodes[:2]:
            wait_until(lambda: node.info(None, "cluster_state") == "fail", "CLUSTERDOWN")
        for n in range(20):
            self.assertAnswer(self.post(onceway, event(f"t{n}")), 503)
        self.assertUnready(onceway, "the Redis Cluster does not serve")
        nodes.nodes[2].start()
        for n in range(20):
            self.assertAnswer(self.insist(onceway, event(f"t{n}")), 200, routed(f"t{n}"))
        self.wait_ready(onceway)


class Names(ClusterCase):
    """How nodes announce themselves."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)

    def announce(self, nodes, **settings):
        for node in nodes.nodes:
            for name, value in settings.items():
                node.ask("CONFIG", "SET", "cluster-" + name.replace("_", "-"), value)

    def works(self, onceway, count=30):
        for expected in (routed, discarded):
            for n in range(count):
                self.assertAnswer(self.post(onceway, event(f"t{n}")), 200, expected(f"t{n}"))

    def test_by_host_name(self):
        nodes = self.cluster(replicas=0)
        self.announce(nodes, announce_hostname="localhost",
                      preferred_endpoint_type="hostname")
        nodes.wait()
        wait_until(lambda: {r[2][0] for r in nodes.nodes[0].ask("CLUSTER", "SLOTS")} ==
                   {"localhost"}, "their names")
        onceway = self.on_cluster(self.sink(), nodes)
        self.works(onceway)
        onceway.wait_log(f"connected to Redis at localhost:{nodes.nodes[1].port}/0")

    def test_by_the_host_that_was_asked(self):
        nodes = self.cluster(replicas=0)
        self.announce(nodes, preferred_endpoint_type="unknown-endpoint")
        onceway = self.on_cluster(self.sink(), nodes, route={**CHOSEN}, store={
            "url": f"redis://localhost:{nodes.nodes[0].port}"})
        keys = [f"{{{n}}}" for n in range(20)]
        for status in ("delivered", "duplicate"):
            for key in keys:
                self.assertEqual(self.chosen(onceway, key), status)
        onceway.wait_log(f"connected to Redis at localhost:{nodes.nodes[1].port}/0")
        # A redirection names no host either.
        slot = nodes.nodes[0].ask("CLUSTER", "KEYSLOT", "{0}")
        source = nodes.master_of(slot)
        nodes.move(slot, next(n for n in nodes.nodes if n is not source))
        self.assertEqual(self.chosen(onceway, "{0}"), "duplicate")
        self.assertEqual(self.metric(onceway, "redirects_total", kind="moved"), 1)

    def test_without_a_name(self):
        nodes = self.cluster(replicas=0)
        self.announce(nodes, preferred_endpoint_type="hostname")
        onceway = self.on_cluster(self.sink(), nodes, start=False).start(ready=False)
        self.assertUnready(onceway, "slots 0 to 16383 of the cluster are served by no node "
                           "with a name or address: see cluster-announce-hostname")

    def secure(self, name="server"):
        """A cluster whose nodes speak TLS with that certificate, and are named localhost."""
        nodes = self.cluster(replicas=0, make=SecureNode, arguments=(
            "--tls-cert-file", self.certificates(f"{name}.pem"),
            "--tls-key-file", self.certificates(f"{name}.key"),
            # What a node is to the others.
            "--tls-client-cert-file", self.certificates("client.pem"),
            "--tls-client-key-file", self.certificates("client.key"),
            "--tls-ca-cert-file", self.certificates("ca.pem")))
        self.announce(nodes, announce_hostname="localhost",
                      preferred_endpoint_type="hostname")
        return nodes

    def on_secure(self, nodes, host="localhost", tls=(), **options):
        return self.on_cluster(self.sink(), nodes, store={
            "url": f"rediss://{host}:{nodes.nodes[0].port}", "timeout": "2s",
            "connect_timeout": "2s",
            "tls": {"ca": self.certificates("ca.pem"), **dict(tls)}}, **options)

    def test_tls(self):
        nodes = self.secure()
        onceway = self.on_secure(nodes)
        self.works(onceway)
        onceway.wait_log(rf"connected to Redis at localhost:{nodes.nodes[2].port}/0 \(TLS\)")

    def test_tls_and_another_name(self):
        nodes = self.secure("wrong-host")
        onceway = self.on_secure(nodes, start=False).start(ready=False)
        self.assertUnready(onceway, "localhost")
        self.assertAnswer(self.post(onceway, event()), 503)

    def test_tls_with_one_name_for_all(self):
        # All have a certificate for a name that none of them is announced by.
        nodes = self.secure("wrong-host")
        self.works(self.on_secure(nodes, tls={"server_name": "other.example"}))


if __name__ == "__main__":
    unittest.main()
