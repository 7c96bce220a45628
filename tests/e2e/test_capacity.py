"""What the machine gives: processors for the workers, file descriptors for connections."""
import contextlib
import os
import resource
import socket
import unittest

from case import Case, client, event, wait_until
from daemon import WRAPPER


class Workers(Case):
    def daemon_with(self, workers):
        # A port that was free a moment ago: one worker does not share it with self.workers().
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        return self.daemon(self.sink(), onceway={"workers": workers},
                           listener={"address": f"127.0.0.1:{port}"})

    def test_auto_is_what_the_affinity_allows(self):
        mine = os.sched_getaffinity(0)
        onceway = self.daemon_with("auto")
        count = onceway.status()["workers"]
        self.assertIn(count, range(1, len(mine) + 1))  # a control group may give less
        self.assertRegex(
            onceway.log(), rf"core: workers: {count} \(auto: {len(mine)} processors? allowed, .*"
            rf"quota.*\)\n")
        self.addCleanup(os.sched_setaffinity, 0, mine)
        os.sched_setaffinity(0, {min(mine)})
        onceway = self.daemon_with("auto")
        self.assertEqual(onceway.status()["workers"], 1)
        self.assertIn("core: workers: 1 (auto: 1 processor allowed, ", onceway.log())

    def test_a_number_is_that_number(self):
        onceway = self.daemon_with(3)
        self.assertEqual(onceway.status()["workers"], 3)
        self.assertNotIn("auto", onceway.log())


class Connections(Case):
    def count(self, onceway, name):
        return onceway.metrics().get(f"onceway_http_{name}", listener="public")

    def test_max_connections_is_for_all_workers_together(self):
        options = self.workers(4)
        options["listener"]["max_connections"] = 20
        onceway = self.daemon(self.sink(), **options)
        with contextlib.ExitStack() as stack:
            held, refused = [], 0
            # One after the other: a connection counts when it is accepted, not before.
            for n in range(40):
                c = stack.enter_context(client.Connection(onceway.port))
                c.send(client.request_bytes("GET", "/none"))
                answer = c.answer()
                if answer.status == 503:
                    self.assertEqual(answer.header("Retry-After"), "1")
                    self.assertTrue(c.is_closed())
                    refused += 1
                else:
                    self.assertEqual((answer.status, refused), (404, 0), n)
                    held.append(c)
            self.assertEqual((len(held), refused), (20, 20))
            wait_until(lambda: self.count(onceway, "refused_total") == 20, "refused")
            self.assertEqual(self.count(onceway, "connections"), 20)
            held.pop().close()
            wait_until(lambda: self.count(onceway, "connections") == 19, "room")
            self.assertEqual(self.post(onceway, event()).status, 200)

    @unittest.skipIf(WRAPPER, "a wrapper needs file descriptors of its own")
    def test_too_few_file_descriptors(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        sink = self.sink()
        onceway = self.daemon(sink, start=False, listener={"max_connections": 1000})
        # Only the soft limit of this process changes; the daemon cannot raise a hard one.
        onceway.limit_files(300)
        onceway.start()
        self.assertRegex(
            onceway.log(),
            r"warning core: listener `public` takes 108 connections, not 1000 "
            r"\(max_connections\): this process may have 300 open files and needs 1192; raise "
            r"the limit \(ulimit -n, LimitNOFILE= in systemd\) or lower max_connections\n")
        with contextlib.ExitStack() as stack:
            for _ in range(108):
                stack.enter_context(client.Connection(onceway.port))
            wait_until(lambda: self.count(onceway, "connections") == 108, "connections")
            self.assertEqual(client.ask(onceway.port, "GET", "/").status, 503)
        wait_until(lambda: self.count(onceway, "connections") == 0, "connections")
        self.assertEqual(self.post(onceway, event()).status, 200)
        self.assertNotIn("Too many open files", onceway.log())
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), limits)

    def test_enough_file_descriptors(self):
        onceway = self.daemon(self.sink(), listener={"max_connections": 50})
        self.assertNotIn("open files", onceway.log())


if __name__ == "__main__":
    unittest.main()
