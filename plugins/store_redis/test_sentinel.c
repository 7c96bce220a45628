/* Sentinels and masters of which the test says what they answer. */
#include <stdio.h>
#include <string.h>

#include "store_redis/test_peer.h"
#include "store_redis/test_rig.h"
#include "tests/unit/main.h"

#define QUESTION "*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$2\r\nmm\r\n"

static struct peer sentinels[3], masters[2];
static char yaml[600];

static void listen_all(void)
{
	for (int i = 0; i < 3; i++)
		peer_listen(&sentinels[i]);
	for (int i = 0; i < 2; i++)
		peer_listen(&masters[i]);
}

/* A store with the first of the sentinels; more: options. */
static void open_with(int count, const char *more, const char *options)
{
	size_t len = (size_t)snprintf(
	    yaml, sizeof(yaml), "%ssentinel: {master: mm%s, nodes: [", options, more);
	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(
		    yaml + len, sizeof(yaml) - len, "'127.0.0.1:%d',", sentinels[i].port);
	snprintf(yaml + len, sizeof(yaml) - len, "]}\n");
	rig_open("redis:///0", yaml);
}

static void done(void)
{
	rig_close();
	for (int i = 0; i < 3; i++)
		peer_close(&sentinels[i]);
	for (int i = 0; i < 2; i++)
		peer_close(&masters[i]);
}

/* It comes to this sentinel, be it on a connection that is there. */
static void hear(struct peer *sentinel)
{
	rig_until(peer_accepted(sentinel));
	rig_until(peer_told(sentinel, QUESTION));
}

static void name_port(struct peer *sentinel, int port)
{
	char answer[100], digits[10];
	int len = snprintf(digits, sizeof(digits), "%d", port);
	snprintf(answer, sizeof(answer), "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n", len, digits);
	peer_say(sentinel, answer);
}

static void turns(void)
{
	for (int i = 0; i < 20; i++)
		rig_turn();
}

/* It asks this sentinel, is told this master, and has heard it. */
static void name(struct peer *sentinel, const struct peer *master)
{
	hear(sentinel);
	name_port(sentinel, master->port);
	turns();
}

static void greet(struct peer *master)
{
	rig_until(peer_accepted(master));
	rig_until(peer_told(master, "$4\r\nPING\r\n"));
	peer_say_greeting(master, "+PONG\r\n");
	rig_until(rig_ready());
}

static size_t logged(const char *part)
{
	size_t lines = 0;
	for (size_t i = 0; i < mock_log_lines(rig.mock); i++)
		lines += strstr(mock_log_line(rig.mock, i), part) != NULL;
	return lines;
}

/* ---- finding ---- */

START_TEST(asks_and_connects)
{
	listen_all();
	open_with(3, "", "");
	ck_assert_str_eq(rig_why(), "Redis, the master `mm`: not connected yet");
	struct ow_op *held = rig_begin_claim("held", 1);
	hear(&sentinels[0]);
	turns();
	ck_assert(!peer_accepted(&masters[0]) && !peer_accepted(&sentinels[1]));
	name_port(&sentinels[0], masters[0].port);
	greet(&masters[0]);
	/* What came meanwhile was held. */
	rig_until(peer_told(&masters[0], "PTTL"));
	peer_say(&masters[0], "$-1\r\n:60000\r\n");
	rig_until(mock_finished(held));
	ck_assert_int_eq(mock_rc(held), OW_OK);
	char line[100];
	snprintf(line, sizeof(line), "connected to Redis at 127.0.0.1:%d/0", masters[0].port);
	ck_assert_uint_eq(logged(line), 1);
	done();
}
END_TEST

START_TEST(logs_in_with_its_own_password)
{
	listen_all();
	open_with(1, ", user: watcher, password: sesame", "user: me\npassword: hidden\n");
	rig_until(peer_accepted(&sentinels[0]));
	rig_until(peer_told(
	    &sentinels[0], "*3\r\n$4\r\nAUTH\r\n$7\r\nwatcher\r\n$6\r\nsesame\r\n" QUESTION));
	peer_say(&sentinels[0], "+OK\r\n");
	name_port(&sentinels[0], masters[0].port);
	rig_until(peer_accepted(&masters[0]));
	rig_until(peer_told(&masters[0], "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nhidden\r\n"));
	peer_say(&masters[0], "+OK\r\n");
	greet(&masters[0]);
	ck_assert(!mock_logged(rig.mock, "sesame") && !mock_logged(rig.mock, "hidden"));
	done();
}
END_TEST

static const struct {
	const char *reply, *why;
} unhelpful[] = {
    {"*-1\r\n", "does not know a master of that name (sentinel.master)"},
    {"-NOAUTH Authentication required.\r\n", "wants a password (NOAUTH)"},
    {"-NOPERM this user has no permissions\r\n", "forbid SENTINEL get-master-addr-by-name"},
    {"-ERR unknown command `SENTINEL`, with args beginning with: \r\n", "is no Sentinel"},
    {"-ERR of some other kind\r\n", "says: ERR of some other kind"},
    {"+OK\r\n", "something else than an address"},
    {"*1\r\n$9\r\n127.0.0.1\r\n", "something else than an address"},
    {"*2\r\n$9\r\n127.0.0.1\r\n:6379\r\n", "something else than an address"},
    {"*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n", "something else than an address"},
    {"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n", "something else than an address"},
    {"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n6379x\r\n", "something else than an address"},
    {"*2\r\n$0\r\n\r\n$4\r\n6379\r\n", "something else than an address"},
    {"*2\r\n$3\r\na b\r\n$4\r\n6379\r\n", "something else than an address"},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the Redis protocol"},
    {"", "closed the connection"},
};

START_TEST(the_next_is_asked)
{
	char why[300];
	listen_all();
	open_with(2, "", "");
	for (int i = 0; i < 2; i++) {
		hear(&sentinels[i]);
		peer_say(&sentinels[i], unhelpful[_i].reply);
		if (unhelpful[_i].reply[0])
			rig_until(peer_hung_up(&sentinels[i]));
		peer_hang_up(&sentinels[i]);
	}
	/* Each is named with its own reason. */
	rig_until(strstr(rig_why(), "Redis, the master `mm`: no sentinel says where it is: "));
	for (int i = 0; i < 2; i++) {
		snprintf(why, sizeof(why), "127.0.0.1:%d: ", sentinels[i].port);
		const char *found = strstr(rig_why(), why);
		ck_assert_msg(found, "%s", rig_why());
		ck_assert_msg(strstr(found, unhelpful[_i].why), "%s", rig_why());
	}
	ck_assert_int_eq(mock_rc(rig_begin_claim("k", 1)), OW_FAIL);
	/* Not again at once, but after a while. */
	turns();
	ck_assert(!peer_accepted(&sentinels[0]));
	mock_advance(rig.mock, 200);
	hear(&sentinels[0]);
	peer_say(&sentinels[0], "*-1\r\n");
	name(&sentinels[1], &masters[0]);
	greet(&masters[0]);
	/* The one that helped is asked first from now on. */
	for (int i = 0; i < 2; i++)
		peer_hang_up(&sentinels[i]);
	turns();
	mock_advance(rig.mock, 1000);
	hear(&sentinels[1]);
	ck_assert(!peer_accepted(&sentinels[0]));
	done();
}
END_TEST

START_TEST(a_login_that_is_refused)
{
	listen_all();
	open_with(2, ", password: sesame", "");
	rig_until(peer_accepted(&sentinels[0]));
	rig_until(peer_told(&sentinels[0], "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n" QUESTION));
	peer_say(&sentinels[0], "-WRONGPASS invalid username-password pair\r\n"
				"-NOAUTH Authentication required.\r\n");
	rig_until(peer_accepted(&sentinels[1]));
	rig_until(peer_told(&sentinels[1], QUESTION));
	peer_say(&sentinels[1],
	    "-ERR AUTH <password> called without any password configured\r\n"
	    "*-1\r\n");
	rig_until(strstr(rig_why(), "(WRONGPASS): see sentinel.user, sentinel.password; "));
	ck_assert_msg(strstr(rig_why(), "leave sentinel.password out"), "%s", rig_why());
	done();
}
END_TEST

START_TEST(a_silent_one_has_its_part_of_the_time)
{
	listen_all();
	open_with(3, "", "connect_timeout: 2s\n");
	hear(&sentinels[0]);
	mock_advance(rig.mock, 500);
	turns();
	ck_assert(!peer_accepted(&sentinels[1]));
	mock_advance(rig.mock, 1);
	hear(&sentinels[1]);
	mock_advance(rig.mock, 501);
	hear(&sentinels[2]);
	mock_advance(rig.mock, 490);
	/* As much is left for the master. */
	name_port(&sentinels[2], masters[0].port);
	rig_until(peer_accepted(&masters[0]));
	mock_advance(rig.mock, 490);
	greet(&masters[0]);
	done();
}
END_TEST

START_TEST(all_silent)
{
	listen_all();
	open_with(2, "", "connect_timeout: 3s\n");
	hear(&sentinels[0]);
	mock_advance(rig.mock, 1001);
	hear(&sentinels[1]);
	mock_advance(rig.mock, 1001);
	rig_until(strstr(rig_why(), "was reached but did not answer in time; "));
	done();
}
END_TEST

START_TEST(never_longer_than_the_connect_timeout)
{
	listen_all();
	open_with(1, ", watch: 1h", "connect_timeout: 2s\n");
	name(&sentinels[0], &masters[0]);
	greet(&masters[0]);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(peer_told(&masters[0], "PTTL"));
	peer_say(&masters[0], "$-1\r\n:60000\r\n");
	rig_until(mock_finished(op));
	peer_hang_up(&masters[0]);
	/* On the connection that was kept; when that ends, once more on a new one. */
	hear(&sentinels[0]);
	mock_advance(rig.mock, 1000);
	peer_hang_up(&sentinels[0]);
	hear(&sentinels[0]);
	ck_assert_ptr_null(strstr(rig_why(), "in time"));
	mock_advance(rig.mock, 1000);
	rig_until(strstr(rig_why(), "no sentinel answered in time (connect_timeout)"));
	done();
}
END_TEST

/* ---- while there is a master ---- */

START_TEST(another_master_takes_over)
{
	listen_all();
	open_with(3, "", "");
	name(&sentinels[0], &masters[0]);
	greet(&masters[0]);
	/* The same as before: nothing happens. */
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[0]);
	turns();
	ck_assert(!peer_hung_up(&masters[0]) && rig_ready());
	/* The old one hangs. */
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(peer_told(&masters[0], "PTTL"));
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[1]);
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(
	    strstr(mock_why(op), "the sentinels name another master"), "%s", mock_why(op));
	rig_until(peer_hung_up(&masters[0]));
	/* Asked anew before it connects; what comes meanwhile is held. */
	op = rig_begin_claim("k2", 1);
	name(&sentinels[0], &masters[1]);
	greet(&masters[1]);
	rig_until(peer_told(&masters[1], "PTTL"));
	ck_assert(!mock_finished(op));
	peer_say(&masters[1], "$-1\r\n:60000\r\n");
	rig_until(mock_finished(op));
	done();
}
END_TEST

START_TEST(news_end_a_try_that_hangs)
{
	listen_all();
	open_with(1, "", "connect_timeout: 60s\n");
	name(&sentinels[0], &masters[0]);
	rig_until(peer_accepted(&masters[0]));
	rig_until(peer_told(&masters[0], "$4\r\nPING\r\n"));
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[1]);
	rig_until(peer_hung_up(&masters[0]));
	name(&sentinels[0], &masters[1]);
	greet(&masters[1]);
	done();
}
END_TEST

START_TEST(news_end_the_wait_for_the_next_try)
{
	listen_all();
	open_with(1, "", "reconnect: {base: 50s, max: 50s}\n");
	name(&sentinels[0], &masters[0]);
	rig_until(peer_accepted(&masters[0]));
	rig_until(peer_told(&masters[0], "$4\r\nPING\r\n"));
	peer_hang_up(&masters[0]);
	rig_until(strstr(rig_why(), "closed the connection"));
	/* The one that named it is not the last word: with others, they would be asked. */
	rig_until(peer_hung_up(&sentinels[0]));
	peer_hang_up(&sentinels[0]);
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[0]);
	turns();
	ck_assert(!peer_accepted(&masters[0])); /* that is no news */
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[1]);
	greet(&masters[1]);
	done();
}
END_TEST

START_TEST(a_replica_is_not_believed)
{
	listen_all();
	open_with(2, "", "");
	name(&sentinels[0], &masters[0]);
	rig_until(peer_accepted(&masters[0]));
	rig_until(peer_told(&masters[0], "$4\r\nPING\r\n"));
	peer_say(&masters[0],
	    "+OK\r\n*1\r\n$5\r\nslave\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n+PONG\r\n");
	rig_until(strstr(rig_why(), "it is a replica"));
	turns();
	ck_assert(!peer_accepted(&sentinels[1]));
	mock_advance(rig.mock, 200);
	/* Another one is asked than the one that was wrong. */
	name(&sentinels[1], &masters[1]);
	greet(&masters[1]);
	done();
}
END_TEST

START_TEST(all_connections_follow)
{
	listen_all();
	open_with(2, "", "connections: 2\n");
	name(&sentinels[0], &masters[0]);
	/* One question for both. */
	rig_until(peer_accepted(&masters[0]));
	int first = masters[0].fd;
	masters[0].fd = -1;
	rig_until(peer_accepted(&masters[0]));
	turns();
	ck_assert(!peer_told(&sentinels[0], QUESTION));
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[1]);
	rig_until(peer_told(&masters[0], "PING"));
	rig_until(peer_hung_up(&masters[0]));
	peer_hang_up(&masters[0]);
	masters[0].fd = first;
	rig_until(peer_told(&masters[0], "PING"));
	rig_until(peer_hung_up(&masters[0]));
	done();
}
END_TEST

START_TEST(a_kept_connection_that_ended_is_no_answer)
{
	listen_all();
	open_with(1, "", "");
	name(&sentinels[0], &masters[0]);
	greet(&masters[0]);
	peer_hang_up(&sentinels[0]);
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[0]);
	/* Seen only when it is asked again. */
	mock_advance(rig.mock, 1000);
	hear(&sentinels[0]);
	peer_hang_up(&sentinels[0]);
	name(&sentinels[0], &masters[0]);
	turns();
	ck_assert_uint_eq(logged("warning:"), 0);
	/* A new one that ends is one. */
	mock_advance(rig.mock, 1000);
	for (int i = 0; i < 2; i++) {
		hear(&sentinels[0]);
		peer_hang_up(&sentinels[0]);
	}
	rig_until(logged("a failover would not be noticed: ") == 1);
	done();
}
END_TEST

START_TEST(no_sentinel_is_told_once_and_does_no_harm)
{
	listen_all();
	open_with(1, "", "health_check: 0s\n");
	name(&sentinels[0], &masters[0]);
	greet(&masters[0]);
	for (int i = 0; i < 5; i++) {
		mock_advance(rig.mock, 1000);
		hear(&sentinels[0]);
		peer_say(&sentinels[0], "*-1\r\n");
		rig_until(peer_hung_up(&sentinels[0]));
		peer_hang_up(&sentinels[0]);
	}
	ck_assert(rig_ready());
	ck_assert_uint_eq(logged("a failover would not be noticed: "), 1);
	mock_advance(rig.mock, 1000);
	name(&sentinels[0], &masters[0]);
	rig_until(logged("a sentinel answers again") == 1);
	done();
}
END_TEST

START_TEST(ended_at_any_time)
{
	listen_all();
	open_with(2, ", password: sesame", "");
	for (int i = 0; i < _i; i++)
		rig_turn();
	if (_i > 20)
		rig_until(peer_told(&sentinels[0], QUESTION) || peer_accepted(&sentinels[0]));
	done();
}
END_TEST

/* ---- options ---- */

static const struct {
	const char *yaml, *says;
} bad[] = {
    {"url: redis://\n", "test.yaml:1:6: error: has no host"},
    {"url: redis:///0\nsentinel: {nodes: [h]}\n", "2:19: error: is of "
						  "no use without `sentinel.master: NAME`"},
    {"url: redis:///0\nsentinel: {password: hidden}\n", "is of no use without"},
    {"url: redis:///0\nsentinel: {watch: 2s}\n", "is of no use without"},
    {"url: redis:///0\nsentinel: {master: m}\n", "2:20: error: needs "
						 "somebody to ask"},
    {"url: redis:///0\nsentinel: {master: m, nodes: []}\n",
	"2:30: error: needs somebody to ask"},
    {"url: redis:///0\nsentinel: {master: 'my master', nodes: [h]}\n", "must be the name in"},
    {"url: redis:///0\nsentinel: {master: m, nodes: [h, 'h:0']}\n",
	"error: entry 2 has a port that is not a number from 1 to 65535"},
    {"url: redis:///0\nsentinel: {master: m, nodes: ['redis://:hidden@h']}\n",
	"entry 1 must be host or host:port"},
    {"url: redis:///0\nsentinel: {master: m, nodes: ['']}\n", "entry 1 has no host"},
    {"url: redis://:hidden@h/0\nsentinel: {master: m, nodes: [h]}\n",
	"1:6: error: names a host, but with sentinel"},
    {"url: unix:///tmp/s\nsentinel: {master: m, nodes: [h]}\n", "names a socket"},
    {"url: redis:///0\nsentinel: {master: m, nodes: [h], user: me}\n",
	"needs sentinel.password"},
};

START_TEST(options)
{
	struct mock *m = mock_new();
	const struct ow_component *redis = mock_component(OW_MODULE_SYMBOL(), "redis");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *complaints = mock_conf_complaints(m, redis, bad[i].yaml);
		ck_assert_msg(strstr(complaints, bad[i].says), "%s", complaints);
		ck_assert_ptr_null(strstr(complaints, "hidden"));
	}
	ck_assert_str_eq(
	    mock_conf_complaints(m, redis,
		"url: rediss://me:pw@/3\nsentinel: {master: m-1.x_Y, user: u, password: p, "
		"nodes: [h, 'h:1', '[::1]', '[fe80::1]:26379'], watch: 250ms}\n"),
	    "");
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sentinel");
	TCase *t = tcase_create("sentinel");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, asks_and_connects);
	tcase_add_test(t, logs_in_with_its_own_password);
	tcase_add_loop_test(t, the_next_is_asked, 0, sizeof(unhelpful) / sizeof(*unhelpful));
	tcase_add_test(t, a_login_that_is_refused);
	tcase_add_test(t, a_silent_one_has_its_part_of_the_time);
	tcase_add_test(t, all_silent);
	tcase_add_test(t, never_longer_than_the_connect_timeout);
	tcase_add_test(t, another_master_takes_over);
	tcase_add_test(t, news_end_a_try_that_hangs);
	tcase_add_test(t, news_end_the_wait_for_the_next_try);
	tcase_add_test(t, a_replica_is_not_believed);
	tcase_add_test(t, all_connections_follow);
	tcase_add_test(t, a_kept_connection_that_ended_is_no_answer);
	tcase_add_test(t, no_sentinel_is_told_once_and_does_no_harm);
	tcase_add_loop_test(t, ended_at_any_time, 0, 25);
	tcase_add_test(t, options);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
