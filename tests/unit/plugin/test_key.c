/* Keys being found, replies being shaped: through the host table, as a keyer does. */
#include "plugin/key.h"

#include <string.h>

#include "base/text.h"
#include "plugin/host.h"
#include "tests/unit/main.h"

static const struct ow_host *host;
static struct ow_key key;
static struct ow_reply reply;

static void start_explaining(bool explaining)
{
	host = host_table();
	key_init(&key, explaining);
	reply_init(&reply, &key, 200);
}

static void start(void)
{
	start_explaining(false);
}

static void stop(void)
{
	reply_fini(&reply);
	key_fini(&key);
}

static void check_text(struct ow_text t, const char *expected)
{
	ck_assert_msg(t.data && text_equal(t, text_of(expected)), "%.*s", (int)t.len, t.data);
}

/* ---- keys ---- */

START_TEST(a_key_is_prefix_and_text)
{
	char text[] = "abc";
	ck_assert_ptr_null(key.full.data);
	check_text(key_text(&key), "");
	host->key_set(&key, "cxone:dedup:", text_of(text));
	text[0] = '-';
	check_text(key.full, "cxone:dedup:abc");
	check_text(key_text(&key), "abc");
	host->key_set(&key, "", text_span("a\0b", 3)); /* any bytes; the last one counts */
	ck_assert_uint_eq(key.full.len, 3);
	ck_assert_int_eq(memcmp(key.full.data, "a\0b", 3), 0);
}
END_TEST

START_TEST(a_label_is_a_copy)
{
	char text[] = "label";
	ck_assert_ptr_null(key.label.data);
	host->key_label(&key, text_of(text));
	text[0] = '-';
	check_text(key.label, "label");
}
END_TEST

START_TEST(the_first_problem_counts)
{
	char field[] = "entityId";
	ck_assert_ptr_null(host->reply_field(&reply));
	ck_assert_ptr_null(host->reply_problem(&reply));
	host->key_invalid(&key, field, "is missing");
	host->key_invalid(&key, "timestamp", "must be a string");
	field[0] = '-';
	ck_assert_str_eq(host->reply_field(&reply), "entityId");
	ck_assert_str_eq(host->reply_problem(&reply), "is missing");
}
END_TEST

START_TEST(a_field_that_is_missing_is_told_apart)
{
	host->key_missing(&key, "entityId");
	ck_assert(key.missing);
	ck_assert_str_eq(host->reply_field(&reply), "entityId");
	ck_assert_str_eq(host->reply_problem(&reply), "is missing");
}
END_TEST

START_TEST(a_problem_before_a_missing_field_counts)
{
	host->key_invalid(&key, "timestamp", "must be a string");
	host->key_missing(&key, "entityId");
	ck_assert(!key.missing);
	ck_assert_str_eq(host->reply_field(&reply), "timestamp");
}
END_TEST

START_TEST(nothing_is_explained_unasked)
{
	ck_assert(!host->key_explaining(&key));
	host->key_field(&key, "a", text_of("1"));
	host->key_canonical(&key, text_of("1"));
	ck_assert_ptr_null(key.fields);
	ck_assert_ptr_null(key.canonical.data);
}
END_TEST

START_TEST(explained_are_fields_in_order_and_canonical_bytes)
{
	char value[] = "1";
	stop();
	start_explaining(true);
	ck_assert(host->key_explaining(&key));
	host->key_field(&key, "b", text_of(value));
	host->key_field(&key, "a", text_of(""));
	host->key_canonical(&key, text_of(value));
	value[0] = '-';
	ck_assert_str_eq(key.fields->name, "b");
	check_text(key.fields->value, "1");
	ck_assert_str_eq(key.fields->next->name, "a");
	check_text(key.fields->next->value, "");
	ck_assert_ptr_null(key.fields->next->next);
	check_text(key.canonical, "1");
}
END_TEST

/* ---- replies ---- */

START_TEST(a_reply_is_what_was_added)
{
	ck_assert(!reply.begun);
	host->reply_begin(&reply, 0, "application/json");
	host->reply_add(&reply, text_of("{\"a\":"));
	host->reply_add_json(&reply, text_of("x\"y\n"));
	host->reply_add(&reply, text_span("}!", 1));
	ck_assert(reply.begun);
	ck_assert_int_eq(reply.status, 200); /* as proposed */
	ck_assert_str_eq(reply.content_type, "application/json");
	check_text(buf_text(&reply.body), "{\"a\":\"x\\\"y\\n\"}");
}
END_TEST

START_TEST(a_reply_begun_again_is_a_new_one)
{
	char type[] = "text/x";
	host->reply_begin(&reply, 418, "text/plain");
	host->reply_add(&reply, text_of("first"));
	host->reply_begin(&reply, 0, type);
	type[0] = '-';
	check_text(buf_text(&reply.body), "");
	ck_assert_int_eq(reply.status, 418);
	ck_assert_str_eq(reply.content_type, "text/x");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/key");
	TCase *t = tcase_create("keys and replies");
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, a_key_is_prefix_and_text);
	tcase_add_test(t, a_label_is_a_copy);
	tcase_add_test(t, the_first_problem_counts);
	tcase_add_test(t, a_field_that_is_missing_is_told_apart);
	tcase_add_test(t, a_problem_before_a_missing_field_counts);
	tcase_add_test(t, nothing_is_explained_unasked);
	tcase_add_test(t, explained_are_fields_in_order_and_canonical_bytes);
	tcase_add_test(t, a_reply_is_what_was_added);
	tcase_add_test(t, a_reply_begun_again_is_a_new_one);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
