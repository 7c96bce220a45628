/* Who gets a connection, when it is given up, and what a call is told then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/resolve.h"
#include "tests/unit/io/client.h"
#include "tests/unit/io/names.h"
#include "tests/unit/main.h"

START_TEST(origins)
{
	static const struct {
		const char *url;
		int64_t connections, waiting, connect, idle, response;
		const char *why;
	} bad[] = {
	    {"https://crm/", 1, 1, 1, 1, 1, "https:// is not to be had here"},
	    {"crm", 1, 1, 1, 1, 1, "http://"},
	    {"http://crm/", 0, 1, 1, 1, 1, "out of range"},
	    {"http://crm/", 1, -1, 1, 1, 1, "out of range"},
	    {"http://crm/", 1, 1, 0, 1, 1, "out of range"},
	    {"http://crm/", 1, 1, 1, -1, 1, "out of range"},
	    {"http://crm/", 1, 1, 1, 1, -1, "out of range"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ow_http_origin origin = {.size = sizeof(origin),
		    .url = bad[i].url,
		    .max_connections = bad[i].connections,
		    .max_waiting = bad[i].waiting,
		    .connect_ms = bad[i].connect,
		    .idle_ms = bad[i].idle,
		    .max_response = bad[i].response};
		const char *why = NULL;
		ck_assert_ptr_null(http_pool_new(world.client, &origin, &why));
		ck_assert_ptr_nonnull(strstr(why, bad[i].why));
	}
	http_pool_free(NULL);
	http_client_free(NULL);
}
END_TEST

/* ---- the line ---- */

START_TEST(never_more_connections)
{
	for (int i = 0; i < 12; i++)
		send_get(&out[i]);
	until(arrived(3));
	loop_calm(world.base);
	ck_assert_uint_eq(world.peer.accepted, 4);
	ck_assert_uint_eq(http_pool_connections(world.pool), 4);
	ck_assert_uint_eq(http_pool_waiting(world.pool), 8);

	/* Some are answered, some broken, some end their connection: the bound holds. */
	peer_say(
	    connection(0), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	peer_reset(connection(1));
	peer_say(connection(2), OK_ANSWER);
	world.peer.answer = OK_ANSWER;
	peer_say(connection(3), OK_ANSWER);
	for (int i = 0; i < 12; i++) {
		until(out[i].called);
		ck_assert_int_eq(out[i].called, 1);
	}
	ck_assert_uint_le(world.peer.most_open, 4);
	check_idle(http_pool_connections(world.pool));
}
END_TEST

START_TEST(first_come_first_served)
{
	world.origin.max_connections = 1;
	world_new_pool(NULL);
	world.peer.answer = OK_ANSWER;
	for (int i = 0; i < 9; i++)
		send_get(&out[i]);
	for (int i = 0; i < 9; i++) {
		until(out[i].called);
		ck_assert_int_eq(out[i].turn, i + 1);
	}
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

START_TEST(line_is_full)
{
	for (int i = 0; i < 14; i++)
		send_get(&out[i]);
	until(out[12].called && out[13].called);
	check_end(12, OW_HTTP_POOL_FULL, false, "too many requests are in line");
	check_end(13, OW_HTTP_POOL_FULL, false, "127.0.0.1");
	ck_assert_uint_eq(http_pool_waiting(world.pool), 8);
	world.peer.answer = OK_ANSWER;
	until(arrived(3));
	for (size_t i = 0; i < 4; i++)
		if (connection(i)->answered == 0)
			peer_say(connection(i), OK_ANSWER),
			    connection(i)->answered = connection(i)->got.len;
	for (int i = 0; i < 12; i++) {
		until(out[i].called);
		check_end(i, OW_HTTP_ANSWERED, true, "");
	}
	send_get(&out[14]);
	until(out[14].called);
	check_end(14, OW_HTTP_ANSWERED, true, "");
}
END_TEST

START_TEST(last_used_first)
{
	for (size_t i = 0; i < 3; i++)
		send_and_arrive(&out[i], i);
	peer_say(connection(0), OK_ANSWER);
	until(out[0].called);
	peer_say(connection(2), OK_ANSWER);
	until(out[2].called);
	peer_say(connection(1), OK_ANSWER);
	until(out[1].called);
	world.peer.answer = OK_ANSWER;
	for (int i = 3; i < 8; i++) {
		send_get(&out[i]);
		until(out[i].called);
	}
	ck_assert_uint_eq(requests_on(0), 1);
	ck_assert_uint_eq(requests_on(1), 6);
	ck_assert_uint_eq(requests_on(2), 1);
}
END_TEST

START_TEST(idle_connections_end)
{
	leave_one_idle();
	pass(IDLE_MS - 1);
	check_idle(1);
	pass(1);
	check_idle(0);
	until(connection(0)->ended);
	/* The peer's end, or a word of it, ends an idle connection too. */
	leave_one_idle();
	peer_hang_up(connection(1));
	until(http_pool_connections(world.pool) == 0);
	out[31].called = 0;
	leave_one_idle();
	peer_say(connection(2), "HTTP/1.1 408 Timeout\r\n\r\n");
	until(http_pool_connections(world.pool) == 0);
	ck_assert(reachable());
}
END_TEST

/* ---- time ---- */

START_TEST(timeout_in_line)
{
	world.origin.max_connections = 1;
	world_new_pool(NULL);
	send_and_arrive(&out[0], 0);
	world.get.total_ms = 500;
	send_get(&out[1]);
	pass(499);
	loop_calm(world.base);
	ck_assert_int_eq(out[1].called, 0);
	pass(1);
	check_end(1, OW_HTTP_TIMEOUT, false, "all connections are busy");
	ck_assert_int_eq(out[0].called, 0);
	peer_say(connection(0), OK_ANSWER);
	until(out[0].called);
	check_end(0, OW_HTTP_ANSWERED, true, "");
	check_idle(1);
	ck_assert_uint_eq(requests_on(0), 1);
}
END_TEST

START_TEST(timeout_while_connecting)
{
	peer_close(&world.peer);
	peer_open(&world.peer, world.base);
	peer_stall(&world.peer);
	world_new_pool(NULL);
	world.get.total_ms = 500;
	send_get(&out[0]);
	loop_calm(world.base);
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
	pass(500);
	check_end(0, OW_HTTP_TIMEOUT, false, "still connecting");
	ck_assert(reachable());

	/* The attempt itself goes on, and fails in its own time. */
	world.get.total_ms = TOTAL_MS;
	send_get(&out[1]);
	pass(CONNECT_MS - 501);
	ck_assert_int_eq(out[1].called, 0);
	pass(1);
	check_end(1, OW_HTTP_CONNECT, false, "no answer within 3000 ms");
	ck_assert(!reachable());
	check_idle(0);
}
END_TEST

START_TEST(timeout_of_the_answer)
{
	send_and_arrive(&out[0], 0);
	pass(TOTAL_MS);
	check_end(0, OW_HTTP_TIMEOUT, true, "no answer within 10000 ms");
	check_idle(0);

	send_and_arrive(&out[1], 1);
	peer_say(connection(1), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
	loop_calm(world.base);
	pass(TOTAL_MS);
	check_end(1, OW_HTTP_TIMEOUT, true, "was not complete");
	check_idle(0);
	until(connection(1)->ended);
}
END_TEST

START_TEST(deadlines_in_any_order)
{
	static const int64_t limits[] = {300, 100, 500, 200, 400, 100};
	for (int i = 0; i < 6; i++) {
		world.get.total_ms = limits[i];
		send_get(&out[i]);
	}
	for (int64_t ms = 100; ms <= 500; ms += 100) {
		pass(99);
		for (int i = 0; i < 6; i++)
			ck_assert_int_eq(out[i].called, limits[i] < ms);
		pass(1);
		for (int i = 0; i < 6; i++)
			ck_assert_int_eq(out[i].called, limits[i] <= ms);
	}
	world.get.total_ms = 0;
	send_get(&out[6]);
	until(out[6].called);
	check_end(6, OW_HTTP_TIMEOUT, false, "within 0 ms");
}
END_TEST

/* Everything above moved time by hand; the alarm must ring by itself too. */
START_TEST(real_time)
{
	struct clock system;
	const char *why;
	clock_init_system(&system);
	struct http_client *client = http_client_new(world.base, &system);
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", world.peer.port);
	world.origin.url = url;
	world.origin.idle_ms = 100;
	struct ow_http_pool *pool = http_pool_new(client, &world.origin, &why);
	int64_t start = clock_mono(&system);
	world.get.total_ms = 50;
	send_to(pool, &world.get, &out[0]);
	until(arrived(0));
	world.get.total_ms = 20000;
	send_to(pool, &world.get, &out[1]);
	until(arrived(1) || out[0].called);
	if (arrived(1))
		answer_now(1);
	until(out[0].called);
	check_end(0, OW_HTTP_TIMEOUT, true, "within 50 ms");
	ck_assert_int_ge(clock_mono(&system) - start, 50);
	answer_now(1);
	until(out[1].called);
	until(http_pool_connections(pool) == 0);
	http_pool_free(pool);
	http_client_free(client);
}
END_TEST

/* ---- connecting ---- */

/* One attempt, one call: the next in line gets its own. */
START_TEST(one_attempt_one_call)
{
	peer_close(&world.peer);
	peer_open(&world.peer, world.base);
	peer_stall(&world.peer);
	world.origin.max_connections = 1;
	world_new_pool(NULL);
	for (int i = 0; i < 3; i++)
		send_get(&out[i]);
	for (int i = 0; i < 3; i++) {
		pass(CONNECT_MS);
		check_end(i, OW_HTTP_CONNECT, false, "no answer within 3000 ms");
		for (int j = i + 1; j < 3; j++)
			ck_assert_int_eq(out[j].called, 0);
	}
}
END_TEST

START_TEST(refused)
{
	peer_refuse(&world.peer);
	for (int i = 0; i < 7; i++)
		send_get(&out[i]);
	for (int i = 0; i < 7; i++) {
		until(out[i].called);
		check_end(i, OW_HTTP_CONNECT, false, "connect to 127.0.0.1:");
		ck_assert_ptr_nonnull(strstr(out[i].why, "Connection refused"));
		ck_assert_ptr_null(strchr(out[i].why, '('));
	}
	check_idle(0);
}
END_TEST

START_TEST(down_and_up_again)
{
	const char *why = NULL;
	char want[128];
	ck_assert(reachable());
	peer_refuse(&world.peer);
	send_get(&out[0]);
	until(out[0].called);
	ck_assert(!http_pool_reachable(world.pool, &why));
	snprintf(
	    want, sizeof(want), "connect to 127.0.0.1:%d: Connection refused", world.peer.port);
	ck_assert_str_eq(why, want);

	/* It looks by itself, and keeps what it finds. */
	pass(5000);
	until(http_pool_connections(world.pool) == 0);
	ck_assert(!reachable());
	peer_listen(&world.peer);
	pass(4999);
	loop_calm(world.base);
	ck_assert_uint_eq(world.peer.accepted, 0);
	pass(1);
	until(world.peer.accepted == 1);
	until(reachable());
	check_idle(1);
	send_and_arrive(&out[1], 0);
	peer_say(connection(0), OK_ANSWER);
	until(out[1].called);
	check_end(1, OW_HTTP_ANSWERED, true, "");
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

START_TEST(call_finds_it_up_again)
{
	peer_refuse(&world.peer);
	send_get(&out[0]);
	until(out[0].called);
	peer_listen(&world.peer);
	send_and_arrive(&out[1], 0);
	ck_assert(reachable());
	peer_say(connection(0), OK_ANSWER);
	until(out[1].called);
	pass(20000);
	loop_calm(world.base);
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

/* A peer that takes one connection only serves all calls over it. */
START_TEST(others_are_there)
{
	send_and_arrive(&out[0], 0);
	peer_refuse(&world.peer);
	for (int i = 1; i < 4; i++)
		send_get(&out[i]);
	until(http_pool_connections(world.pool) == 1);
	loop_calm(world.base);
	/* It serves, whatever happens to further connections. */
	ck_assert(reachable());
	ck_assert_int_eq(out[1].called + out[2].called + out[3].called, 0);
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
	ck_assert_uint_eq(http_pool_waiting(world.pool), 3);
	pass(999);
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
	pass(1);
	ck_assert_uint_eq(http_pool_connections(world.pool), 4);
	until(http_pool_connections(world.pool) == 1);
	ck_assert_int_eq(out[1].called + out[2].called + out[3].called, 0);

	world.peer.answer = OK_ANSWER;
	answer_now(0);
	for (int i = 0; i < 4; i++) {
		until(out[i].called);
		check_end(i, OW_HTTP_ANSWERED, true, "");
	}
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

/* ... until that one is gone too. */
START_TEST(the_last_one_goes)
{
	send_and_arrive(&out[0], 0);
	peer_refuse(&world.peer);
	send_get(&out[1]);
	loop_calm(world.base);
	peer_reset(connection(0));
	until(out[0].called && out[1].called);
	check_end(0, OW_HTTP_BROKEN, true, "");
	check_end(1, OW_HTTP_CONNECT, false, "refused");
}
END_TEST

/* ---- names ---- */

static struct names names;

static void names_setup(void)
{
	world_setup();
	names_open(&names, world.base);
	http_pool_free(world.pool);
	world.pool = NULL;
	http_client_resolve_with(world.client, names_resolver(&names, world.base));
}

static void names_teardown(void)
{
	names_close(&names);
	world_teardown();
}

static void new_pool_for(const char *host)
{
	char url[64];
	snprintf(url, sizeof(url), "http://%s:%d/", host, world.peer.port);
	world_new_pool(url);
}

/* Each request on a connection of its own. */
static void ask_once(int i)
{
	send_and_arrive(&out[i], world.peer.accepted);
	peer_say(connection(world.peer.accepted - 1),
	    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	until(out[i].called);
}

/* The peer listens on 127.0.0.1 only, so the first address of two.test refuses. */
START_TEST(second_address)
{
	static const char *const hosts[] = {"two.test", "file.test"};
	for (size_t i = 0; i < 2; i++) {
		char want[64];
		new_pool_for(hosts[i]);
		send_and_arrive(&out[i], i);
		snprintf(want, sizeof(want), "Host: %s:%d\r\n", hosts[i], world.peer.port);
		ck_assert_ptr_nonnull(strstr(connection(i)->got.data, want));
		peer_say(connection(i), OK_ANSWER);
		until(out[i].called);
		check_end((int)i, OW_HTTP_ANSWERED, true, "");
		ck_assert(reachable());
	}
}
END_TEST

START_TEST(address_that_worked_is_first)
{
	struct peer first;
	new_pool_for("two.test");
	ask_once(0);
	peer_open_at(&first, world.base, INADDR_LOOPBACK + 1, world.peer.port);
	peer_listen(&first);
	ask_once(1);
	ck_assert_uint_eq(first.accepted, 0);
	peer_close(&first);
}
END_TEST

START_TEST(every_address_refuses)
{
	char want[128];
	peer_refuse(&world.peer);
	new_pool_for("two.test");
	send_get(&out[0]);
	until(out[0].called);
	snprintf(want, sizeof(want),
	    "connect to 127.0.0.2:%d (two.test): Connection refused; "
	    "to 127.0.0.1:%d: Connection refused",
	    world.peer.port, world.peer.port);
	ck_assert_str_eq(out[0].why, want);
	check_end(0, OW_HTTP_CONNECT, false, "");
}
END_TEST

START_TEST(localhost_needs_no_names)
{
	names_write(names.resolv_conf, "");
	names_write(names.hosts, "");
	new_pool_for("localhost");
	send_and_arrive(&out[0], 0);
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_BROKEN, true, " (localhost): connection lost");
	ck_assert_int_eq(names.queries, 0);
}
END_TEST

START_TEST(no_such_name)
{
	const char *why;
	new_pool_for("gone.test");
	for (int i = 0; i < 6; i++)
		send_get(&out[i]);
	for (int i = 0; i < 6; i++) {
		until(out[i].called);
		check_end(
		    i, OW_HTTP_RESOLVE, false, "look up gone.test: there is no such name");
	}
	ck_assert(!http_pool_reachable(world.pool, &why));
	ck_assert_str_eq(why, "look up gone.test: there is no such name");
	/* found by the probe, once it exists */
	names_write(names.hosts, "127.0.0.1 gone.test\n");
	pass(5000);
	until(reachable());
	check_idle(1);
}
END_TEST

START_TEST(name_is_looked_up_in_time)
{
	new_pool_for("silent.test");
	send_get(&out[0]);
	struct ow_http_call *call = send_get(&out[1]);
	loop_calm(world.base);
	ck_assert(!http_call_cancel(call));
	pass(TOTAL_MS);
	until(out[0].called);
	check_end(0, OW_HTTP_TIMEOUT, false, "its name is still being looked up");
	ck_assert_uint_eq(http_pool_connections(world.pool), 0);
}
END_TEST

START_TEST(addresses_are_kept_for_a_while)
{
	new_pool_for("one.test");
	ask_once(0);
	ask_once(1);
	pass(29999);
	ask_once(2);
	ck_assert_int_eq(names.queries, 1);
	pass(1);
	ask_once(3);
	ck_assert_int_eq(names.queries, 2);

	/* A failed connect makes them old soon, though not at once. */
	peer_refuse(&world.peer);
	send_get(&out[4]);
	until(out[4].called);
	peer_listen(&world.peer);
	pass(999);
	ask_once(5);
	ck_assert_int_eq(names.queries, 2);
	pass(1);
	ask_once(6);
	ck_assert_int_eq(names.queries, 3);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_pool");
	TCase *t = tcase_create("pool");
	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, origins);
	tcase_add_test(t, never_more_connections);
	tcase_add_test(t, first_come_first_served);
	tcase_add_test(t, line_is_full);
	tcase_add_test(t, last_used_first);
	tcase_add_test(t, idle_connections_end);
	tcase_add_test(t, timeout_in_line);
	tcase_add_test(t, timeout_while_connecting);
	tcase_add_test(t, timeout_of_the_answer);
	tcase_add_test(t, deadlines_in_any_order);
	tcase_add_test(t, real_time);
	tcase_add_test(t, one_attempt_one_call);
	tcase_add_test(t, refused);
	tcase_add_test(t, down_and_up_again);
	tcase_add_test(t, call_finds_it_up_again);
	tcase_add_test(t, others_are_there);
	tcase_add_test(t, the_last_one_goes);
	suite_add_tcase(s, t);
	t = tcase_create("names");
	tcase_add_checked_fixture(t, names_setup, names_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, second_address);
	tcase_add_test(t, address_that_worked_is_first);
	tcase_add_test(t, every_address_refuses);
	tcase_add_test(t, localhost_needs_no_names);
	tcase_add_test(t, no_such_name);
	tcase_add_test(t, name_is_looked_up_in_time);
	tcase_add_test(t, addresses_are_kept_for_a_while);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
