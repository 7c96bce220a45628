/* The plugin in front of a peer that says exactly what the test wants. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store_redis/test_peer.h"
#include "store_redis/test_rig.h"
#include "tests/unit/main.h"

#define SHA "0123456789012345678901234567890123456789"

static struct peer server;
static char url[64];

static void listen_here(void)
{
	peer_listen(&server);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%d", server.port);
}

static bool accepted(void)
{
	return peer_accepted(&server);
}

static void hang_up(void)
{
	peer_hang_up(&server);
}

static bool hung_up(void)
{
	return peer_hung_up(&server);
}

static bool told(const char *part)
{
	return peer_told(&server, part);
}

static void say(const char *text)
{
	peer_say(&server, text);
}

static void say_greeting(const char *pong)
{
	peer_say_greeting(&server, pong);
}

static void greet(void)
{
	rig_until(accepted());
	rig_until(told("$4\r\nPING\r\n"));
	say_greeting("+PONG\r\n");
	rig_until(rig_ready());
}

static void with(const char *more)
{
	listen_here();
	rig_open(url, more);
	greet();
}

static void done(void)
{
	rig_close();
	peer_close(&server);
}

START_TEST(options_are_sound)
{
	struct mock *m = mock_new();
	const struct ow_component *redis = mock_component(OW_MODULE_SYMBOL(), "redis");
	ck_assert_str_eq(mock_conf_complaints(m, redis, redis->example), "");
	static const struct {
		const char *yaml, *says;
	} bad[] = {
	    {"timeout: 1s\n", "`url` is missing"},
	    {"url: http://h\n", "test.yaml:1:6: error: must begin with redis://"},
	    {"url: redis://:hidden@h:x\n", "has a port that is not a number"},
	    {"url: redis://h\nuser: me\n", "test.yaml:2:7: error: needs a password"},
	    {"url: redis://a:hidden@h\npassword: hidden\n", "stands in the url too"},
	    {"url: redis://h\nreconnect: {base: 6s}\n",
		"must not be longer than reconnect.max"},
	    {"url: redis://h\nsweep_prefixes: ['']\n", "every key in Redis"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *complaints = mock_conf_complaints(m, redis, bad[i].yaml);
		ck_assert_msg(strstr(complaints, bad[i].says), "%s", complaints);
		ck_assert_ptr_null(strstr(complaints, "hidden"));
	}
	mock_free(m);
}
END_TEST

START_TEST(says_who_it_is_first)
{
	listen_here();
	char with_login[100];
	snprintf(with_login, sizeof(with_login), "redis://me:pass@%s/3", strchr(url, '1'));
	rig_open(with_login, NULL);
	rig_until(accepted());
	rig_until(told("*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\npass\r\n"
		       "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
		       "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$12\r\nonceway-main\r\n"
		       "*1\r\n$4\r\nROLE\r\n*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n"));
	rig_until(told("$4\r\nPING\r\n"));
	ck_assert(!rig_ready());
	say("+OK\r\n+OK\r\n");
	say_greeting("+PONG\r\n");
	rig_until(rig_ready());
	ck_assert(!mock_logged(rig.mock, "pass"));
	done();
}
END_TEST

static const struct {
	const char *reply, *why;
} refusals[] = {
    {"-NOAUTH Authentication required.\r\n", "Redis wants a password (NOAUTH)"},
    {"+OK\r\n*1\r\n$5\r\nslave\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n+PONG\r\n",
	"is a replica"},
    {"+OK\r\n*1\r\n$8\r\nsentinel\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n+PONG\r\n",
	"is a Sentinel"},
    {"+OK\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n-LOADING Redis is loading\r\n",
	"LOADING"},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the Redis protocol"},
    {"+OK\r\n+OK\r\n$-1\r\n:1\r\n$3\r\nabc\r\n*0\r\n*0\r\n*0\r\n+PONG\r\n+PONG\r\n",
	"answered without being asked"},
};

START_TEST(a_greeting_that_is_refused)
{
	static const char padding[] = "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+PONG\r\n";
	listen_here();
	rig_open(url, NULL);
	rig_until(accepted());
	rig_until(told("$4\r\nPING\r\n"));
	say(refusals[_i].reply);
	if (strstr(refusals[_i].why, "NOAUTH"))
		say("-NOAUTH Authentication required.\r\n"), say(padding);
	rig_until(!rig_ready() && strstr(rig_why(), refusals[_i].why));
	ck_assert_msg(strstr(rig_why(), url + strlen("redis://")), "%s", rig_why());
	rig_until(hung_up());
	/* Not again at once, but after a while. */
	hang_up();
	for (int i = 0; i < 20; i++)
		rig_turn();
	ck_assert(!accepted());
	mock_advance(rig.mock, 200);
	greet();
	done();
}
END_TEST

START_TEST(a_reply_byte_by_byte)
{
	static const char reply[] = "$9\r\n{\"a\": 12}\r\n:5000\r\n";
	with(NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	for (size_t i = 0; i < sizeof(reply) - 1; i++) {
		ck_assert(!mock_finished(op));
		char byte[2] = {reply[i]};
		say(byte);
		rig_turn();
		rig_turn();
	}
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(mock_claimed(op)->age_ms, -1);
	ck_assert_mem_eq(mock_claimed(op)->result->body.data, "{\"a\": 12}", 9);
	done();
}
END_TEST

START_TEST(requests_of_one_turn_leave_together)
{
	with(NULL);
	struct ow_op *ops[3];
	ops[0] = rig_begin_claim("first", 1);
	ops[1] = rig_begin_claim("second", 2);
	ops[2] = rig_begin_claim("third", 3);
	/* Cancelled ones are finished at once; their answers are thrown away when they come. */
	mock_cancel(ops[1]);
	ck_assert_int_eq(mock_rc(ops[1]), OW_FAIL);
	ck_assert_str_eq(mock_why(ops[1]), "Redis did not answer in time");
	rig_until(told("first"));
	rig_until(told("second"));
	rig_until(told("third"));
	say("$-1\r\n:60000\r\n$-1\r\n:60000\r\n$10\r\nprocessing\r\n:1234\r\n");
	rig_until(mock_finished(ops[0]) && mock_finished(ops[2]));
	ck_assert_int_eq(mock_claimed(ops[0])->state, OW_CLAIM_NEW);
	ck_assert_int_eq(mock_claimed(ops[2])->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(mock_claimed(ops[2])->remaining_ms, 1234);
	done();
}
END_TEST

START_TEST(cut_in_the_middle)
{
	with(NULL);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_connects_total", NULL), 1);
	struct ow_op *first = rig_begin_claim("first", 1),
		     *second = rig_begin_claim("second", 2);
	rig_until(told("second"));
	rig_until(told("PTTL"));
	say("$-1\r\n:60000\r\n$-");
	rig_until(mock_finished(first));
	ck_assert_int_eq(mock_claimed(first)->state, OW_CLAIM_NEW);
	hang_up();
	rig_until(mock_finished(second));
	ck_assert_int_eq(mock_rc(second), OW_FAIL);
	ck_assert_msg(
	    strstr(mock_why(second), "closed the connection"), "%s", mock_why(second));
	/* It had answered before: connecting again begins at once, and requests wait for it. */
	struct ow_op *held = rig_begin_claim("held", 3);
	greet();
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_connects_total", NULL), 2);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_connections_lost_total", NULL), 1);
	rig_until(told("held"));
	rig_until(told("PTTL"));
	ck_assert(!mock_finished(held));
	say("$-1\r\n:60000\r\n");
	rig_until(mock_finished(held));
	ck_assert_int_eq(mock_claimed(held)->state, OW_CLAIM_NEW);
	/* The claim whose answer was lost may have been taken: it is given back. */
	mock_advance(rig.mock, 1000);
	rig_until(told("$6\r\nsecond\r\n$53\r\n\"processing onceway 0202"));
	say(":1\r\n");
	rig_until(mock_counter(rig.mock, "redis_strays_released_total", NULL) == 1);
	mock_advance(rig.mock, 5000);
	rig_turn();
	ck_assert(!told("second"));
	done();
}
END_TEST

START_TEST(a_claim_that_may_still_arrive_is_released_again)
{
	with(NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	mock_advance(rig.mock, 2000);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(
	    strstr(mock_why(op), "did not answer in time (timeout)"), "%s", mock_why(op));
	hang_up();
	mock_advance(rig.mock, 200);
	greet();
	for (int i = 0; i < 5; i++) {
		rig_until(told("\"processing onceway 0101"));
		say(":-1\r\n");
		for (int turn = 0; turn < 10; turn++)
			rig_turn();
		mock_advance(rig.mock, 1000);
	}
	for (int i = 0; i < 20; i++)
		rig_turn();
	ck_assert(!told("processing"));
	done();
}
END_TEST

START_TEST(a_claim_that_never_left_leaves_nothing_behind)
{
	listen_here();
	rig_open(url, NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	ck_assert(!mock_finished(op));
	rig_until(accepted());
	hang_up();
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	/* While it waits for the next try, they fail at once. */
	op = rig_begin_claim("k", 1);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	mock_advance(rig.mock, 200);
	greet();
	mock_advance(rig.mock, 1000);
	for (int i = 0; i < 20; i++)
		rig_turn();
	ck_assert(!told("k"));
	done();
}
END_TEST

START_TEST(a_slow_server_is_given_up)
{
	with("timeout: 500ms\n");
	struct ow_op *first = rig_begin_claim("first", 1);
	mock_advance(rig.mock, 400);
	struct ow_op *second = rig_begin_claim("second", 1);
	ck_assert(!mock_finished(first));
	mock_advance(rig.mock, 100);
	/* What was sent behind it would wait as long: all of it ends. */
	ck_assert_int_eq(mock_rc(first), OW_FAIL);
	ck_assert_int_eq(mock_rc(second), OW_FAIL);
	rig_until(hung_up());
	hang_up();
	/* Not at once: it hangs. */
	for (int i = 0; i < 20; i++)
		rig_turn();
	ck_assert(!accepted());
	ck_assert_int_eq(mock_rc(rig_begin_claim("third", 1)), OW_FAIL);
	mock_advance(rig.mock, 200);
	greet();
	done();
}
END_TEST

START_TEST(an_answer_in_time_keeps_it)
{
	with("timeout: 500ms\n");
	for (int i = 0; i < 10; i++) {
		struct ow_op *op = rig_begin_claim("k", 1);
		rig_until(told("PTTL"));
		mock_advance(rig.mock, 499);
		say("$-1\r\n:60000\r\n");
		rig_until(mock_finished(op));
		ck_assert_int_eq(mock_rc(op), OW_OK);
	}
	done();
}
END_TEST

START_TEST(an_idle_one_is_asked)
{
	with("health_check: 5s\n");
	mock_advance(rig.mock, 2000 + 5000);
	rig_until(told("PING"));
	say("+PONG\r\n");
	for (int i = 0; i < 10; i++)
		rig_turn();
	mock_advance(rig.mock, 2000 + 5000);
	rig_until(told("PING"));
	/* No answer: it is gone without having said so. */
	mock_advance(rig.mock, 2000);
	ck_assert_msg(strstr(rig_why(), "did not answer in time"), "%s", rig_why());
	done();
}
END_TEST

START_TEST(waits_grow_between_tries)
{
	listen_here();
	rig_open(url, "reconnect: {base: 100ms, max: 2s}\n");
	int tries = 0;
	for (int ms = 0; ms < 20000; ms += 10) {
		mock_advance(rig.mock, 10);
		rig_turn();
		if (accepted()) {
			tries++;
			hang_up();
		}
	}
	/* 0, 0.1, 0.3, 0.7, 1.5, then every 1 to 2 seconds. */
	ck_assert_int_ge(tries, 8);
	ck_assert_int_le(tries, 30);
	/* Said once, not each time. */
	size_t warnings = 0;
	for (size_t i = 0; i < mock_log_lines(rig.mock); i++)
		warnings += strstr(mock_log_line(rig.mock, i), "warning:") != NULL;
	ck_assert_uint_le(warnings, 2);
	done();
}
END_TEST

START_TEST(an_older_server)
{
	with(NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	say("-ERR syntax error\r\n:-2\r\n");
	rig_until(told("*8\r\n$7\r\nEVALSHA\r\n"));
	say("*-1\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_NEW);
	/* From now on by script at once. */
	op = rig_begin_claim("k", 2);
	rig_until(told("*8\r\n$7\r\nEVALSHA\r\n"));
	say("*3\r\n$10\r\nprocessing\r\n:777\r\n:1767225600000\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(mock_claimed(op)->remaining_ms, 777);
	ck_assert(!told("SET"));
	done();
}
END_TEST

START_TEST(a_forgotten_script)
{
	with(NULL);
	struct ow_claim c = rig_claim_of(rig_text("k"), 1);
	struct ow_op *op = mock_release(rig.store, &c);
	rig_until(told("$7\r\nEVALSHA\r\n$40\r\n" SHA));
	say("-NOSCRIPT No matching script.\r\n");
	rig_until(told("$4\r\nEVAL\r\n"));
	/* A server that wants the script it was just given is not asked for ever. */
	say("-NOSCRIPT No matching script.\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	done();
}
END_TEST

static const struct {
	const char *reply;
} nonsense[] = {
    {":1\r\n:1\r\n"}, {"+OK\r\n:1\r\n"}, {"*0\r\n:1\r\n"}, {"$1\r\n1\r\n$1\r\n1\r\n"}};

START_TEST(answers_of_the_wrong_kind)
{
	with(NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	say(nonsense[_i].reply);
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	struct ow_claim c = rig_claim_of(rig_text("k"), 1);
	op = mock_release(rig.store, &c);
	rig_until(told("EVALSHA"));
	say("$1\r\n1\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	done();
}
END_TEST

START_TEST(an_answer_nobody_asked_for)
{
	with(NULL);
	say("+HELLO\r\n");
	rig_until(!rig_ready());
	ck_assert_msg(strstr(rig_why(), "answered without being asked"), "%s", rig_why());
	done();
}
END_TEST

START_TEST(a_server_that_cannot_serve_is_left)
{
	with(NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	say("-READONLY You can't write against a read only replica.\r\n:-2\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), "READONLY"), "%s", mock_why(op));
	rig_until(hung_up());
	ck_assert_msg(strstr(rig_why(), "READONLY"), "%s", rig_why());
	done();
}
END_TEST

START_TEST(an_error_of_one_command_is_its_own)
{
	with(NULL);
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	say("-WRONGTYPE Operation against a key\r\n:-1\r\n");
	rig_until(mock_finished(op));
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert(rig_ready());
	done();
}
END_TEST

START_TEST(no_more_than_max_queue)
{
	with("max_queue: 2\n");
	struct ow_op *first = rig_begin_claim("first", 1),
		     *second = rig_begin_claim("second", 1);
	struct ow_op *third = rig_begin_claim("third", 1);
	ck_assert_int_eq(mock_rc(third), OW_FAIL);
	ck_assert_str_eq(mock_why(third), "too many commands wait for Redis (max_queue)");
	rig_until(told("PTTL"));
	say("$-1\r\n:1\r\n$-1\r\n:1\r\n");
	rig_until(mock_finished(first) && mock_finished(second));
	rig_begin_claim("fourth", 1);
	rig_until(told("fourth"));
	say("$-1\r\n:1\r\n");
	rig_until(mock_unfinished(rig.mock) == 0);
	done();
}
END_TEST

START_TEST(an_unknown_host)
{
	struct ow_op *op;
	rig_open("redis://nowhere.invalid", NULL);
	rig_until(strstr(rig_why(), "no such host"));
	op = rig_begin_claim("k", 1);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_str_eq(mock_why(op), "Redis at nowhere.invalid:6379/0: no such host");
	rig_close();
}
END_TEST

static void open_at(const char *host, const char *more)
{
	char there[64];
	listen_here();
	snprintf(there, sizeof(there), "redis://%s:%d", host, server.port);
	rig_open(there, more);
}

START_TEST(the_next_address_is_tried)
{
	open_at("second.test", NULL);
	greet();
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_connects_total", NULL), 1);
	done();
}
END_TEST

/* Its connections are made and nobody ever says anything there. */
static int listen_hanging(const char *host, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, host, &address.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

START_TEST(the_next_try_begins_at_the_next_address)
{
	listen_here();
	int hanging = listen_hanging("127.0.0.2", server.port);
	snprintf(url, sizeof(url), "redis://second.test:%d", server.port);
	rig_open(url, "connect_timeout: 2s\n");
	for (int i = 0; i < 20; i++)
		rig_turn();
	ck_assert(!accepted());
	mock_advance(rig.mock, 2000);
	rig_until(strstr(rig_why(), "was reached but did not answer in time"));
	mock_advance(rig.mock, 200);
	greet();
	close(hanging);
	done();
}
END_TEST

START_TEST(not_when_the_first_was_reached)
{
	open_at("first.test", NULL);
	rig_until(accepted());
	rig_until(told("$4\r\nPING\r\n"));
	hang_up();
	rig_until(strstr(rig_why(), "closed the connection"));
	done();
}
END_TEST

START_TEST(a_held_claim_that_left_may_have_been_taken)
{
	listen_here();
	rig_open(url, NULL);
	struct ow_op *held = rig_begin_claim("held", 1);
	greet();
	rig_until(told("PTTL"));
	hang_up();
	rig_until(mock_finished(held));
	ck_assert_int_eq(mock_rc(held), OW_FAIL);
	mock_advance(rig.mock, 200);
	greet();
	mock_advance(rig.mock, 1000);
	rig_until(told("\"processing onceway 0101"));
	say(":1\r\n");
	rig_until(mock_counter(rig.mock, "redis_strays_released_total", NULL) == 1);
	done();
}
END_TEST

/* Time passes until it is reached again, and no further: a try has a time of its own. */
static void pass_wait(int64_t ms)
{
	bool again = false;
	for (; !again && ms > 0; ms -= 100) {
		mock_advance(rig.mock, ms < 100 ? ms : 100);
		rig_turn();
		again = accepted();
	}
	if (!again)
		rig_until(accepted());
}

/* The try that was reached fails; as far as the wait behind it. */
static void fail_once(void)
{
	rig_until(told("$4\r\nPING\r\n"));
	hang_up();
	for (int i = 0; i < 20; i++)
		rig_turn();
}

START_TEST(waits_are_short_again_after_an_answer)
{
	listen_here();
	rig_open(url, "reconnect: {base: 100ms, max: 1h}\n");
	rig_until(accepted());
	for (int i = 0; i < 8; i++) {
		fail_once();
		pass_wait(100 << i);
	}
	rig_until(told("$4\r\nPING\r\n"));
	say_greeting("+PONG\r\n");
	rig_until(rig_ready());
	struct ow_op *op = rig_begin_claim("k", 1);
	rig_until(told("PTTL"));
	say("$-1\r\n:60000\r\n");
	rig_until(mock_finished(op));
	/* At once, and the next time after the shortest wait. */
	hang_up();
	rig_until(accepted());
	fail_once();
	mock_advance(rig.mock, 100);
	greet();
	done();
}
END_TEST

START_TEST(one_key_one_connection)
{
	/* With several connections a release still comes behind the claim it is meant for. */
	listen_here();
	rig_open(url, "connections: 2\n");
	int first, second;
	rig_until(accepted());
	first = server.fd, server.fd = -1;
	rig_until(accepted());
	second = server.fd;
	for (int i = 0; i < 2; i++) {
		server.fd = i ? second : first;
		rig_until(told("$4\r\nPING\r\n"));
		say_greeting("+PONG\r\n");
	}
	rig_until(rig_ready());
	int used[2] = {0, 0};
	for (unsigned char n = 0; n < 40; n++) {
		char key[] = {'k', (char)('A' + n), 0};
		struct ow_claim c = rig_claim_of(rig_text(key), n);
		rig_begin_claim(key, n);
		struct ow_op *release = mock_release(rig.store, &c);
		size_t which = 2;
		rig_until((server.fd = first, told("PTTL"))    ? (which = 0, true)
			  : (server.fd = second, told("PTTL")) ? (which = 1, true)
							       : false);
		rig_until(told("EVALSHA"));
		say("$-1\r\n:1\r\n:1\r\n");
		rig_until(mock_finished(release));
		used[which]++;
	}
	ck_assert_int_gt(used[0], 0);
	ck_assert_int_gt(used[1], 0);
	done();
	close(first);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("connection");
	TCase *t = tcase_create("connection");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, options_are_sound);
	tcase_add_test(t, says_who_it_is_first);
	tcase_add_loop_test(
	    t, a_greeting_that_is_refused, 0, sizeof(refusals) / sizeof(*refusals));
	tcase_add_test(t, a_reply_byte_by_byte);
	tcase_add_test(t, requests_of_one_turn_leave_together);
	tcase_add_test(t, cut_in_the_middle);
	tcase_add_test(t, a_claim_that_may_still_arrive_is_released_again);
	tcase_add_test(t, a_claim_that_never_left_leaves_nothing_behind);
	tcase_add_test(t, a_slow_server_is_given_up);
	tcase_add_test(t, an_answer_in_time_keeps_it);
	tcase_add_test(t, an_idle_one_is_asked);
	tcase_add_test(t, waits_grow_between_tries);
	tcase_add_test(t, an_older_server);
	tcase_add_test(t, a_forgotten_script);
	tcase_add_loop_test(
	    t, answers_of_the_wrong_kind, 0, sizeof(nonsense) / sizeof(*nonsense));
	tcase_add_test(t, an_answer_nobody_asked_for);
	tcase_add_test(t, a_server_that_cannot_serve_is_left);
	tcase_add_test(t, an_error_of_one_command_is_its_own);
	tcase_add_test(t, no_more_than_max_queue);
	tcase_add_test(t, an_unknown_host);
	tcase_add_test(t, the_next_address_is_tried);
	tcase_add_test(t, the_next_try_begins_at_the_next_address);
	tcase_add_test(t, not_when_the_first_was_reached);
	tcase_add_test(t, a_held_claim_that_left_may_have_been_taken);
	tcase_add_test(t, waits_are_short_again_after_an_answer);
	tcase_add_test(t, one_key_one_connection);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
