#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/plugin/keyertest.h"
#include "tests/unit/main.h"

#define VECTORS	     SOURCE_DIR "/tests/data/auto-keys.jsonl"
#define VECTOR_COUNT 41

static void setup(void)
{
	keyer_begin("auto");
	keyer_with(NULL);
}

START_TEST(vectors)
{
	key_vectors_check("event:", VECTORS, VECTOR_COUNT, NULL);
}
END_TEST

START_TEST(describes_itself)
{
	const struct ow_keyer_ops *ops = component->ops;
	ck_assert_int_eq(ops->invalid_status, 400);
	ck_assert_int_eq(ops->window_ms, 300000);
	ck_assert(ops->reply == NULL);
	ck_assert_str_eq(mock_conf_complaints(mock, component, component->example), "");
	ck_assert_str_eq(mock_conf_complaints(mock, component, "ids: [id, eventId, id]\n"),
	    "test.yaml:1:6: error: is a list: item 2 must be `id`, "
	    "`conversation`, `interaction` or `payload`, not `eventId`\n"
	    "test.yaml:1:6: error: has `id` twice: remove one\n");
}
END_TEST

/* By default both texts and objects are looked into, and all ids are. */
START_TEST(finds_what_either_service_found)
{
	assert_text(
	    key_of("{\"id\":\"\",\"detail\":{\"conversationId\":\"c\"}}")->text, "gc_c");
	assert_text(
	    key_of("{\"detail\":\"{\\\"conversationId\\\":\\\"c\\\"}\"}")->text, "gc_c");
	assert_text(key_of("{\"detail\":\"{\\\"interactionId\\\":\\\"\\\\u00e9\\\"}\"}")->text,
	    "gc_\xc3\xa9");
	assert_text(key_of("{\"detail\":\"{}\",\"payload\":{\"interactionId\":\"n\"}}")->text,
	    "nice_n");
	assert_text(
	    key_of("{\"detail\":null,\"payload\":{\"interactionId\":7}}")->text, "nice_7");
}
END_TEST

/* What is in the text is as little trusted as what is around it. */
START_TEST(hostile_texts)
{
	static const char *const details[] = {"", "{nope", "null",
	    "[{\\\"conversationId\\\":1}]", "{\\\"conversationId\\\":\\\"",
	    "{\\\"conversationId\\\":\\\"c\\\"} x", "{\\\"conversationId\\\":NaN}",
	    "{\\\"conversationId\\\":\\\"\\\\ud800\\\"}",
	    "\\\"{\\\\\\\"conversationId\\\\\\\":\\\\\\\"c\\\\\\\"}\\\""};
	for (size_t i = 0; i < sizeof(details) / sizeof(*details); i++) {
		struct buf body = BUF_INIT;
		buf_printf(&body, "{\"detail\":\"%s\"}", details[i]);
		assert_refused(body.data, "id", "is missing", true);
		buf_free(&body);
	}
	struct buf deep = BUF_INIT;
	buf_add_string(&deep, "{\"detail\":\"");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&deep, '[');
	buf_add_string(&deep, "\"}");
	assert_refused(deep.data, "id", "is missing", true);
	buf_free(&deep);
}
END_TEST

START_TEST(faults)
{
	assert_refused("[]", "body", "must be a JSON object", false);
	assert_refused("{}", "id", "is missing", true);
	assert_refused("{\"id\":[1]}", "id", "must be a string, a number or a boolean", false);
	assert_refused("{\"detail\":\"{\\\"conversationId\\\":{\\\"a\\\":1}}\"}",
	    "detail/conversationId", "must be a string, a number or a boolean", false);
	keyer_with("prefer: business\n");
	assert_refused("{}", "detail/conversationId", "is missing", true);
}
END_TEST

START_TEST(labels)
{
	static const char body[] = "{\"id\":\"e\",\"detail-type\":\"t\",\"source\":\"s\"}";
	assert_text(key_of(body)->label, "t");
	ck_assert_ptr_null(key_of("{\"id\":\"e\",\"detail-type\":5}")->label.data);
	keyer_with("label: /source\n");
	assert_text(key_of(body)->label, "s");
	keyer_with("label: \"\"\n");
	ck_assert_ptr_null(key_of(body)->label.data);
}
END_TEST

START_TEST(explains)
{
	static const char *const outer[][2] = {{"id", "e-1 from /id"}};
	static const char *const inner[][2] = {
	    {"conversation", "gc_c from the text at /detail, /conversationId"}};
	assert_explained("{\"id\":\"e-1\"}", outer, 1, "e-1");
	assert_explained(
	    "{\"detail\":\"{\\\"conversationId\\\":\\\"c\\\"}\"}", inner, 1, "gc_c");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keyer_auto");
	TCase *t = tcase_create("keys");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, vectors);
	tcase_add_test(t, describes_itself);
	tcase_add_test(t, finds_what_either_service_found);
	tcase_add_test(t, hostile_texts);
	tcase_add_test(t, faults);
	tcase_add_test(t, labels);
	tcase_add_test(t, explains);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
