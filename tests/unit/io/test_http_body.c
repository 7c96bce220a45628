#include "tests/unit/main.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_body.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A message cut into pieces, and what must come of it however it is cut. */
struct body_case {
	enum http_body_kind kind;
	int64_t length, limit;
	const char *text; /* what arrives, the next message's bytes included */
	enum http_body_result result;
	const char *bytes; /* MORE, COMPLETE: collected */
	int rest;	   /* COMPLETE: bytes of text that belong to the next message */
};

static const struct body_case cases[] = {
    {HTTP_BODY_NONE, 0, 10, "next", HTTP_BODY_COMPLETE, "", 4},
    {HTTP_BODY_LENGTH, 0, 10, "next", HTTP_BODY_COMPLETE, "", 4},
    {HTTP_BODY_LENGTH, 0, 0, "", HTTP_BODY_COMPLETE, "", 0},
    {HTTP_BODY_LENGTH, 3, 10, "abcnext", HTTP_BODY_COMPLETE, "abc", 4},
    {HTTP_BODY_LENGTH, 3, 3, "abc", HTTP_BODY_COMPLETE, "abc", 0},
    {HTTP_BODY_LENGTH, 3, 10, "ab", HTTP_BODY_MORE, "ab", 0},
    {HTTP_BODY_LENGTH, 3, 10, "", HTTP_BODY_MORE, "", 0},
    {HTTP_BODY_LENGTH, 4, 3, "", HTTP_BODY_TOO_LARGE, NULL, 0},
    {HTTP_BODY_LENGTH, 4, 3, "abcd", HTTP_BODY_TOO_LARGE, NULL, 0},
    {HTTP_BODY_LENGTH, INT64_MAX, 3, "abcd", HTTP_BODY_TOO_LARGE, NULL, 0},
    {HTTP_BODY_UNTIL_CLOSE, 0, 4, "abcd", HTTP_BODY_MORE, "abcd", 0},
    {HTTP_BODY_UNTIL_CLOSE, 0, 3, "abcd", HTTP_BODY_TOO_LARGE, NULL, 0},
    /* chunks */
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\n\r\nnext", HTTP_BODY_COMPLETE, "", 4},
    {HTTP_BODY_CHUNKED, 0, 0, "0\r\n\r\n", HTTP_BODY_COMPLETE, "", 0},
    {HTTP_BODY_CHUNKED, 0, 10, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nn", HTTP_BODY_COMPLETE, "abcde",
	1},
    {HTTP_BODY_CHUNKED, 0, 99, "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n000\r\n\r\n",
	HTTP_BODY_COMPLETE, "abcdefghijklmnopqrstuvwxyz", 0},
    {HTTP_BODY_CHUNKED, 0, 10, "A\r\n0123456789\r\n0\r\n\r\n", HTTP_BODY_COMPLETE, "0123456789",
	0},
    {HTTP_BODY_CHUNKED, 0, 10, "2\r\n\r\n\r\n0\r\n\r\n", HTTP_BODY_COMPLETE, "\r\n", 0},
    {HTTP_BODY_CHUNKED, 0, 10, "3\r\nab", HTTP_BODY_MORE, "ab", 0},
    {HTTP_BODY_CHUNKED, 0, 10, "3\r\nabc\r\n0\r\n\r", HTTP_BODY_MORE, "abc", 0},
    {HTTP_BODY_CHUNKED, 0, 10, "000000000000001\r\na\r\n0\r\n\r\n", HTTP_BODY_COMPLETE, "a", 0},
    /* limits */
    {HTTP_BODY_CHUNKED, 0, 3, "3\r\nabc\r\n0\r\n\r\n", HTTP_BODY_COMPLETE, "abc", 0},
    {HTTP_BODY_CHUNKED, 0, 2, "3\r\nabc\r\n0\r\n\r\n", HTTP_BODY_TOO_LARGE, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 4, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", HTTP_BODY_TOO_LARGE, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 4, "fffffffffffffff\r\n", HTTP_BODY_TOO_LARGE, NULL, 0},
    /* extensions and trailers */
    {HTTP_BODY_CHUNKED, 0, 10, "1;a=b;c=\"d;e\"\r\na\r\n0;x\r\n\r\n", HTTP_BODY_COMPLETE, "a",
	0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA: b\r\nC:\r\nContent-Length: 7\r\n\r\nn",
	HTTP_BODY_COMPLETE, "", 1},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA: b\r\n", HTTP_BODY_MORE, "", 0},
    /* not the grammar */
    {HTTP_BODY_CHUNKED, 0, 10, "\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, ";a\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "g\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\r\nax\n0\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0x1\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "+1\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "-1\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, " 1\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1 \r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\t;a\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1_0\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0000000000000001\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "ffffffffffffffff1\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\na\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\ra\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\r\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\r\nab\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\r\na\n0\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\r\na\r0\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1\r\na0\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1;a\nb\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1;a\x01\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "1;a\x7f\r\na", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\n\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\n\rx", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nGET / HTTP/1.1\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA : b\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\n: b\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA: b\r\n c\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA: b\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA: \x01\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA: b\rc\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
    {HTTP_BODY_CHUNKED, 0, 10, "0\r\nA\r\n\r\n", HTTP_BODY_BAD, NULL, 0},
};

static struct http_body body;

static void teardown(void)
{
	http_body_fini(&body);
}

/* Feeds a copy of just the right size, so that the sanitizers see any byte too many. */
static enum http_body_result feed(const char *data, size_t len, size_t *used)
{
	char *copy = mem_copy(data, len);
	enum http_body_result result = http_body_feed(&body, copy, len, used);
	free(copy);
	return result;
}

/* Pieces of `first` bytes, then of `other`, to the end of text or of the body. */
static enum http_body_result feed_pieces(
    const struct body_case *c, size_t first, size_t other, size_t *used)
{
	size_t len = strlen(c->text), piece = first, used_now;
	enum http_body_result result;
	http_body_fini(&body);
	http_body_init(&body, c->kind, c->length, c->limit);
	*used = 0;
	do {
		if (piece > len - *used)
			piece = len - *used;
		result = feed(c->text + *used, piece, &used_now);
		*used += used_now;
		if (result == HTTP_BODY_MORE)
			ck_assert_uint_eq(used_now, piece);
		piece = other;
	} while (result == HTTP_BODY_MORE && *used < len);
	return result;
}

static void check(const struct body_case *c, size_t first, size_t other)
{
	size_t used;
	enum http_body_result result = feed_pieces(c, first, other, &used);
	ck_assert_msg(result == c->result, "%d, not %d, cut at %zu, %zu: %s", result, c->result,
	    first, other, c->text);
	if (result == HTTP_BODY_COMPLETE)
		ck_assert_uint_eq(used, strlen(c->text) - (size_t)c->rest);
	if (c->bytes) {
		ck_assert_msg(text_equal(buf_text(&body.bytes), text_of(c->bytes)),
		    "\"%s\", not \"%s\"", buf_text(&body.bytes).data, c->bytes);
		ck_assert_int_eq(body.size, (int64_t)strlen(c->bytes));
	}
}

START_TEST(same_however_it_is_cut)
{
	const struct body_case *c = &cases[_i];
	size_t len = strlen(c->text);
	for (size_t first = 0; first <= len; first++)
		for (size_t other = 1; other <= len + 1; other++)
			check(c, first, other);
}
END_TEST

START_TEST(dropped_bytes_still_count)
{
	size_t used;
	http_body_init(&body, HTTP_BODY_CHUNKED, 0, 4);
	body.drop = true;
	ck_assert_int_eq(feed("3\r\nabc\r\n", 8, &used), HTTP_BODY_MORE);
	ck_assert_int_eq(body.size, 3);
	ck_assert_ptr_null(body.bytes.data);
	ck_assert_int_eq(feed("2\r\n", 3, &used), HTTP_BODY_TOO_LARGE);
	http_body_init(&body, HTTP_BODY_LENGTH, 4, 4);
	body.drop = true;
	ck_assert_int_eq(feed("abcde", 5, &used), HTTP_BODY_COMPLETE);
	ck_assert_uint_eq(used, 4);
	ck_assert_ptr_null(body.bytes.data);
}
END_TEST

/* Chunks of one byte with an extension each: never too large a body, so bounded otherwise. */
START_TEST(extensions_are_bounded_over_all_chunks)
{
	size_t used, fed = 0;
	enum http_body_result result = HTTP_BODY_MORE;
	http_body_init(&body, HTTP_BODY_CHUNKED, 0, INT64_MAX);
	while (result == HTTP_BODY_MORE && fed < 1000) {
		result = feed("1;0123456789012345678901234567890123456789\r\na\r\n", 47, &used);
		fed++;
	}
	ck_assert_int_eq(result, HTTP_BODY_BAD);
	ck_assert_uint_eq(fed, HTTP_BODY_EXTRA_MAX / 40 + 1);
}
END_TEST

START_TEST(trailers_are_bounded)
{
	size_t used, fed = 0;
	enum http_body_result result;
	http_body_init(&body, HTTP_BODY_CHUNKED, 0, 10);
	ck_assert_int_eq(feed("0\r\n", 3, &used), HTTP_BODY_MORE);
	do
		result = feed("A: b\r\n", 6, &used);
	while (result == HTTP_BODY_MORE && fed++ < 100000);
	ck_assert_int_eq(result, HTTP_BODY_BAD);
	ck_assert_uint_le(fed, HTTP_BODY_EXTRA_MAX);
}
END_TEST

START_TEST(announcing_costs_no_memory)
{
	size_t used;
	http_body_init(&body, HTTP_BODY_LENGTH, 1 << 30, 1 << 30);
	ck_assert_int_eq(feed("a", 1, &used), HTTP_BODY_MORE);
	ck_assert_uint_le(body.bytes.size, 128 * 1024);
}
END_TEST

START_TEST(end_of_connection)
{
	http_body_init(&body, HTTP_BODY_UNTIL_CLOSE, 0, 10);
	ck_assert_int_eq(http_body_eof(&body), HTTP_BODY_COMPLETE);
	http_body_init(&body, HTTP_BODY_LENGTH, 3, 10);
	ck_assert_int_eq(http_body_eof(&body), HTTP_BODY_BAD);
	http_body_init(&body, HTTP_BODY_CHUNKED, 0, 10);
	ck_assert_int_eq(http_body_eof(&body), HTTP_BODY_BAD);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_body");
	TCase *t = tcase_create("bodies");
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, same_however_it_is_cut, 0, COUNT(cases));
	tcase_add_test(t, dropped_bytes_still_count);
	tcase_add_test(t, extensions_are_bounded_over_all_chunks);
	tcase_add_test(t, trailers_are_bounded);
	tcase_add_test(t, announcing_costs_no_memory);
	tcase_add_test(t, end_of_connection);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
