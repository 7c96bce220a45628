/* The plugin in front of a cluster whose nodes say exactly what the test wants. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_redis/script.h"
#include "store_redis/test_peer.h"
#include "store_redis/test_rig.h"
#include "tests/unit/main.h"

#define SHA   "0123456789012345678901234567890123456789"
#define PEERS 3

/* In the slot 15495, which is the second peer's at first. */
#define KEY  "{a}1"
#define SLOT 15495

static struct peer peers[PEERS];

/* Whether it is told nothing more for a while. */
static bool left_alone(struct peer *p)
{
	peer_told(p, "");
	p->heard_len = 0;
	for (int i = 0; i < 20; i++)
		rig_turn();
	peer_told(p, "");
	return p->heard_len == 0;
}

static void say_elsewhere(struct peer *p, const char *how, const struct peer *where)
{
	char text[100];
	snprintf(text, sizeof(text), "-%s %d 127.0.0.1:%d\r\n", how, SLOT, where->port);
	peer_say(p, text);
}

static void greet(struct peer *p)
{
	rig_until(peer_accepted(p));
	rig_until(peer_told(p, "$4\r\nPING\r\n"));
	peer_say(p, "+OK\r\n*3\r\n$5\r\nslave\r\n:0\r\n*0\r\n");
	for (int i = 0; i < SCRIPTS; i++)
		peer_say(p, "$40\r\n" SHA "\r\n");
	peer_say(p, "+PONG\r\n");
}

static bool asked(struct peer *p)
{
	return peer_told(
	    p, "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n");
}

/* The first slots are one's, those from 10000 on the other's. */
static void say_map(struct peer *p, const struct peer *low, const struct peer *high)
{
	char text[300];
	snprintf(text, sizeof(text),
	    "*2\r\n*3\r\n:0\r\n:9999\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
	    "*3\r\n:10000\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
	    "$16\r\ncluster_state:ok\r\n",
	    low->port, high->port);
	peer_say(p, text);
}

/* Whoever is asked for the map in the next while says that. */
static void map_is(const struct peer *low, const struct peer *high)
{
	for (int i = 0; i < 100; i++) {
		mock_advance(rig.mock, 2);
		rig_turn();
		for (int j = 0; j < PEERS; j++)
			if (peers[j].fd >= 0 && asked(&peers[j]))
				say_map(&peers[j], low, high);
	}
}

static void open_rig(const char *more)
{
	char url[64], options[300];
	for (int i = 0; i < PEERS; i++)
		peer_listen(&peers[i]);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%d", peers[0].port);
	snprintf(options, sizeof(options), "cluster: true\n%s", more ? more : "");
	rig_open(url, options);
}

/* Two nodes serve, the third does nothing yet. */
static void with(const char *more)
{
	open_rig(more);
	greet(&peers[0]);
	rig_until(asked(&peers[0]));
	say_map(&peers[0], &peers[0], &peers[1]);
	greet(&peers[1]);
	rig_until(rig_ready());
	map_is(&peers[0], &peers[1]);
}

static void done(void)
{
	rig_close();
	for (int i = 0; i < PEERS; i++)
		peer_close(&peers[i]);
}

static uint64_t redirects(const char *kind)
{
	return mock_counter(rig.mock, "redis_redirects_total", kind);
}

/* A claim's script for the key; what came before it is forgotten. */
#define CLAIM "EVALSHA\r\n$40\r\n" SHA "\r\n$1\r\n1\r\n$4\r\n" KEY "\r\n"

static struct ow_op *claim_at(struct peer *p)
{
	struct ow_op *op = rig_begin_claim(KEY, 1);
	rig_until(peer_told(p, CLAIM));
	return op;
}

static void is_new(struct ow_op *op)
{
	rig_until(mock_finished(op));
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
	ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_NEW);
}

static void failed(struct ow_op *op, const char *why)
{
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), why) != NULL, "%s", mock_why(op));
}

START_TEST(options_are_sound)
{
	struct mock *m = mock_new();
	const struct ow_component *redis = mock_component(OW_MODULE_SYMBOL(), "redis");
	static const struct {
		const char *yaml, *says;
	} bad[] = {
	    {"url: unix:///run/r\ncluster: true\n", "test.yaml:2:10: error: needs a url with"},
	    {"url: redis://h/3\ncluster: true\n", "a cluster has no other"},
	    {"url: redis://h\nnodes: [h2]\n",
		"test.yaml:2:8: error: is of no use without `cluster: true`"},
	    {"url: redis://h\ncluster: true\nnodes: ['h2:x']\n", "entry 1 has a port"},
	    {"url: redis://h\ncluster: true\nnodes: ['redis://h2']\n",
		"must be host or host:port"},
	    {"url: redis://\ncluster: true\nsentinel: {master: m, nodes: [h]}\n",
		"does not go with sentinel"},
	    {"url: redis://h\nmax_nodes: 5\n", "is of no use without `cluster: true`"},
	    {"url: redis://h\ncluster: true\nmax_nodes: 0\n", "must be between 1 and 1000"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *complaints = mock_conf_complaints(m, redis, bad[i].yaml);
		ck_assert_msg(strstr(complaints, bad[i].says), "%s", complaints);
	}
	ck_assert_str_eq(mock_conf_complaints(m, redis,
			     "url: rediss://h:7/0\ncluster: true\nnodes: [h2, '[::1]:7002']\n"),
	    "");
	mock_free(m);
}
END_TEST

START_TEST(each_key_at_its_node)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	ck_assert(peer_told(&peers[1], "$1\r\n0\r\n"));
	ck_assert(left_alone(&peers[1]));
	peer_say(&peers[1], "$-1\r\n");
	is_new(op);
	op = rig_begin_claim("123456789", 2); /* slot 12739 */
	rig_until(peer_told(&peers[1], "123456789"));
	peer_say(&peers[1], "*3\r\n$1\r\n1\r\n:5\r\n:5\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_DONE);
	op = rig_begin_claim("user1000", 3); /* slot 3443 */
	rig_until(peer_told(&peers[0], "user1000"));
	peer_say(&peers[0], "$-1\r\n");
	is_new(op);
	ck_assert_int_eq(mock_gauge(rig.mock, "redis_nodes"), 2);
	done();
}
END_TEST

START_TEST(moved)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	say_elsewhere(&peers[1], "MOVED", &peers[0]);
	rig_until(peer_told(&peers[0], CLAIM));
	ck_assert(!mock_finished(op));
	/* What comes later goes there at once, and so stays behind it. */
	struct ow_op *second = rig_begin_claim(KEY, 2);
	rig_until(peer_told(&peers[0], CLAIM));
	peer_say(&peers[0], "$-1\r\n*3\r\n$10\r\nprocessing\r\n:5000\r\n:5\r\n");
	is_new(op);
	rig_until(mock_finished(second));
	ck_assert_int_eq(mock_claimed(second)->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_uint_eq(redirects("moved"), 1);
	/* One of them is asked for the map, once. */
	mock_advance(rig.mock, 200);
	rig_until(asked(&peers[0]) || asked(&peers[1]));
	mock_advance(rig.mock, 200);
	ck_assert(left_alone(&peers[0]));
	ck_assert(left_alone(&peers[1]));
	ck_assert(!asked(&peers[0]) && !asked(&peers[1]));
	done();
}
END_TEST

START_TEST(moved_on_the_same_host)
{
	char text[40];
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	snprintf(text, sizeof(text), "-MOVED %d :%d\r\n", SLOT, peers[0].port);
	peer_say(&peers[1], text);
	rig_until(peer_told(&peers[0], CLAIM));
	peer_say(&peers[0], "$-1\r\n");
	is_new(op);
	done();
}
END_TEST

/* Which of the first two is asked for the map; waits until one is. */
static int asked_for_map(void)
{
	int i = 0;
	rig_until(asked(&peers[i = !i]));
	return i;
}

START_TEST(moved_while_the_map_is_read)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	say_elsewhere(&peers[1], "MOVED", &peers[1]);
	rig_until(peer_told(&peers[1], CLAIM));
	mock_advance(rig.mock, 200);
	int asked_first = asked_for_map();
	say_elsewhere(&peers[1], "MOVED", &peers[1]);
	rig_until(redirects("moved") == 2);
	say_map(&peers[asked_first], &peers[0], &peers[1]);
	if (asked_first == 0)
		rig_until(peer_told(&peers[1], CLAIM));
	peer_say(&peers[1], "$-1\r\n");
	is_new(op);
	/* What it said may have been true before that. */
	mock_advance(rig.mock, 200);
	asked_for_map();
	done();
}
END_TEST

START_TEST(asked_elsewhere)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	say_elsewhere(&peers[1], "ASK", &peers[0]);
	rig_until(peer_told(&peers[0], "*1\r\n$6\r\nASKING\r\n"));
	rig_until(peer_told(&peers[0], CLAIM));
	peer_say(&peers[0], "+OK\r\n$-1\r\n");
	is_new(op);
	/* That was for this time. */
	op = claim_at(&peers[1]);
	peer_say(&peers[1], "$-1\r\n");
	is_new(op);
	ck_assert_uint_eq(redirects("ask"), 1);
	ck_assert_uint_eq(redirects("moved"), 0);
	done();
}
END_TEST

START_TEST(asked_of_one_that_lacks_the_script)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	say_elsewhere(&peers[1], "ASK", &peers[0]);
	rig_until(peer_told(&peers[0], CLAIM));
	peer_say(&peers[0], "+OK\r\n-NOSCRIPT No matching script.\r\n");
	rig_until(peer_told(&peers[0], "*1\r\n$6\r\nASKING\r\n"));
	rig_until(peer_told(&peers[0], "$4\r\nEVAL\r\n"));
	peer_say(&peers[0], "+OK\r\n$-1\r\n");
	is_new(op);
	done();
}
END_TEST

/* Sends a claim to the third node, which has no slots. */
static struct ow_op *ask_stranger(void)
{
	struct ow_op *op = claim_at(&peers[1]);
	say_elsewhere(&peers[1], "ASK", &peers[2]);
	if (peers[2].fd < 0)
		greet(&peers[2]);
	rig_until(peer_told(&peers[2], "ASKING"));
	return op;
}

/* Lets time go by, and says whether the third node was let go. */
static bool let_go_after(int64_t ms)
{
	mock_advance(rig.mock, ms);
	for (int i = 0; i < 20; i++)
		rig_turn();
	return peer_hung_up(&peers[2]);
}

START_TEST(asked_of_a_stranger)
{
	with("health_check: 0s\ntimeout: 60s\n");
	struct ow_op *op = ask_stranger();
	/* Not while it has something to do, nor soon after. */
	ck_assert(!let_go_after(12000));
	peer_say(&peers[2], "+OK\r\n$-1\r\n");
	is_new(op);
	op = ask_stranger();
	peer_say(&peers[2], "+OK\r\n$-1\r\n");
	is_new(op);
	ck_assert(!let_go_after(9000));
	ck_assert(let_go_after(21000));
	ck_assert(rig_ready());
	done();
}
END_TEST

START_TEST(later)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	peer_say(&peers[1], "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
	ck_assert(left_alone(&peers[1]));
	mock_advance(rig.mock, 100);
	rig_until(peer_told(&peers[1], CLAIM));
	peer_say(&peers[1], "$-1\r\n");
	is_new(op);
	ck_assert_uint_eq(redirects("tryagain"), 1);
	done();
}
END_TEST

START_TEST(cancelled_while_it_waits)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	peer_say(&peers[1], "-TRYAGAIN\r\n");
	rig_until(redirects("tryagain") == 1);
	mock_cancel(op);
	failed(op, "did not answer in time");
	mock_advance(rig.mock, 100);
	peer_told(&peers[1], "\r\n:0\r\n");
	ck_assert(left_alone(&peers[1]));
	/* And one that waits still when all ends. */
	op = claim_at(&peers[1]);
	peer_say(&peers[1], "-TRYAGAIN\r\n");
	rig_until(redirects("tryagain") == 2);
	mock_cancel(op);
	done();
}
END_TEST

START_TEST(cancelled_before_it_is_sent_elsewhere)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	mock_cancel(op);
	say_elsewhere(&peers[1], "MOVED", &peers[0]);
	rig_until(redirects("moved") == 1);
	ck_assert(!peer_told(&peers[0], CLAIM));
	/* A release that was given up has to be made up for, or the key stays taken. */
	struct ow_claim claim = rig_claim_of(rig_text(KEY), 1);
	op = mock_release(rig.store, &claim);
	rig_until(peer_told(&peers[0], KEY));
	mock_cancel(op);
	say_elsewhere(&peers[0], "MOVED", &peers[1]);
	rig_until(redirects("moved") == 2);
	ck_assert(!peer_told(&peers[1], KEY));
	map_is(&peers[0], &peers[1]);
	mock_advance(rig.mock, 1000);
	rig_until(peer_told(&peers[1], KEY));
	peer_say(&peers[1], ":1\r\n");
	rig_until(mock_counter(rig.mock, "redis_strays_released_total", NULL) == 1);
	done();
}
END_TEST

/* Each of two nodes says that the other has it, as long as claims come; how many came. */
static unsigned quarrel(struct ow_op *op, int64_t step_ms)
{
	unsigned sent = 0;
	for (int turns = 0; turns < 200 && !mock_finished(op); turns++) {
		for (int i = 0; i < 2; i++)
			if (peer_told(&peers[i], CLAIM)) {
				sent++;
				say_elsewhere(&peers[i], "MOVED", &peers[!i]);
			}
		mock_advance(rig.mock, step_ms);
		rig_turn();
	}
	return sent;
}

START_TEST(from_one_to_the_other)
{
	with("reconnect: {base: 60s, max: 60s}\n"); /* nobody is asked for the map meanwhile */
	struct ow_op *op = rig_begin_claim(KEY, 1);
	/* After some it waits a little, and then it gives up. */
	unsigned sent = quarrel(op, 0);
	ck_assert(!mock_finished(op));
	ck_assert_uint_eq(sent, 4);
	sent += quarrel(op, 10);
	failed(op, "send a key from one to the other");
	ck_assert_uint_eq(redirects("moved"), sent);
	ck_assert_uint_eq(sent, 11);
	/* It is not in Redis for sure: nothing is to be made up for. */
	mock_advance(rig.mock, 2000);
	ck_assert(left_alone(&peers[0]));
	ck_assert(left_alone(&peers[1]));
	done();
}
END_TEST

START_TEST(a_direction_that_is_none)
{
	static const char *const odd[] = {"-MOVED\r\n", "-MOVED 1 ?:7000\r\n",
	    "-MOVED 99999 127.0.0.1:1\r\n", "-ASK 1 127.0.0.1:0\r\n"};
	with(NULL);
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct ow_op *op = claim_at(&peers[1]);
		peer_say(&peers[1], odd[i]);
		failed(op, "part of a cluster");
	}
	ck_assert(rig_ready());
	done();
}
END_TEST

START_TEST(more_nodes_than_there_may_be)
{
	with("max_nodes: 2\n");
	char text[100];
	struct ow_op *op = claim_at(&peers[1]);
	/* Each is a node of its own; beyond twice as many and the first, none is taken. */
	for (int i = 0; !mock_finished(op); i++) {
		ck_assert_int_lt(i, 5);
		snprintf(text, sizeof(text), "-ASK %d 127.0.0.%d:%d\r\n", SLOT, i + 2,
		    peers[2].port);
		peer_say(&peers[1], text);
		rig_until(mock_finished(op));
		if (!strstr(mock_why(op), "too many nodes"))
			op = claim_at(&peers[1]);
	}
	failed(op, "too many nodes to follow a redirection");
	done();
}
END_TEST

START_TEST(what_was_lost_goes_nowhere_else)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	peer_hang_up(&peers[1]);
	failed(op, "closed the connection");
	rig_until(asked(&peers[0]));
	say_map(&peers[0], &peers[0], &peers[0]);
	rig_until(rig_ready());
	ck_assert(!peer_told(&peers[0], CLAIM));
	/* It may be there all the same, and is looked for at the node that has its slot now. */
	mock_advance(rig.mock, 1000);
	rig_until(peer_told(&peers[0], KEY));
	done();
}
END_TEST

START_TEST(the_cluster_does_not_serve)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	peer_say(&peers[1], "-CLUSTERDOWN The cluster is down\r\n");
	failed(op, "does not serve (CLUSTERDOWN)");
	ck_assert_ptr_nonnull(strstr(rig_why(), "does not serve (CLUSTERDOWN)"));
	/* The connection is as good as any. */
	ck_assert(!peer_hung_up(&peers[1]));
	map_is(&peers[0], &peers[1]);
	ck_assert(rig_ready());
	done();
}
END_TEST

START_TEST(it_says_that_it_does_not_serve)
{
	open_rig(NULL);
	greet(&peers[0]);
	rig_until(asked(&peers[0]));
	say_map(&peers[0], &peers[0], &peers[0]);
	rig_until(rig_ready());
	peer_hang_up(&peers[0]);
	mock_advance(rig.mock, 5000);
	greet(&peers[0]);
	rig_until(asked(&peers[0]));
	peer_say(&peers[0], "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$-1\r\n:1\r\n"
			    "$43\r\ncluster_enabled:1\r\ncluster_state:fail\r\nmore\r\n");
	rig_until(!rig_ready() && strstr(rig_why(), "does not serve (cluster_state:fail)"));
	done();
}
END_TEST

static void first_asked_says(const char *text)
{
	peer_say(&peers[asked_for_map()], text);
}

START_TEST(slots_that_nobody_has)
{
	with(NULL);
	struct ow_op *op = claim_at(&peers[1]);
	peer_say(&peers[1], "-CLUSTERDOWN Hash slot not served\r\n");
	failed(op, "CLUSTERDOWN");
	mock_advance(rig.mock, 200);
	first_asked_says("*0\r\n-NOPERM no permissions\r\n");
	rig_until(strstr(rig_why(), "slots 0 to 16383 of the cluster are served by no node"));
	/* Those that had them are asked all the same: they know best. */
	op = claim_at(&peers[1]);
	peer_say(&peers[1], "$-1\r\n");
	is_new(op);
	map_is(&peers[0], &peers[1]);
	ck_assert(rig_ready());
	done();
}
END_TEST

START_TEST(waits_grow)
{
	with(NULL);
	int asks = 0;
	struct ow_op *op = claim_at(&peers[1]);
	peer_say(&peers[1], "-CLUSTERDOWN The cluster is down\r\n");
	failed(op, "CLUSTERDOWN");
	for (int ms = 0; ms < 20000; ms += 20) {
		mock_advance(rig.mock, 20);
		for (int turns = 0; turns < 2; turns++)
			rig_turn();
		for (int i = 0; i < 2; i++) {
			if (asked(&peers[i])) {
				asks++;
				peer_say(&peers[i], "*0\r\n+\r\n");
			}
			if (peer_told(&peers[i], "$4\r\nPING\r\n"))
				peer_say(&peers[i], "+PONG\r\n");
		}
	}
	/* 100 ms at first, 5 s in the end, each of it at least by half. */
	ck_assert_int_ge(asks, 7);
	ck_assert_int_le(asks, 20);
	done();
}
END_TEST

/* Of three nodes; the test allows two. */
#define THREE_RANGES                                                                           \
	"*3\r\n"                                                                               \
	"*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n"                                            \
	"*3\r\n:2\r\n:3\r\n*2\r\n$1\r\nb\r\n:1\r\n"                                            \
	"*3\r\n:4\r\n:5\r\n*2\r\n$1\r\nc\r\n:1\r\n"                                            \
	"+OK\r\n"

static const char *const answers[] = {
    "-ERR unknown command\r\n-ERR unknown command\r\n",
    "*1\r\n:1\r\n+OK\r\n",
    THREE_RANGES,
};

START_TEST(an_answer_that_is_none)
{
	with("max_nodes: 2\n");
	struct ow_op *op = claim_at(&peers[1]);
	say_elsewhere(&peers[1], "MOVED", &peers[1]);
	rig_until(peer_told(&peers[1], CLAIM));
	peer_say(&peers[1], "$-1\r\n");
	is_new(op);
	mock_advance(rig.mock, 200);
	first_asked_says(answers[_i]);
	for (int i = 0; i < 20; i++)
		rig_turn();
	/* What was known is known still, and somebody else is asked. */
	ck_assert(rig_ready());
	mock_advance(rig.mock, 500);
	rig_until(asked(&peers[0]) || asked(&peers[1]));
	done();
}
END_TEST

START_TEST(one_that_serves_but_cannot_say)
{
	with(NULL);
	peer_hang_up(&peers[0]);
	peer_hang_up(&peers[1]);
	/* None serves: it begins to ask all that it knows, with the first. */
	rig_until(peer_accepted(&peers[0]));
	mock_advance(rig.mock, 200);
	greet(&peers[1]);
	peer_hang_up(&peers[0]);
	/* Now one serves: only that is asked, and not without a pause. */
	rig_until(asked(&peers[1]));
	peer_say(&peers[1], answers[0]);
	ck_assert(left_alone(&peers[1]));
	mock_advance(rig.mock, 500);
	rig_until(asked(&peers[1]));
	done();
}
END_TEST

START_TEST(nodes_to_begin_with)
{
	char more[100];
	for (int i = 0; i < PEERS; i++)
		peer_listen(&peers[i]);
	close(peers[1].listener); /* refuses */
	char url[64];
	snprintf(url, sizeof(url), "redis://127.0.0.1:%d", peers[1].port);
	snprintf(more, sizeof(more), "cluster: true\nnodes: ['127.0.0.1:%d']\n", peers[2].port);
	rig_open(url, more);
	/* The one that was not asked for its keys says where they are. */
	greet(&peers[2]);
	rig_until(asked(&peers[2]));
	say_map(&peers[2], &peers[0], &peers[0]);
	greet(&peers[0]);
	rig_until(rig_ready());
	struct ow_op *op = claim_at(&peers[0]);
	peer_say(&peers[0], "$-1\r\n");
	is_new(op);
	ck_assert_int_eq(mock_gauge(rig.mock, "redis_nodes"), 1);
	peer_listen(&peers[1]);
	done();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cluster");
	TCase *t = tcase_create("cluster");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, options_are_sound);
	tcase_add_test(t, each_key_at_its_node);
	tcase_add_test(t, moved);
	tcase_add_test(t, moved_on_the_same_host);
	tcase_add_test(t, moved_while_the_map_is_read);
	tcase_add_test(t, asked_elsewhere);
	tcase_add_test(t, asked_of_one_that_lacks_the_script);
	tcase_add_test(t, asked_of_a_stranger);
	tcase_add_test(t, later);
	tcase_add_test(t, cancelled_while_it_waits);
	tcase_add_test(t, cancelled_before_it_is_sent_elsewhere);
	tcase_add_test(t, from_one_to_the_other);
	tcase_add_test(t, a_direction_that_is_none);
	tcase_add_test(t, more_nodes_than_there_may_be);
	tcase_add_test(t, what_was_lost_goes_nowhere_else);
	tcase_add_test(t, the_cluster_does_not_serve);
	tcase_add_test(t, it_says_that_it_does_not_serve);
	tcase_add_test(t, slots_that_nobody_has);
	tcase_add_test(t, waits_grow);
	tcase_add_loop_test(t, an_answer_that_is_none, 0, sizeof(answers) / sizeof(*answers));
	tcase_add_test(t, one_that_serves_but_cannot_say);
	tcase_add_test(t, nodes_to_begin_with);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
