"""One Redis behind several processes: each key once, and what shares the Redis with them."""
import json
import signal
import threading
import time
import unittest

from case import Answer, Case, Later, client, discarded, event, routed, wait_until
from daemon import WRAPPER
from redis_server import Server, free_port
from secure import Certificates

PREFIX = "cxone:dedup:"


class RedisCase(Case):
    def setUp(self):
        super().setUp()
        self.redis = self.server()

    def server(self, *arguments, **options):
        server = Server(*arguments, **options)
        self.addCleanup(server.close)
        return server

    def on_redis(self, peer, url=None, store=(), **options):
        """A daemon on this Redis. Nothing but events makes it send commands."""
        return self.daemon(peer, store={
            "plugin": "redis", "url": url or self.redis.url, "sweep_interval": "0s",
            "counter_prefix": "", **dict(store)}, **options)

    def keys(self):
        return sorted(self.redis.ask("KEYS", PREFIX + "*"))

    def only_key(self):
        keys = self.keys()
        self.assertEqual(len(keys), 1, keys)
        return keys[0]

    def key_of(self, body):
        """The key that an event has: asked of a service that finds it new, then forgotten."""
        onceway = self.on_redis(self.sink())
        self.assertAnswer(self.post(onceway, body), 200)
        onceway.stop()
        key = self.only_key()
        self.redis.ask("DEL", key)
        return key

    def assertDelivered(self, peer, bodies):
        """Each body once, and nothing else."""
        self.assertEqual(sorted(peer.bodies), sorted(bodies))


class Sharing(RedisCase):
    def send_all(self, port, bodies, answers):
        with client.Connection(port) as c:
            for body in bodies:
                c.post(body)
                answers.append((json.loads(body)["triggerId"], c.answer()))

    def test_two_processes_and_each_key_once(self):
        count = 400 if WRAPPER else 10000
        crm = self.sink()
        onceways = [self.on_redis(crm) for _ in range(2)]
        bodies = [event(f"t{n}") for n in range(count)]
        # Each event goes to both, at about the same time, on one of four connections.
        answers, threads = [], []
        for n in range(4):
            for o in onceways:
                threads.append(threading.Thread(
                    target=self.send_all, args=(o.port, bodies[n::4], answers)))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(answers), 2 * count)
        for trigger, answer in answers:
            self.assertAnswer(answer, 200)
            self.assertIn(answer.text, (routed(trigger), discarded(trigger)))
        self.assertDelivered(crm, bodies)
        totals = [o.metrics() for o in onceways]
        self.assertEqual(count, sum(int(m.get(
            "onceway_events_total", route="cxone", outcome="delivered")) for m in totals))
        self.assertEqual(0, sum(m.get("onceway_lease_lost_total", route="cxone") for m in totals))

    def test_two_workers_share_it(self):
        crm = self.sink()
        onceway = self.on_redis(crm, **self.workers(2))
        bodies = [event(f"t{n}") for n in range(50)] * 4
        calls = [Later(self.post, onceway, b) for b in bodies]
        self.assertEqual({c.get().status for c in calls}, {200})
        self.assertDelivered(crm, bodies[:50])

    def test_the_result_is_replayed_by_another_process(self):
        crm = self.sink(Answer(201, b'["not an object", "\xc3\xa9"]', [
            ("Content-Type", 'application/json; a="b\\c"')]))
        first, second = (self.on_redis(crm, route={"respond": "sink"}) for _ in range(2))
        for onceway in (first, second, first):
            answer = self.post(onceway, event())
            self.assertAnswer(answer, 201, '["not an object", "\u00e9"]')
            self.assertEqual(answer.header("Content-Type"), 'application/json; a="b\\c"')
        self.assertEqual(len(crm.requests), 1)

    def test_a_copy_waits_for_the_other_process(self):
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate))
        first, second = self.on_redis(crm), self.on_redis(crm)
        original = Later(self.post, first, event())
        crm.wait(1)
        copy = Later(self.post, second, event())
        wait_until(lambda: second.metrics().get(
            "onceway_redis_claims_total", store="main", found="in_progress") > 1, "polling")
        self.assertFalse(copy.done())
        gate.set()
        self.assertAnswer(original.get(), 200, routed())
        self.assertAnswer(copy.get(), 200)
        self.assertEqual(len(crm.requests), 1)

    def test_what_failed_is_new_to_the_other_process(self):
        bad, good = self.sink(default=Answer(500)), self.sink()
        first = self.on_redis(bad, sink={"retry": {"attempts": 1}})
        second = self.on_redis(good)
        self.assertAnswer(self.post(first, event()), 502)
        self.assertEqual(self.keys(), [])
        self.assertAnswer(self.post(second, event()), 200, routed())
        self.assertAnswer(self.post(first, event()), 200, discarded())


class RoundTrips(RedisCase):
    COUNTED = ("set", "pttl", "evalsha", "eval", "get")

    def counted(self, onceway, body):
        before = self.redis.calls(*self.COUNTED)
        answer = self.post(onceway, body)
        self.assertAnswer(answer, 200)
        after = self.redis.calls(*self.COUNTED)
        return answer.text, {n: after[n] - before[n] for n in self.COUNTED}

    # SET inside the script that commits is counted as well, like its GET.
    NEW = {"set": 2, "pttl": 1, "evalsha": 1, "eval": 0, "get": 1}
    ASKED = {"set": 1, "pttl": 1, "evalsha": 0, "eval": 0, "get": 0}
    NONE = dict.fromkeys(COUNTED, 0)

    def test_without_a_cache(self):
        onceway = self.on_redis(self.sink())
        self.assertEqual(self.counted(onceway, event()), (routed(), self.NEW))
        self.assertEqual(self.counted(onceway, event()), (discarded(), self.ASKED))

    def test_with_a_cache(self):
        crm = self.sink()
        onceway = self.on_redis(crm, store={"local_cache": 10})
        other = self.on_redis(crm, store={"local_cache": 10})
        self.assertEqual(self.counted(onceway, event()), (routed(), self.NEW))
        self.assertEqual(self.counted(onceway, event()), (discarded(), self.NONE))
        self.assertEqual(self.counted(other, event()), (discarded(), self.ASKED))
        self.assertEqual(self.counted(other, event()), (discarded(), self.NONE))
        self.assertEqual(
            other.metrics().get("onceway_redis_cache_hits_total", store="main"), 1)

    def test_the_cache_forgets_with_the_window(self):
        crm = self.sink()
        onceway = self.on_redis(crm, store={"local_cache": 10}, route={"window": "1s"})
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        wait_until(lambda: self.post(onceway, event()).text == routed(), "the window's end")
        self.assertEqual(len(crm.requests), 2)


class Fencing(RedisCase):
    SHORT = {"timeout": {"connect": "3s", "total": "3s"}, "retry": {"attempts": 1}}

    def take_over(self, answer):
        """The first daemon delivers, is stopped past its lease, and finds a successor."""
        gate = threading.Event()
        slow = self.sink(Answer(**answer, gate=gate))
        quick = self.sink(Answer(200, b'{"by":"the successor"}'))
        first = self.on_redis(slow, route={"lock": "3s"}, sink=self.SHORT)
        second = self.on_redis(quick, route={"lock": "3s"}, sink=self.SHORT)
        original = Later(self.post, first, event())
        slow.wait(1)
        first.signal(signal.SIGSTOP)
        self.assertAnswer(self.post(second, event()), 200, routed())
        self.assertEqual(len(quick.requests), 1)
        committed = self.redis.ask("GET", self.only_key())
        self.assertIn("the successor", committed)
        gate.set()
        time.sleep(0.2)  # for the answer, to be there before the sleeper looks
        first.signal(signal.SIGCONT)
        outcome = original.get()
        wait_until(lambda: first.metrics().get(
            "onceway_lease_lost_total", route="cxone") >= 1, "the lost lease")
        self.assertEqual(self.redis.ask("GET", self.only_key()), committed)
        self.assertAnswer(self.post(second, event()), 200, discarded())
        return outcome

    def test_a_woken_owner_cannot_commit(self):
        # Whether it takes the answer or finds that its time is up depends on what it sees first.
        outcome = self.take_over({"status": 200, "body": b'{"by":"the sleeper"}'})
        self.assertIn(outcome.status, (200, 504))

    def test_a_woken_owner_cannot_release(self):
        outcome = self.take_over({"status": 500})
        self.assertIn(outcome.status, (502, 504))


class Addresses(RedisCase):
    def works(self, url, **store):
        crm = self.sink()
        onceway = self.on_redis(crm, url=url, store=store)
        self.assertAnswer(self.post(onceway, event()), 200, routed())
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        return onceway

    def test_unix_socket_and_database(self):
        self.works(f"unix://{self.redis.path}?db=3")
        self.assertEqual(self.keys(), [])
        with self.redis.client() as c:
            c("SELECT", 3)
            self.assertEqual(len(c("KEYS", PREFIX + "*")), 1)

    def test_a_name(self):
        onceway = self.works(f"redis://localhost:{self.redis.port}")
        self.assertIn("name=onceway-main ", self.redis.ask("CLIENT", "LIST"))
        self.assertIn(f"connected to Redis at localhost:{self.redis.port}/0", onceway.log())

    def test_user_and_password(self):
        self.redis.ask("ACL", "SETUSER", "dedup", "on", ">p@ss/w:rd%", "~*", "+@all")
        self.redis.ask("ACL", "SETUSER", "default", "off")
        onceway = self.works(f"redis://dedup:p%40ss%2Fw%3Ard%25@127.0.0.1:{self.redis.port}/0")
        self.assertNotIn("p%40ss", onceway.log())
        self.assertNotIn("p@ss", onceway.log())

    def test_password_apart(self):
        self.redis.ask("CONFIG", "SET", "requirepass", "p@ss/w:rd%")
        self.works(self.redis.url, password="p@ss/w:rd%")

    def test_wrong_password(self):
        self.redis.ask("CONFIG", "SET", "requirepass", "right")
        onceway = self.on_redis(self.sink(), url=f"redis://:wrong@127.0.0.1:{self.redis.port}",
                                start=False)
        onceway.start(ready=False)
        self.assertAnswer(self.post(onceway, event()), 503)
        self.assertIn("WRONGPASS", onceway.log())
        self.assertNotIn(":wrong", onceway.log())

    def test_no_password(self):
        self.redis.ask("CONFIG", "SET", "requirepass", "right")
        onceway = self.on_redis(self.sink(), start=False).start(ready=False)
        self.assertAnswer(self.post(onceway, event()), 503)
        self.assertIn("Redis wants a password (NOAUTH)", onceway.admin("/readyz").text)

    def test_a_replica_is_refused(self):
        replica = self.server("--replicaof", "127.0.0.1", str(self.redis.port))
        onceway = self.on_redis(self.sink(), url=replica.url, start=False).start(ready=False)
        self.assertAnswer(self.post(onceway, event()), 503)
        # While it loads what its master sent, it says so instead.
        onceway.wait_log(rf"127.0.0.1:{replica.port}/0: it is a replica and takes no keys")


class Tls(RedisCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)

    def secure_server(self, name, *arguments):
        self.secure_port = free_port()
        return self.server(
            "--tls-port", str(self.secure_port), "--tls-auth-clients", "no",
            "--tls-cert-file", self.certificates(f"{name}.pem"),
            "--tls-key-file", self.certificates(f"{name}.key"),
            "--tls-ca-cert-file", self.certificates("ca.pem"), *arguments)

    def on_tls(self, peer, host="localhost", tls=(), **options):
        return self.on_redis(
            peer, url=f"rediss://{host}:{self.secure_port}/0",
            store={"tls": {"ca": self.certificates("ca.pem"), **dict(tls)}}, **options)

    def test_it_works(self):
        server = self.secure_server("server")
        crm = self.sink()
        onceway = self.on_tls(crm)
        bodies = [event(f"t{n}", text="x" * 20000) for n in range(50)]
        for expected in (routed, discarded):
            calls = [Later(self.post, onceway, b) for b in bodies]
            for n, call in enumerate(calls):
                self.assertAnswer(call.get(), 200, expected(f"t{n}"))
        self.assertDelivered(crm, bodies)
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        self.assertAnswer(self.post(onceway, bodies[0]), 200, discarded("t0"))

    def test_a_client_certificate(self):
        self.secure_server("server", "--tls-auth-clients", "yes")
        onceway = self.on_tls(self.sink(), tls=self.certificates.pair("client"))
        self.assertAnswer(self.post(onceway, event()), 200, routed())

    def refused(self, name, phrase, **options):
        self.secure_server(name)
        crm = self.sink()
        onceway = self.on_tls(crm, start=False, **options).start(ready=False)
        self.assertAnswer(self.post(onceway, event()), 503)
        onceway.wait_log(rf"store main: Redis at localhost:{self.secure_port}/0 \(TLS\): .*({phrase})")
        self.assertRegex(onceway.admin("/readyz").text, phrase)
        self.assertEqual(crm.requests, [])

    def test_an_unknown_ca(self):
        self.refused("unknown", "CA|issuer")

    def test_another_host(self):
        self.refused("wrong-host", "localhost|name")

    def test_an_expired_certificate(self):
        self.refused("expired", "expired")


class Neighbours(RedisCase):
    """What other programs leave under the same keys."""

    def test_a_key_of_the_cxone_service(self):
        key = self.key_of(event())
        self.redis.ask("SET", key, "1", "EX", 300)
        crm = self.sink()
        onceway = self.on_redis(crm)
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(self.redis.ask("GET", key), "1")
        self.assertEqual(crm.requests, [])

    def test_a_key_without_an_end_is_given_one(self):
        key = self.key_of(event())
        self.redis.ask("SET", key, "1")
        onceway = self.on_redis(self.sink(), route={"window": "100s"})
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        wait_until(lambda: 0 < self.redis.ask("PTTL", key) <= 100000, "its end")
        self.assertEqual(
            onceway.metrics().get("onceway_redis_endless_keys_total", store="main"), 1)

    def test_a_service_that_is_processing(self):
        key = self.key_of(event())
        self.redis.ask("SET", key, "processing", "EX", 300)
        crm = self.sink()
        onceway = self.on_redis(crm, route={"respond": "sink"})
        copy = Later(self.post, onceway, event())
        wait_until(lambda: onceway.metrics().get(
            "onceway_redis_claims_total", store="main", found="in_progress") > 1, "polling")
        self.redis.ask("SET", key, '{"processed": true}', "EX", 300)
        self.assertAnswer(copy.get(), 200, '{"processed": true}')
        self.assertEqual(crm.requests, [])

    def test_a_key_of_another_type(self):
        key = self.key_of(event())
        self.redis.ask("RPUSH", key, "a")
        onceway = self.on_redis(self.sink())
        self.assertAnswer(self.post(onceway, event()), 503)
        self.assertIn("WRONGTYPE", onceway.log())
        self.assertAnswer(self.post(onceway, event("other")), 200, routed("other"))


class Counting(RedisCase):
    def test_duplicates_by_label(self):
        onceway = self.on_redis(self.sink(), store={
            "local_cache": 10, "counter_prefix": "cxone:metrics:duplicates:"})
        for _ in range(4):
            self.post(onceway, event())
        key = "cxone:metrics:duplicates:trg-1"
        wait_until(lambda: self.redis.ask("GET", key) == "3", "the counter")
        self.assertGreater(self.redis.ask("TTL", key), 86000)
        for _ in range(2):
            self.post(onceway, event())
        onceway.stop()  # what it still has is counted when it drains
        self.assertEqual(self.redis.ask("GET", key), "5")

    def test_the_sweeper(self):
        self.redis.ask("SET", "cxone:dedup:by others", "1")
        self.redis.ask("SET", "somebody:else", "1")
        onceway = self.on_redis(self.sink(), store={"sweep_interval": "200ms"})
        with self.redis.client() as c:
            for n in range(2050):
                c("SET", f"event:{n}", "1")
        self.post(onceway, event())
        self.post(onceway, event())
        wait_until(lambda: onceway.metrics().get("onceway_redis_keys", store="main") == 2052,
                   "2052 keys")
        onceway.wait_log(r"sweep: 2052 keys in Redis; of \d+ claims")
        self.assertEqual(self.redis.calls("keys")["keys"], 0)


if __name__ == "__main__":
    unittest.main()
