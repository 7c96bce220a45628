#include "store_redis/slot_map.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/main.h"

static struct slot_map map;
static redisReply *reply;

/* Reads what a server would have sent; texts of the map lie in `reply`. */
static const char *read_answer(const char *text, size_t max)
{
	redisReader *reader = redisReaderCreate();
	ck_assert_int_eq(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
	freeReplyObject(reply);
	ck_assert_int_eq(redisReaderGetReply(reader, (void **)&reply), REDIS_OK);
	ck_assert_msg(reply != NULL, "the test's answer is not whole: %s", text);
	redisReaderFree(reader);
	return slot_map_read(reply, max, &map);
}

static void tear_down(void)
{
	freeReplyObject(reply);
	reply = NULL;
}

static void owned(unsigned slot, const char *host, int port)
{
	ck_assert_uint_ne(map.owner[slot], SLOT_NOBODY);
	const struct slot_place *place = &map.places[map.owner[slot]];
	ck_assert_uint_eq(place->host.len, strlen(host));
	ck_assert_mem_eq(place->host.data, host, strlen(host));
	ck_assert_int_eq(place->port, port);
}

#define NODE_1 "*4\r\n$9\r\n127.0.0.1\r\n:7001\r\n$3\r\nid1\r\n*0\r\n"
#define NODE_2 "*4\r\n$9\r\n127.0.0.1\r\n:7002\r\n$3\r\nid2\r\n*2\r\n$2\r\nip\r\n$1\r\nx\r\n"

START_TEST(as_redis_7_says_it)
{
	ck_assert_ptr_null(
	    read_answer("*3\r\n"
			"*4\r\n:0\r\n:99\r\n" NODE_1 NODE_2 "*3\r\n:200\r\n:16383\r\n" NODE_2
			"*3\r\n:100\r\n:100\r\n" NODE_1,
		2));
	ck_assert_uint_eq(map.count, 2);
	ck_assert(!map.unnamed);
	owned(0, "127.0.0.1", 7001);
	owned(99, "127.0.0.1", 7001);
	owned(100, "127.0.0.1", 7001);
	ck_assert_uint_eq(map.owner[101], SLOT_NOBODY);
	ck_assert_uint_eq(map.owner[199], SLOT_NOBODY);
	owned(200, "127.0.0.1", 7002);
	owned(16383, "127.0.0.1", 7002);
}
END_TEST

START_TEST(as_old_ones_say_it)
{
	ck_assert_ptr_null(
	    read_answer("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$3\r\n::1\r\n:7001\r\n", 1));
	owned(5, "::1", 7001);
}
END_TEST

START_TEST(the_host_that_was_asked)
{
	ck_assert_ptr_null(read_answer("*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n$-1\r\n:7001\r\n"
				       "*3\r\n:2\r\n:3\r\n*2\r\n$0\r\n\r\n:7001\r\n",
	    1));
	owned(1, "", 7001);
	owned(2, "", 7001);
	ck_assert_uint_eq(map.count, 1);
}
END_TEST

START_TEST(nobody_has_anything)
{
	ck_assert_ptr_null(read_answer("*0\r\n", 1));
	ck_assert_uint_eq(map.count, 0);
	ck_assert_uint_eq(map.owner[0], SLOT_NOBODY);
	ck_assert_uint_eq(map.owner[SLOTS - 1], SLOT_NOBODY);
}
END_TEST

static const char *const unnamed[] = {
    "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\n?\r\n:7001\r\n",
    "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\nh\r\n:0\r\n",
    "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\nh\r\n:65536\r\n",
    "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\nh\r\n:-1\r\n",
    "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$3\r\na b\r\n:7001\r\n",
    "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$4\r\nme@h\r\n:7001\r\n",
};

START_TEST(a_node_without_a_name)
{
	ck_assert_ptr_null(read_answer(unnamed[_i], 1));
	ck_assert(map.unnamed);
	ck_assert_uint_eq(map.count, 0);
	ck_assert_uint_eq(map.owner[5], SLOT_NOBODY);
}
END_TEST

static const char *const odd[] = {
    "+OK\r\n",
    ":5\r\n",
    "$-1\r\n",
    "-ERR This instance has cluster support disabled\r\n",
    "*1\r\n:0\r\n",
    "*1\r\n*0\r\n",
    "*1\r\n*2\r\n:0\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\nh\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n$1\r\nh\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n$4\r\n7001\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:7001\r\n",
    "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\nh\r\n:7001\r\n",
    "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$1\r\nh\r\n:7001\r\n",
    "*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n$1\r\nh\r\n:7001\r\n",
    "*1\r\n*3\r\n$1\r\n0\r\n:1\r\n*2\r\n$1\r\nh\r\n:7001\r\n",
};

START_TEST(something_else)
{
	ck_assert_msg(read_answer(odd[_i], 10) != NULL, "%s", odd[_i]);
}
END_TEST

START_TEST(too_many_nodes)
{
	char text[400];
	int len = snprintf(text, sizeof(text), "*3\r\n");
	for (int i = 0; i < 3; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "*3\r\n:%d\r\n:%d\r\n*2\r\n$1\r\nh\r\n:%d\r\n", i, i, 7000 + i);
	const char *why = read_answer(text, 2);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, "max_nodes"));
	ck_assert_ptr_null(read_answer(text, 3));
}
END_TEST

START_TEST(too_many_ranges)
{
	static const char range[] = "*3\r\n:0\r\n:0\r\n*2\r\n$1\r\nh\r\n:1\r\n";
	char *text = malloc(16 + (SLOTS + 1) * sizeof(range));
	for (unsigned more = 0; more <= 1; more++) {
		char *at = text + snprintf(text, 16, "*%u\r\n", SLOTS + more);
		for (unsigned i = 0; i < SLOTS + more; i++)
			at = stpcpy(at, range);
		const char *why = read_answer(text, 1);
		ck_assert_msg((why != NULL) == (more > 0), "%s", why ? why : "taken");
	}
	free(text);
}
END_TEST

START_TEST(an_answer_leaves_nothing_for_the_next)
{
	ck_assert_ptr_null(read_answer("*1\r\n*3\r\n:0\r\n:16383\r\n" NODE_1, 1));
	ck_assert_ptr_null(read_answer(unnamed[0], 1));
	ck_assert_ptr_null(read_answer("*1\r\n*3\r\n:7\r\n:7\r\n" NODE_2, 1));
	ck_assert_uint_eq(map.count, 1);
	ck_assert(!map.unnamed);
	owned(7, "127.0.0.1", 7002);
	ck_assert_uint_eq(map.owner[6], SLOT_NOBODY);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("slot map");
	TCase *t = tcase_create("slot map");
	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, as_redis_7_says_it);
	tcase_add_test(t, as_old_ones_say_it);
	tcase_add_test(t, the_host_that_was_asked);
	tcase_add_test(t, nobody_has_anything);
	tcase_add_loop_test(t, a_node_without_a_name, 0, sizeof(unnamed) / sizeof(*unnamed));
	tcase_add_loop_test(t, something_else, 0, sizeof(odd) / sizeof(*odd));
	tcase_add_test(t, too_many_nodes);
	tcase_add_test(t, too_many_ranges);
	tcase_add_test(t, an_answer_leaves_nothing_for_the_next);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
