"""Events that are answered once they are on disk: none is lost, whatever happens behind that."""
import collections
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import client
from case import Answer, Case, Later, discarded, event, key_of, routed, wait_until
from daemon import PATIENCE, WRAPPER
from redis_server import Server, free_port

EVENTS, KILLS = (1000, 8) if WRAPPER else (20000, 50)
# The same on bad days: a tenth of it, unless ONCEWAY_LONG is set.
SOME, SOME_KILLS = (
    (EVENTS, KILLS) if WRAPPER or os.environ.get("ONCEWAY_LONG") else (EVENTS // 10, KILLS // 5))
SENDERS = 8
PIPELINED = 8
# An attempt's time limit is far beyond what the sink takes: a second delivery before it
# can only come from a kill. A dead process' claim lives as long.
LOCK, LOCK_SECONDS = "10s", 10
# Of each worker: what a kill can find delivered and not committed.
INFLIGHT = 64
# The finished keys of a Redis: a claim is no JSON object.
FINISHED = """
local out = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    if redis.call('GETRANGE', key, 0, 0) == '{' then out[#out + 1] = key end
end
return out"""


def rows(directory, where="died_ms IS NULL"):
    """Events in the spool, as the file has them."""
    with sqlite3.connect(pathlib.Path(directory) / "spool.db", timeout=PATIENCE) as db:
        return db.execute(f"SELECT route, key, reason FROM event WHERE {where}").fetchall()


class Sender:
    """A vendor: sends again what was not answered, or with an error; later, after the others."""

    def __init__(self, port, names, acknowledged, data=()):
        self.port, self.acknowledged, self.data = port, acknowledged, dict(data)
        self.waiting = collections.deque(names)
        self.statuses = collections.Counter()
        self.told = {}
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while self.waiting:
                try:
                    with client.Connection(self.port) as c:
                        self._send_over(c)
                except OSError:
                    time.sleep(0.02)
        except Exception as e:  # seen by the test
            self.error = e

    def _send_over(self, connection):
        """Until the connection ends, or there is nothing left to send."""
        under_way = collections.deque()
        try:
            while self.waiting or under_way:
                while self.waiting and len(under_way) < PIPELINED:
                    under_way.append(self.waiting.popleft())
                    connection.post(event(under_way[-1], **self.data))
                answer = connection.answer()
                self.statuses[answer.status] += 1
                name = under_way.popleft()
                if answer.status in (200, 202):
                    self.acknowledged.append(name)
                    self.told[name] = answer.status, answer.body
                else:
                    self.waiting.append(name)
                    time.sleep(0.002)
        except client.Closed:
            pass
        finally:
            self.waiting.extend(under_way)


class Kept(Case):
    """What all tests here share: a directory that outlives the daemons."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="onceway-state-")
        self.addCleanup(temporary.cleanup)
        self.state = temporary.name

    def accepting(self, peer, start=True, route=(), onceway=(), **options):
        return self.daemon(
            peer, start, onceway={"state_dir": self.state, **dict(onceway)},
            route={"ack": "accepted", **dict(route)}, **options)

    def small_disk(self, size):
        """Of it 40 MiB are kept free."""
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "onceway-test", self.state],
            capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("only root can make a small disk")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=True)

    def redis(self):
        """One that nobody else can come to, be it by mistake."""
        server = Server()
        self.addCleanup(server.close)
        self.server, self.ask_redis = server, server.ask
        return {"plugin": "redis", "url": f"unix://{server.path}"}

    def wait_empty(self):
        wait_until(lambda: not rows(self.state), "an empty spool", 3 * PATIENCE)

    def outcomes(self, daemon, outcome):
        return daemon.metrics().get("onceway_events_total", route="cxone", outcome=outcome)


class Kills(Kept):
    def setUp(self):
        super().setUp()
        self.senders, self.keys = [], []

    def slow_sink(self):
        """Answers nothing while its gate is closed."""
        self.gate = threading.Event()
        self.gate.set()

        def choose(request):
            request.body = None  # many are large
            self.gate.wait(PATIENCE)
            time.sleep(random.uniform(0, 0.004))
            return Answer()
        return self.sink(choose=choose)

    def start_many(self, crm, max_inflight=INFLIGHT, onceway=(), **options):
        return self.accepting(
            crm, onceway=onceway, store=self.redis(), **options,
            sink={"pool": {"max_connections": 8}, "timeout": {"total": LOCK},
                  "retry": {"attempts": 100, "max": "10s"}},
            route={"lock": LOCK, "deadline": "10m", "window": "1d",
                   "max_inflight": max_inflight})

    def send(self, onceway, count, acknowledged, data=()):
        port = int(onceway.config.read_text().split("127.0.0.1:")[2].split('"')[0])
        names = [f"t{n}" for n in range(count)]
        self.senders += [
            Sender(port, names[n::SENDERS], acknowledged, data) for n in range(SENDERS)]
        return names

    def finish(self, acknowledged, names):
        for s in self.senders:
            s.thread.join()
            self.assertIsNone(s.error)
        self.assertEqual(sorted(acknowledged), sorted(names))

    def seen_by(self, crm):
        """The keys of all deliveries until now."""
        self.keys += [r.header("Idempotency-Key") for r in crm.requests[len(self.keys):]]
        return set(self.keys)

    def on_disk(self):
        """Keys that wait in the file a dead process left, which must not be touched."""
        with tempfile.TemporaryDirectory(prefix="onceway-copy-") as directory:
            for file in pathlib.Path(self.state).glob("spool.db*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, directory)
            return {key for _, key, _ in rows(directory)}

    def check_kept(self, crm, finished):
        """Of a dead process: what it acknowledged is delivered, or will be."""
        told = [(name, s.told[name]) for s in self.senders for name in list(s.told)]
        self.assertEqual(finished - self.seen_by(crm), set(), "finished, and not delivered")
        kept = finished | self.on_disk()
        self.assertEqual([t for t in told if key_of(t[0]) not in kept], [], "acknowledged, lost")

    def kill_and_restart(self, onceway, crm):
        """Returns when it was dead, and what the store had finished then."""
        onceway.kill()
        wait_until(lambda: crm.open == 0, "the sink to see the end of all connections")
        finished = set(self.ask_redis("EVAL", FINISHED, 0))
        self.check_kept(crm, finished)
        dead = time.monotonic()
        onceway.start(ready=False)
        return dead, finished

    def deliveries(self, crm):
        """When, by key."""
        times = collections.defaultdict(list)
        for r in crm.requests:
            times[r.header("Idempotency-Key")].append(r.at)
        return times

    def check_twice(self, crm, kills):
        """Twice is only what the sink had seen, and the store had not, when it was killed."""
        times = self.deliveries(crm)
        twice = 0
        for key, at in times.items():
            for first, second in zip(at, at[1:]):
                between = [finished for dead, finished in kills if first < dead < second]
                twice += bool(between)
                # Or the answer came too late for an attempt, on a slow machine.
                self.assertTrue(between or second - first >= LOCK_SECONDS,
                                f"delivered twice between two kills: {at}")
                self.assertFalse(any(key in finished for finished in between),
                                 f"delivered again though it was finished: {at}")
        self.assertLessEqual(twice, len(kills) * 2 * INFLIGHT)
        self.assertTrue(kills[-1][1] & set(times), "the store's keys are the sink's")
        return times

    def fill_disk(self, onceway):
        """Returns whether it was full; with the last events it need not be."""
        self.gate.clear()
        wait_until(lambda: "the disk is nearly full" in onceway.log() or
                   not any(s.thread.is_alive() for s in self.senders), "a full disk", 3 * PATIENCE)
        self.gate.set()
        return "the disk is nearly full" in onceway.log()

    def check_kills(self, count, kill_count, max_inflight=INFLIGHT, fill=False, **data):
        """Returns how many of those that were killed had found the disk full."""
        crm = self.slow_sink()
        onceway = self.start_many(crm, max_inflight, **self.workers(2))
        acknowledged, kills, full = [], [], 0
        names = self.send(onceway, count, acknowledged, data)
        for n in range(kill_count):
            full += fill and self.fill_disk(onceway)
            enough = (n + random.random()) * count / kill_count
            wait_until(lambda: len(acknowledged) >= enough or any(s.error for s in self.senders),
                       f"{enough} answers", 3 * PATIENCE)
            kills.append(self.kill_and_restart(onceway, crm))
        self.finish(acknowledged, names)
        self.wait_empty()
        times = self.check_twice(crm, kills)
        self.assertEqual(rows(self.state, "died_ms IS NOT NULL"), [])
        self.assertEqual(set(times), {key_of(name) for name in names})
        return full

    def test_at_random_moments(self):
        self.check_kills(EVENTS, KILLS)

    def test_with_the_disk_full(self):
        """There is room for some hundreds, and the sink waits until they are there."""
        self.small_disk("42m")
        full = self.check_kills(
            SOME, SOME_KILLS, max_inflight=5000, fill=True, note="x" * 20000)
        self.assertGreater(full, 1)

    def test_with_the_sink_down(self):
        """Nothing can be delivered all the time: it is all there when the sink comes."""
        crm = self.sink(listening=False)
        # With one worker: another would not know that it has what comes again.
        onceway = self.start_many(
            crm, max_inflight=100000, listener={"address": f"127.0.0.1:{free_port()}"})
        acknowledged, count = [], SOME
        names = self.send(onceway, count, acknowledged)
        for n in range(SOME_KILLS):
            enough = (n + random.random()) * count / SOME_KILLS
            wait_until(lambda: len(acknowledged) >= enough or any(s.error for s in self.senders),
                       f"{enough} answers", 3 * PATIENCE)
            self.kill_and_restart(onceway, crm)
        self.finish(acknowledged, names)
        # On a machine so slow that a claim ends before it is taken up again, a copy is there too.
        self.assertEqual(len({key for _, key, _ in rows(self.state)}), count)
        crm.listen()
        wait_until(lambda: len(crm.requests) >= count, "all deliveries", 9 * PATIENCE)
        self.wait_empty()
        times = self.deliveries(crm)
        self.assertEqual(set(times), {key_of(name) for name in names})
        for at in times.values():
            for first, second in zip(at, at[1:]):
                self.assertGreaterEqual(second - first, LOCK_SECONDS, "answered, and sent again")


class Answers(Kept):
    def test_before_the_sink_and_whatever_it_says(self):
        gate = threading.Event()
        crm = self.sink(Answer(gate=gate))
        onceway = self.accepting(crm)
        self.assertAnswer(self.post(onceway, event()), 202, routed())
        # The first is on disk, so its copies need not wait for the sink either.
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(len(rows(self.state)), 1)
        self.assertEqual(self.outcomes(onceway, "delivered"), 0)
        gate.set()
        self.wait_empty()
        self.assertAnswer(self.post(onceway, event()), 200, discarded())
        self.assertEqual(len(crm.requests), 1)
        self.assertEqual(self.outcomes(onceway, "delivered"), 1)
        self.assertEqual(self.outcomes(onceway, "duplicate"), 2)

    def test_plain(self):
        onceway = self.accepting(self.sink(), route={"respond": "plain"})
        answer = self.post(onceway, event())
        self.assertAnswer(answer, 202)
        self.assertRegex(answer.text, r'^{"status":"accepted","key":"[0-9a-f]{64}"}$')

    def test_a_dead_letter_of_what_the_sink_refuses(self):
        onceway = self.accepting(self.sink(Answer(400, b'{"bad":1}')))
        self.assertAnswer(self.post(onceway, event()), 202)
        wait_until(lambda: rows(self.state, "died_ms IS NOT NULL"), "a dead letter")
        [(route, key, reason)] = rows(self.state, "died_ms IS NOT NULL")
        self.assertEqual((route, reason), ("cxone", "the sink answered 400"))
        # Its key is free: the vendor may mean it.
        self.assertAnswer(self.post(onceway, event()), 202)
        self.wait_empty()

    def test_no_dead_letter_where_none_is_wanted(self):
        onceway = self.accepting(self.sink(Answer(400)), route={"dead_letter": False})
        self.assertAnswer(self.post(onceway, event()), 202)
        onceway.wait_log("error .*it is lost: dead_letter is false")
        self.wait_empty()
        self.assertEqual(rows(self.state, "died_ms IS NOT NULL"), [])
        self.assertEqual(self.outcomes(onceway, "failed"), 1)

    def test_credentials_are_not_on_disk(self):
        gate = threading.Event()
        onceway = self.accepting(
            self.sink(Answer(gate=gate)), source={"auth": {"mode": "bearer", "secrets": ["hunter2"]}})
        names = ["Authorization", "Proxy-Authorization", "cookie", "X-API-Key"]
        headers = [(n, "Bearer hunter2") for n in names] + [("X-Other", "stays")]
        self.assertAnswer(self.post(onceway, event(), headers=headers), 202)
        data = b"".join(p.read_bytes() for p in pathlib.Path(self.state).iterdir())
        self.assertIn(b"X-Other: stays", data)
        self.assertNotIn(b"hunter2", data)
        gate.set()


class Resumed(Kept):
    def test_after_a_kill(self):
        crm = self.sink(Answer(act="hang"))
        onceway = self.accepting(crm, store=self.redis())
        parent = f"00-{'4b' * 16}-{'0a' * 8}-01"
        self.assertAnswer(self.post(onceway, event(), headers=[("traceparent", parent)]), 202)
        crm.wait(1)
        onceway.kill()
        onceway.start()
        first, second = crm.wait(2)
        for name in ("Idempotency-Key", "traceparent", "Content-Type"):
            self.assertIsNotNone(first.header(name))
            self.assertEqual(first.header(name), second.header(name))
        self.assertEqual(first.body, second.body)
        self.wait_empty()
        # Under the claim it had: nobody had to wait for that to end.
        self.assertEqual(self.outcomes(onceway, "delivered"), 1)
        self.assertAnswer(self.post(onceway, event()), 200, discarded())

    def test_after_a_kill_behind_a_copy(self):
        """The copy comes first, and waits for a claim that is the event's own."""
        crm = self.sink(Answer(act="hang"))
        onceway = self.accepting(
            crm, store=self.redis(), route={"lock": "1h", "deadline": "1h"})
        self.assertAnswer(self.post(onceway, event()), 202)
        crm.wait(1)
        onceway.kill()
        self.server.pause()
        onceway.start(ready=False)
        onceway.wait_log("on disk, tried again later")
        self.server.resume()
        onceway.wait_log("connected to Redis")
        copy = Later(self.post, onceway, event())
        crm.wait(2)
        self.assertAnswer(copy.get(), 200, discarded())
        self.wait_empty()
        self.assertEqual(self.outcomes(onceway, "delivered"), 1)

    def test_after_a_drain_that_does_not_wait_for_it(self):
        crm = self.sink(Answer(503, headers=[("Retry-After", "20")]))
        onceway = self.accepting(crm, onceway={"drain_timeout": "1h"})
        self.assertAnswer(self.post(onceway, event()), 202)
        onceway.wait_log("debug .*503")
        onceway.stop()
        self.assertEqual(len(rows(self.state)), 1)
        onceway.start()
        crm.wait(2)
        self.wait_empty()

    def test_after_a_drain_timeout(self):
        crm = self.sink(Answer(act="hang"))
        onceway = self.accepting(crm, onceway={"drain_timeout": "200ms"})
        self.assertAnswer(self.post(onceway, event()), 202)
        crm.wait(1)
        onceway.stop()
        onceway.start()
        crm.wait(2)
        self.wait_empty()

    def test_route_that_is_gone(self):
        crm = self.sink(Answer(act="hang"))
        onceway = self.accepting(crm)
        self.assertAnswer(self.post(onceway, event()), 202)
        crm.wait(1)
        onceway.kill()
        config = onceway.config.read_text()
        onceway.config.write_text(config.replace('"cxone": {', '"other": {'))
        onceway.start()
        onceway.wait_log(r"warning .*1 event\(s\) on disk are of route `cxone`, which is not")
        onceway.stop()
        self.assertEqual(len(rows(self.state)), 1)
        self.assertEqual(len(crm.requests), 1)

    def test_store_that_comes_back(self):
        server = Server()
        self.addCleanup(server.close)
        crm = self.sink(Answer(act="hang"))
        onceway = self.accepting(crm, store={"plugin": "redis", "url": server.url})
        self.assertAnswer(self.post(onceway, event()), 202)
        crm.wait(1)
        onceway.kill()
        server.kill()
        onceway.start(ready=False)
        onceway.wait_log("on disk, tried again later")
        server.start()
        crm.wait(2)
        self.wait_empty()


class Full(Kept):
    """There is no room on the disk: nothing is acknowledged, and nothing that was is lost."""

    BODY = {"note": "x" * 20000}

    def fill(self, onceway, name):
        """Posts until it is refused; returns what was acknowledged."""
        acknowledged = []
        for n in range(2000):
            trigger = f"{name}{n}"
            answer = self.post(onceway, event(trigger, **self.BODY))
            if answer.status == 503:
                self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
                return acknowledged
            self.assertAnswer(answer, 202, routed(trigger))
            acknowledged.append(trigger)
        raise AssertionError("it is never full")

    def delivered(self, crm):
        return {json.loads(r.body)["triggerId"] for r in crm.requests}

    def check_full(self, **options):
        crm = self.sink(listening=False)
        onceway = self.accepting(
            crm, store=self.redis(), route={"deadline": "1h", "lock": "2h"},
            sink={"retry": {"attempts": 100, "base": "100ms", "max": "10s"}}, **options)
        acknowledged = self.fill(onceway, "a")
        self.assertGreater(len(acknowledged), 20)
        self.assertRegex(onceway.log(), "error .*it cannot be put on disk")
        # Full as it is, a kill loses nothing, and does not keep it from starting.
        onceway.kill()
        onceway.start(ready=False)
        self.assertEqual(len(rows(self.state)), len(acknowledged))
        acknowledged += self.fill(onceway, "b")
        crm.listen()
        self.wait_empty()
        self.assertEqual(self.delivered(crm), set(acknowledged))
        self.assertEqual(len(crm.requests), len(acknowledged))
        # Back by itself.
        self.assertAnswer(self.post(onceway, event("c")), 202, routed("c"))
        crm.wait(len(acknowledged) + 1)
        self.wait_empty()

    def test_spool(self):
        self.check_full(onceway={"spool": {"max_size": "1MiB"}})

    def test_disk(self):
        self.small_disk("56m")
        self.check_full()

    def wait_ready(self, onceway, why=None):
        wait_until(lambda: (onceway.admin("/readyz").status == 200) == (why is None), "/readyz")
        status = onceway.status()
        self.assertEqual(onceway.admin("/readyz").text, f"spool: {why}\n" if why else "ok\n")
        self.assertEqual((status["ready"], status["spool"].get("why")), (why is None, why))
        return status["spool"]

    def test_says_so_in_readyz(self):
        gate, workers = threading.Event(), self.workers(4)
        onceway = self.accepting(
            self.sink(default=Answer(gate=gate)), listener=workers["listener"],
            onceway={"spool": {"max_size": "1MiB"}, **workers["onceway"]})
        self.assertEqual(self.wait_ready(onceway), {
            "ready": True, "waiting": 0, "waiting_bytes": 0, "dead_letters": 0})
        count = len(self.fill(onceway, "a"))
        spool = self.wait_ready(onceway, "the spool is full")
        self.assertEqual((spool["ready"], spool["waiting"]), (False, count))
        self.assertGreater(spool["waiting_bytes"], 20000 * count)
        gate.set()
        self.wait_empty()
        self.wait_ready(onceway)

    def test_readyz_of_a_route_that_can_do_without(self):
        self.small_disk("40m")
        why = "the disk is nearly full"
        onceway = self.accepting(self.sink(), start=False).start(ready=False)
        self.wait_ready(onceway, why)
        other = self.accepting(self.sink(), start=False, route={"ack": "delivered"})
        onceway.stop()
        other.start()
        self.assertEqual(other.admin("/readyz").status, 200)
        self.assertEqual(other.status()["spool"]["why"], why)
        self.assertAnswer(self.post(other, event()), 200, routed())


if __name__ == "__main__":
    unittest.main()
