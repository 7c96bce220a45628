"""Redis goes away, hangs, fills up, forgets: nothing is lost, nothing is acknowledged falsely."""
import threading
import time
import unittest

from case import (
    Answer, Later, client, configuration, discarded, event, routed, wait_until)
from redis_server import Proxy
from test_redis import RedisCase

# Times that make an outage short; what they are is not tested.
QUICK = {"timeout": "500ms", "connect_timeout": "500ms",
         "reconnect": {"base": "10ms", "max": "100ms"}}


class OutageCase(RedisCase):
    def start(self, *script, url=None, store=(), **options):
        self.crm = self.sink(*script)
        self.onceway = self.on_redis(self.crm, url=url, store={**QUICK, **dict(store)}, **options)

    def metric(self, name, **labels):
        return self.onceway.metrics().get("onceway_redis_" + name, store="main", **labels)

    def insist(self, body):
        """Sends an event until it is acknowledged, as vendors do; returns the last answer."""
        def acknowledged():
            answer = self.post(self.onceway, body)
            if answer.status == 200:
                return answer
            self.assertIn(answer.status, (503, 409))
            self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
            return None
        return wait_until(acknowledged, "an acknowledgement")

    def assertUnready(self, phrase):
        def unready():
            answer = self.onceway.admin("/readyz")
            return answer.status == 503 and phrase in answer.text
        wait_until(unready, f"/readyz with `{phrase}`")

    def wait_ready(self):
        wait_until(lambda: self.onceway.admin("/readyz").status == 200, "/readyz")


class Gone(OutageCase):
    def test_down_at_start(self):
        self.redis.kill()
        self.crm = self.sink()
        self.onceway = self.on_redis(self.crm, store=QUICK, start=False).start(ready=False)
        answer = self.post(self.onceway, event())
        self.assertAnswer(answer, 503)
        self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
        self.assertUnready(f"Redis at 127.0.0.1:{self.redis.port}/0: Connection refused")
        self.assertEqual(self.crm.requests, [])
        self.redis.start()
        self.wait_ready()
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())

    def test_killed_and_started_again(self):
        self.start()
        self.assertAnswer(self.post(self.onceway, event("before")), 200, routed("before"))
        self.redis.kill()
        self.assertAnswer(self.post(self.onceway, event("during")), 503)
        self.assertUnready("Connection refused")
        self.redis.start()
        self.wait_ready()
        self.assertAnswer(self.post(self.onceway, event("during")), 200, routed("during"))
        # It kept nothing on disk: what it knew is forgotten, and comes a second time.
        self.assertAnswer(self.post(self.onceway, event("before")), 200, routed("before"))
        self.assertDelivered(self.crm, [event(t) for t in ("before", "during", "before")])

    def test_an_idle_connection_that_was_closed_costs_nothing(self):
        self.start()
        for n in range(5):
            self.assertAnswer(self.post(self.onceway, event(f"t{n}")), 200, routed(f"t{n}"))
            self.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_until(lambda: self.metric("connects_total") == 6, "connecting again")

    def test_during_the_delivery(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        original = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        self.redis.kill()
        self.assertUnready("Connection refused")
        gate.set()
        self.onceway.wait_log("store main: commit: .*Connection refused")
        self.redis.start()
        # The sink has it; the commit is tried again, and nobody took the key meanwhile.
        self.assertAnswer(original.get(), 200, routed())
        self.assertAnswer(self.insist(event()), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_until_the_end_of_the_delivery(self):
        gate = threading.Event()
        self.start(Answer(gate=gate), route={"deadline": "1s"})
        original = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        self.redis.kill()
        gate.set()
        # The sink has it: that is what counts, whatever the store says.
        self.assertAnswer(original.get(), 200, routed())

    def test_the_claim_was_forgotten_during_the_delivery(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        original = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        self.redis.kill()
        self.redis.start()
        wait_until(lambda: self.metric("connects_total") == 2, "connecting again")
        gate.set()
        self.assertAnswer(original.get(), 200, routed())
        # Nobody took the key meanwhile: the commit counts.
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)

    def test_restarts_under_traffic(self):
        self.start()
        stop, acknowledged = threading.Event(), []

        def send(part):
            number = 0
            while not stop.is_set():
                body = event(f"{part}-{number}")
                with client.Connection(self.onceway.port) as c:
                    c.post(body)
                    if c.answer().status == 200:
                        acknowledged.append(body)
                number += 1
        threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for _ in range(3):
            seen = len(acknowledged)
            wait_until(lambda: len(acknowledged) > seen + 50, "traffic")
            self.redis.kill()
            self.assertUnready("refused")
            self.redis.start()
            self.wait_ready()
        stop.set()
        for t in threads:
            t.join()
        delivered = self.crm.bodies
        self.assertLessEqual(set(acknowledged), set(delivered))
        # Each is sent once here, so each is delivered at most once.
        self.assertEqual(len(delivered), len(set(delivered)))


class Hanging(OutageCase):
    def test_a_paused_server(self):
        self.start()
        self.redis.pause()
        # The claim is written to a server that hangs, and given up.
        self.assertAnswer(self.post(self.onceway, event()), 503)
        self.assertUnready("did not answer in time")
        self.assertEqual(self.crm.requests, [])
        self.redis.resume()
        resumed = time.monotonic()
        # It may be carried out now, for nobody. It must not hold the key for its `lock` (60 s).
        self.assertAnswer(self.insist(event()), 200, routed())
        self.assertLess(time.monotonic() - resumed, 50)
        self.assertEqual(len(self.crm.requests), 1)

    def test_a_server_that_sleeps(self):
        self.start()
        with self.redis.client() as sleeper:
            sleeper.send("DEBUG", "SLEEP", 2)
            # Whether it came before or behind the sleep, it is never lost.
            self.insist(event())
            self.assertEqual(sleeper.reply(), "OK")
        self.assertAnswer(self.insist(event("t2")), 200, routed("t2"))
        self.assertDelivered(self.crm, [event(), event("t2")])

    def test_all_that_waits_is_answered(self):
        self.start()
        self.redis.pause()
        calls = [Later(self.post, self.onceway, event(f"t{n}")) for n in range(20)]
        self.assertEqual({c.get().status for c in calls}, {503})
        self.redis.resume()
        for n in range(20):
            self.assertAnswer(self.insist(event(f"t{n}")), 200, routed(f"t{n}"))
        self.assertDelivered(self.crm, [event(f"t{n}") for n in range(20)])

    def test_a_full_queue_fails_at_once(self):
        self.start(store={"max_queue": 4, "timeout": "60s"})
        self.redis.pause()
        calls = [Later(self.post, self.onceway, event(f"t{n}")) for n in range(20)]
        wait_until(lambda: sum(c.done() for c in calls) == 16, "16 refusals")
        self.redis.resume()
        answers = [c.get() for c in calls]
        self.assertEqual(sorted(a.status for a in answers), [200] * 4 + [503] * 16)
        self.assertIn("too many commands wait for Redis (max_queue)", self.onceway.log())


class Full(OutageCase):
    def test_no_memory(self):
        self.start()
        self.assertAnswer(self.post(self.onceway, event("before")), 200, routed("before"))
        self.redis.ask("CONFIG", "SET", "maxmemory", "1")
        self.assertAnswer(self.post(self.onceway, event()), 503)
        self.assertIn("Redis is full (OOM)", self.onceway.log())
        self.assertEqual(self.crm.bodies, [event("before")])
        self.redis.ask("CONFIG", "SET", "maxmemory", "0")
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())

    def test_no_memory_for_the_commit(self):
        gate = threading.Event()
        self.start(Answer(gate=gate))
        original = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        self.redis.ask("CONFIG", "SET", "maxmemory", "1")
        gate.set()
        self.onceway.wait_log(r"store main: commit: Redis is full \(OOM\)")
        self.redis.ask("CONFIG", "SET", "maxmemory", "0")
        self.assertAnswer(original.get(), 200, routed())
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())

    def test_no_memory_still_releases(self):
        gate = threading.Event()
        self.start(Answer(500, gate=gate), sink={"retry": {"attempts": 1}})
        original = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        self.redis.ask("CONFIG", "SET", "maxmemory", "1")
        gate.set()
        self.assertAnswer(original.get(), 502)
        self.redis.ask("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(self.keys(), [])

    def test_a_master_that_becomes_a_replica(self):
        other = self.server()
        self.start()
        self.redis.ask("REPLICAOF", "127.0.0.1", other.port)
        answer = self.post(self.onceway, event())
        self.assertAnswer(answer, 503)
        self.assertUnready("replica")
        self.redis.ask("REPLICAOF", "NO", "ONE")
        self.wait_ready()
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())

    def test_scripts_are_forgotten(self):
        self.start()
        self.assertAnswer(self.post(self.onceway, event("t1")), 200, routed("t1"))
        self.redis.ask("SCRIPT", "FLUSH")
        self.assertAnswer(self.post(self.onceway, event("t2")), 200, routed("t2"))
        self.assertAnswer(self.post(self.onceway, event("t2")), 200, discarded("t2"))
        self.assertEqual(self.redis.calls("eval")["eval"], 1)


class Policies(OutageCase):
    def test_pass(self):
        self.start(route={"on_store_error": "pass"})
        self.assertAnswer(self.post(self.onceway, event("before")), 200, routed("before"))
        self.redis.kill()
        for _ in range(2):
            self.assertAnswer(self.post(self.onceway, event()), 200)
        self.assertDelivered(self.crm, [event("before"), event(), event()])

    def test_fallback_and_back(self):
        self.crm = self.sink()
        config = configuration(self.crm.port, store={
            "plugin": "redis", "url": self.redis.url, "sweep_interval": "0s", **QUICK},
            route={"on_store_error": {"fallback": "spare"}})
        config["stores"]["spare"] = {"plugin": "memory"}
        self.onceway = self.daemon_of(config)
        self.redis.kill()
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
        self.redis.start()
        wait_until(lambda: self.metric("connects_total") == 2, "connecting again")
        self.assertAnswer(self.insist(event("t2")), 200, routed("t2"))
        wait_until(lambda: self.post(self.onceway, event("t3")).status == 200 and self.keys(),
                   "Redis in use again")

    def test_a_sliding_window(self):
        self.start(route={"window_mode": "sliding", "window": "100s"})
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        self.redis.ask("PEXPIRE", self.only_key(), 5000)
        self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
        self.assertGreater(self.redis.ask("PTTL", self.only_key()), 50000)

    def test_another_payload_under_the_same_key(self):
        self.start(store={"local_cache": 10}, route={"on_mismatch": "reject"})
        other = event(note="not part of the key")
        self.assertAnswer(self.post(self.onceway, event()), 200, routed())
        for _ in range(2):
            self.assertAnswer(self.post(self.onceway, event()), 200, discarded())
            self.assertAnswer(self.post(self.onceway, other), 422)
        self.assertEqual(self.metric("cache_hits_total"), 4)
        self.assertDelivered(self.crm, [event()])


class Cut(OutageCase):
    def start_behind_proxy(self, **options):
        self.proxy = Proxy(self.redis.port)
        self.addCleanup(self.proxy.close)
        # Nothing but events passes, so that it is their answers that are cut.
        self.start(url=self.proxy.url, store={"health_check": "0s"}, **options)

    def test_in_the_middle_of_the_answer_to_a_claim(self):
        self.start_behind_proxy()
        self.proxy.cut_after(3)
        self.assertAnswer(self.post(self.onceway, event()), 503)
        self.assertEqual(self.crm.requests, [])
        # Redis carried the claim out. Its answer was lost, the claim is not ours to lose.
        self.assertAnswer(self.insist(event()), 200, routed())
        self.assertEqual(len(self.crm.requests), 1)
        wait_until(lambda: self.metric("strays_released_total") == 1, "the claim's release")

    def test_in_the_middle_of_the_answer_to_a_commit(self):
        gate = threading.Event()
        self.start_behind_proxy()
        self.crm.script = [Answer(gate=gate)]
        original = Later(self.post, self.onceway, event())
        self.crm.wait(1)
        self.proxy.cut_after(2)
        gate.set()
        self.assertAnswer(original.get(), 200, routed())
        # It was carried out; sent again, it finds its own result and not a successor's.
        self.assertAnswer(self.insist(event()), 200, discarded())
        self.assertEqual(len(self.crm.requests), 1)
        self.assertEqual(self.onceway.metrics().get(
            "onceway_lease_lost_total", route="cxone"), 0)

    def test_anywhere(self):
        self.start_behind_proxy()
        bodies = [event(f"t{n}") for n in range(40)]
        for n, body in enumerate(bodies):
            self.proxy.cut_after(1 + 3 * n)
            self.insist(body)
            self.insist(body)
        self.assertGreater(self.proxy.cuts, 10)
        # A commit whose answer is cut is carried out all the same: nothing comes twice.
        self.assertDelivered(self.crm, bodies)


if __name__ == "__main__":
    unittest.main()
