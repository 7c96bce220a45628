"""Source poll against a list that a Python server holds: every record once, and none lost."""
import json
import pathlib
import random
import tempfile
import time
import unittest
import urllib.parse

from case import Answer, Case, wait_until
from daemon import WRAPPER

RECORDS = 60 if WRAPPER else 600
KILLS = 3 if WRAPPER else 10
PAGE = 10


class List:
    """An API's list that grows. Its pages are found by what a test asks for."""

    def __init__(self, count=0):
        self.records = [self.record(n) for n in range(count)]
        self.fail = None  # of a request: an Answer in place of a page

    @staticmethod
    def record(number):
        return '{"id": "c-%d",  "n": %d, "t": "\\u00e9"}' % (number, number)

    def grow(self, count):
        first = len(self.records)
        self.records += [self.record(n) for n in range(first, first + count)]

    def page(self, first):
        return "[" + ", ".join(self.records[first:first + PAGE]) + "]"

    def next(self, first):
        return first + PAGE if first + PAGE < len(self.records) else None

    def query(self, request):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))

    def answer(self, request):
        failure = self.fail and self.fail(request)
        return failure or Answer(200, **self.as_page(request))

    def as_page(self, request):
        """A cursor in the body."""
        first = int(self.query(request).get("cursor", "at 0").partition(" ")[2])
        following = self.next(first)
        cursor = None if following is None else f"at {following}"
        return {"body": ('{"next": %s, "data": %s}' % (
            json.dumps(cursor), self.page(first))).encode()}


class Linked(List):
    def as_page(self, request):
        first = int(self.query(request).get("from", 0))
        following = self.next(first)
        headers = [] if following is None else [
            ("Link", f'</v1/list?from={first}>; rel="prev", </v1/list?from={following}>; rel="next"')]
        return {"body": self.page(first).encode(), "headers": headers}


class Offset(List):
    def as_page(self, request):
        return {"body": self.page(int(self.query(request)["offset"])).encode()}


class Numbered(List):
    def as_page(self, request):
        query = self.query(request)
        assert query["per_page"] == str(PAGE), query
        return {"body": self.page((int(query["page"]) - 1) * PAGE).encode()}


CURSOR = {"paging": "cursor", "cursor": "/next", "records": "/data"}


class PollCase(Case):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="onceway-poll-")
        self.directory = pathlib.Path(self.temporary.name)
        self.state = self.directory / "state"

    def _finish(self):
        """The daemons write until they end, so their directory goes after them."""
        try:
            super()._finish()
        finally:
            self.temporary.cleanup()

    def api(self, listing):
        return self.sink(choose=listing.answer)

    def poll(self, api, crm, start=True, onceway=(), listener=(), store=(), **source):
        return self.daemon_of({
            "onceway": {"admin": "127.0.0.1:0", "log": {"level": "debug"}, **dict(onceway)},
            # The harness asks every daemon for the port of one.
            "listeners": {"public": {"address": "127.0.0.1:0", **dict(listener)}},
            "sources": {"contacts": {
                "plugin": "poll", "url": f"http://127.0.0.1:{api.port}/v1/list",
                "interval": "50ms", "retry": {"base": "20ms", "max": "100ms"},
                "state": str(self.state), **source}},
            "stores": {"main": {"plugin": "memory", **dict(store)}},
            "sinks": {"crm": {
                "plugin": "http", "url": f"http://127.0.0.1:{crm.port}/events",
                "retry": {"attempts": 1}}},
            "routes": {"contacts": {
                "from": "contacts", "key": {"plugin": "fields", "from": ["/id"]},
                "store": "main", "to": "crm", "window": "1h"}},
        }, start)

    def wait_for(self, crm, listing):
        wait_until(lambda: {r.body for r in crm.requests} == {
            r.encode() for r in listing.records}, "all records")

    def assertOnce(self, crm, listing):
        self.wait_for(crm, listing)
        self.assertEqual(len(crm.requests), len(listing.records))

    def total(self, onceway, name, **labels):
        return onceway.metrics().total(f"onceway_{name}", **labels)


class Pages(PollCase):
    def follow(self, listing, **source):
        listing.grow(PAGE * 3 + 4)
        crm = self.sink()
        onceway = self.poll(self.api(listing), crm, **source)
        self.assertOnce(crm, listing)
        # What comes to the last page, and makes more of them, is seen in a later round.
        listing.grow(PAGE * 2)
        self.assertOnce(crm, listing)
        return onceway

    def test_cursor(self):
        onceway = self.follow(List(), **CURSOR)
        # The last page is read again and again: its records are duplicates.
        wait_until(lambda: self.total(onceway, "events_total", outcome="duplicate") > 20,
                   "duplicates")

    def test_link(self):
        self.follow(Linked(), paging="link")

    def test_offset(self):
        self.follow(Offset(), paging="offset")

    def test_page(self):
        self.follow(Numbered(), paging="page", page_size=PAGE, page_size_parameter="per_page")

    def test_several_workers_poll_once(self):
        listing, crm = List(PAGE), self.sink()
        api = self.api(listing)
        self.poll(api, crm, interval="1h", **self.workers(3), **CURSOR)
        self.assertOnce(crm, listing)
        self.assertEqual(len(api.requests), 1)

    def test_oauth(self):
        listing, crm = List(PAGE * 2), self.sink()
        tokens = iter(range(100))

        def issue(_):
            return Answer(200, body=json.dumps({
                "access_token": f"token-{next(tokens)}", "expires_in": 1800}).encode(),
                headers=[("Content-Type", "application/json")])
        login = self.sink(choose=issue)
        # The first token is not taken: it is fetched anew, once.
        listing.fail = lambda r: Answer(401) if r.header(
            "Authorization") != "Bearer token-1" else None
        self.poll(self.api(listing), crm, interval="1h", oauth2={
            "token_url": f"http://127.0.0.1:{login.port}/token", "client_id": "us",
            "client_secret": "hunter2"}, **CURSOR)
        self.assertOnce(crm, listing)
        self.assertEqual(len(login.requests), 2)


class Failures(PollCase):
    def test_retry_after(self):
        listing, crm = List(3), self.sink()
        api = self.api(listing)
        listing.fail = lambda r: Answer(429, headers=[("Retry-After", "2")]) if len(
            api.requests) <= 1 else None
        self.poll(api, crm, **CURSOR)
        self.assertOnce(crm, listing)
        self.assertGreaterEqual(api.requests[1].at - api.requests[0].at, 2)

    def test_a_server_that_fails_in_every_way(self):
        listing, crm = List(PAGE * 6), self.sink()
        chance = random.Random(7)
        ways = [Answer(500), Answer(404), Answer(act="reset"), Answer(act="half"),
                Answer(act="garbage"), Answer(200, body=b'{"data": ['), Answer(302),
                Answer(200, body=b"[]"), None, None]
        listing.fail = lambda r: chance.choice(ways)
        onceway = self.poll(self.api(listing), crm, **CURSOR)
        self.assertOnce(crm, listing)
        wait_until(lambda: self.total(onceway, "poll_errors_total") > 3, "errors")

    def test_the_sink_is_down(self):
        listing, crm = List(PAGE * 2), self.sink(listening=False)
        api = self.api(listing)
        onceway = self.poll(api, crm, start=False, **CURSOR)
        onceway.start(ready=False)
        wait_until(lambda: self.total(onceway, "poll_returned_total") > PAGE, "given back")
        # Nothing goes on without it: it is the first page, each time.
        self.assertEqual({r.target for r in api.requests}, {"/v1/list"})
        self.assertFalse(self.state.exists())
        crm.listen()
        self.assertOnce(crm, listing)

    def test_a_record_without_a_key_does_not_stop_the_others(self):
        listing, crm = List(PAGE + 5), self.sink()
        odd = list(listing.records)
        odd[3:3] = ['{"no": "id"}', "17"]
        listing.page = lambda first: "[" + ",".join(odd[first:first + PAGE]) + "]"
        onceway = self.poll(self.api(listing), crm, interval="1h", **CURSOR)
        wait_until(lambda: len(crm.requests) >= PAGE + 3, "the others")
        self.assertEqual(self.total(onceway, "poll_skipped_total"), 2)
        self.assertRegex(onceway.log(), "a record is left out: it is not an object")

    def test_a_large_page(self):
        listing, crm = List(PAGE), self.sink()
        onceway = self.poll(self.api(listing), crm, max_response="200", **CURSOR)
        onceway.wait_log("a page is larger than max_response")
        self.assertEqual(crm.requests, [])


class Restart(PollCase):
    def test_goes_on_where_it_was(self):
        listing, crm = List(PAGE * 3), self.sink()
        api = self.api(listing)
        onceway = self.poll(api, crm, **CURSOR)
        self.assertOnce(crm, listing)
        last = "/v1/list?cursor=at%2020"
        wait_until(lambda: "%2020" in self.state.read_text(), "the state")
        onceway.stop()
        self.assertEqual(self.state.stat().st_mode & 0o777, 0o600)
        before = len(api.requests)
        onceway.start()
        wait_until(lambda: len(api.requests) > before, "a request")
        self.assertEqual({r.target for r in api.requests[before:]}, {last})

    def test_kill_at_random_moments(self):
        """What was under way is read again: nothing is lost, and what was answered is a duplicate."""
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        listing, crm = List(RECORDS), self.sink()
        onceway = self.poll(
            self.api(listing), crm, max_inflight=4,
            store={"durable": str(self.directory / "keys"), "sync": "always"}, **CURSOR)
        for _ in range(KILLS):
            more = len(crm.requests) + chance.randrange(0, RECORDS // KILLS)
            wait_until(lambda: len(crm.requests) >= min(more, RECORDS), "records")  # pylint: disable=W0640
            time.sleep(chance.random() / 50)
            onceway.kill()
            onceway.start()
        self.wait_for(crm, listing)
        # Each kill may have fallen between the sink's acceptance and the commit.
        self.assertLessEqual(len(crm.requests), RECORDS + KILLS * 4)

    def test_drain_in_the_middle_of_a_page(self):
        listing, crm = List(PAGE * 2), self.sink(default=Answer(503))
        onceway = self.poll(self.api(listing), crm, max_inflight=1, **CURSOR)
        crm.wait(1)
        onceway.stop()
        self.assertFalse(self.state.exists())
        crm.default = Answer()
        onceway.start()
        wait_until(lambda: self.total(onceway, "events_total", outcome="delivered") ==
                   len(listing.records), "all records")


class Refused(PollCase):
    def ends_with(self, pattern):
        onceway = self.poll(self.sink(), self.sink(), start=False)
        onceway.launch()
        onceway.check_ended(status=1)
        self.assertRegex(onceway.log(), pattern)

    def test_a_damaged_state(self):
        for data in (b"", b"hello\n", b"onceway poll 1\ncrc 00000000\nurl x\nnext /\n"):
            with self.subTest(data):
                self.state.write_bytes(data)
                self.ends_with(
                    f"cannot start: source contacts: state {self.state} cannot be used: .*; "
                    "move it away to begin with the first page")
                self.assertEqual(self.state.read_bytes(), data)

    def test_no_directory(self):
        self.state = self.directory / "missing" / "state"
        self.ends_with(f"cannot create {self.state}.lock: No such file or directory")


if __name__ == "__main__":
    unittest.main()
