#include "store_redis/value.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/main.h"

static const unsigned char token[OW_TOKEN_SIZE] = {
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff, 0xee, 0, 1, 2, 3, 4, 5};
static const unsigned char digest[OW_DIGEST_SIZE] = {0xde, 0xad, 0xbe, 0xef, [31] = 0x7f};

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

/* What stands in Redis after a commit. Ends with free(). */
static struct ow_text written(
    const struct ow_claim *claim, const struct ow_result *result, bool keep_texts)
{
	static const char at[] = "1767225600123";
	struct value_parts parts;
	value_write_finished(claim, result, keep_texts, &parts);
	size_t len = parts.head.len + strlen(at) + parts.tail.len;
	char *bytes = malloc(len), *end = bytes;
	memcpy(end, parts.head.data, parts.head.len);
	end += parts.head.len;
	memcpy(end, at, strlen(at));
	end += strlen(at);
	memcpy(end, parts.tail.data, parts.tail.len);
	free(parts.bytes);
	return (struct ow_text){bytes, len};
}

static struct ow_claim claim_with(const unsigned char *with_digest)
{
	return (struct ow_claim){.size = sizeof(struct ow_claim),
	    .token = token,
	    .digest = with_digest,
	    .window_ms = 300000};
}

/* Every program that reads it finds a text in UTF-8 and JSON of this type. */
static json_t *as_json(struct ow_text bytes, json_type type)
{
	json_error_t error;
	json_t *json = json_loadb(bytes.data, bytes.len, JSON_DECODE_ANY, &error);
	ck_assert_msg(json != NULL, "%s: %.*s", error.text, (int)bytes.len, bytes.data);
	ck_assert_int_eq(json_typeof(json), type);
	return json;
}

START_TEST(a_claim)
{
	char bytes[VALUE_CLAIM_SIZE];
	struct ow_text text = {bytes, sizeof(bytes)};
	struct value value;
	value_write_claim(token, bytes);
	ck_assert_mem_eq(
	    bytes, "\"processing onceway 0123456789abcdefffee000102030405\"", sizeof(bytes));
	json_decref(as_json(text, JSON_STRING));
	value_read(text, &value);
	ck_assert_int_eq(value.kind, VALUE_CLAIM);
	value_fini(&value);
}
END_TEST

START_TEST(a_finished_key_as_it_is_written)
{
	struct ow_claim claim = claim_with(digest);
	struct ow_text bytes = written(&claim,
	    &(struct ow_result){.status = 200,
		.content_type = text_of("application/json"),
		.body = text_of("{\"processed\":true}")},
	    true);
	static const char expected[] =
	    "{\"onceway\":{\"v\":1,\"status\":200,\"at\":1767225600123,\"window\":300000,"
	    "\"by\":\"0123456789abcdef\","
	    "\"digest\":\"deadbeef0000000000000000000000000000000000000000000000000000007f\","
	    "\"type\":\"application/json\",\"body\":\"below\"},\"processed\":true}";
	ck_assert_uint_eq(bytes.len, strlen(expected));
	ck_assert_mem_eq(bytes.data, expected, bytes.len);
	free((void *)(uintptr_t)bytes.data);
}
END_TEST

static const struct {
	const char *type;
	struct ow_text body;
	bool below;
} results[] = {
    {"application/json", {"{\"a\":1}", 7}, true},
    {"application/json", {"{}", 2}, true},
    {"application/json", {"{ \t\r\n}", 6}, true},
    {"application/json", {"{ \"a\" : [1, {}] }", 17}, true},
    {"application/json", {"{\"onceway\":{\"v\":1}}", 19}, true},
    {"application/json", {"{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}", 13}, true},
    {"application/json", {"{\"\xc3\":1}", 7}, false}, /* not UTF-8 */
    {"application/json", {"{\"a\":1}\n", 8}, false},  /* does not end with the object */
    {"application/json", {"[1,2]", 5}, false},
    {"text/plain", {"ok", 2}, false},
    {"text/plain", {"{", 1}, false},
    {"", {"\0\xff\"\\", 4}, false},
    {"", {NULL, 0}, false},
    {"text/plain; charset=\"utf-8\"", {NULL, 0}, false},
    {"a\\b\"c\xe9\x01\x7f", {"x", 1}, false},
};

START_TEST(results_come_back_byte_for_byte)
{
	for (int with_digest = 0; with_digest < 2; with_digest++) {
		struct ow_claim claim = claim_with(with_digest ? digest : NULL);
		struct ow_result result = {.status = 201 + with_digest,
		    .content_type = text_of(results[_i].type),
		    .body = results[_i].body,
		    .failed = with_digest};
		struct ow_text bytes = written(&claim, &result, true);
		struct value value;
		json_t *json = as_json(bytes, JSON_OBJECT);
		ck_assert_int_eq(
		    memmem(bytes.data, bytes.len, "\"below\"", 7) != NULL, results[_i].below);
		value_read(bytes, &value);
		ck_assert_int_eq(value.kind, VALUE_FINISHED);
		ck_assert(!value.foreign);
		ck_assert(value.has_result);
		ck_assert_int_eq(value.at_ms, 1767225600123);
		ck_assert_int_eq(value.window_ms, 300000);
		ck_assert_int_eq(value.result.status, result.status);
		ck_assert_int_eq(value.result.failed, result.failed);
		ck_assert_uint_eq(value.result.content_type.len, result.content_type.len);
		if (result.content_type.len)
			ck_assert_mem_eq(value.result.content_type.data,
			    result.content_type.data, result.content_type.len);
		ck_assert_uint_eq(value.result.body.len, result.body.len);
		if (result.body.len)
			ck_assert_mem_eq(
			    value.result.body.data, result.body.data, result.body.len);
		ck_assert_int_eq(value.has_digest, with_digest);
		if (with_digest)
			ck_assert_mem_eq(value.digest, digest, sizeof(digest));
		value_fini(&value);
		json_decref(json);
		free((void *)(uintptr_t)bytes.data);
	}
}
END_TEST

START_TEST(texts_that_are_not_kept)
{
	struct ow_claim claim = claim_with(NULL);
	struct ow_text bytes = written(&claim,
	    &(struct ow_result){.status = 204,
		.content_type = text_of("text/plain"),
		.body = text_of("{\"a\":1}")},
	    false);
	struct value value;
	value_read(bytes, &value);
	ck_assert(value.has_result);
	ck_assert_int_eq(value.result.status, 204);
	ck_assert_uint_eq(value.result.content_type.len, 0);
	ck_assert_uint_eq(value.result.body.len, 0);
	value_fini(&value);
	free((void *)(uintptr_t)bytes.data);
}
END_TEST

static const struct {
	const char *bytes;
	enum value_kind kind;
	bool has_result;
} foreign[] = {
    {"1", VALUE_FINISHED, false},
    {"", VALUE_FINISHED, false},
    {"OK", VALUE_FINISHED, false},
    {"processing", VALUE_CLAIM, false},
    {"processing:worker-3", VALUE_CLAIM, false},
    {"\"processing\"", VALUE_CLAIM, false},
    {"Processing", VALUE_FINISHED, false},
    {"{\"processed\": true}", VALUE_FINISHED, true},
    {"[]", VALUE_FINISHED, true},
    {"{", VALUE_FINISHED, false},
    {"{'processed': True}", VALUE_FINISHED, true},
    {"{\"onceway\":\"is a member of theirs\"}", VALUE_FINISHED, true},
};

START_TEST(what_others_leave)
{
	struct value value;
	value_read(text_of(foreign[_i].bytes), &value);
	ck_assert_int_eq(value.kind, foreign[_i].kind);
	ck_assert(value.foreign);
	ck_assert_int_eq(value.has_result, foreign[_i].has_result);
	ck_assert_int_eq(value.at_ms, -1);
	ck_assert_int_eq(value.window_ms, -1);
	ck_assert(!value.has_digest);
	if (foreign[_i].has_result) {
		ck_assert_int_eq(value.result.status, 200);
		ck_assert_mem_eq(
		    value.result.body.data, foreign[_i].bytes, strlen(foreign[_i].bytes));
		ck_assert_mem_eq(value.result.content_type.data, "application/json", 16);
	}
	value_fini(&value);
}
END_TEST

/* Cut or changed anywhere, a value of ours is finished without a result, or still whole. */
START_TEST(damaged_ones)
{
	struct ow_claim claim = claim_with(digest);
	for (size_t r = 0; r < sizeof(results) / sizeof(*results); r++) {
		struct ow_text bytes = written(&claim,
		    &(struct ow_result){.status = 200,
			.content_type = text_of(results[r].type),
			.body = results[r].body},
		    true);
		char *copy = malloc(bytes.len);
		for (size_t i = 0; i < 2 * bytes.len; i++) {
			size_t len = i < bytes.len ? i : bytes.len;
			struct value value;
			memcpy(copy, bytes.data, len);
			if (i >= bytes.len)
				copy[i - bytes.len] ^= 0x11;
			value_read((struct ow_text){copy, len}, &value);
			ck_assert_int_eq(value.kind, VALUE_FINISHED);
			if (value.has_result)
				ck_assert_uint_le(value.result.body.len, bytes.len);
			value_fini(&value);
		}
		free(copy);
		free((void *)(uintptr_t)bytes.data);
	}
}
END_TEST

START_TEST(a_later_version_is_finished)
{
	struct value value;
	value_read(text_of("{\"onceway\":{\"v\":2,\"whatever\":1}}"), &value);
	ck_assert_int_eq(value.kind, VALUE_FINISHED);
	ck_assert(!value.has_result);
	value_fini(&value);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("value");
	TCase *t = tcase_create("value");
	tcase_add_test(t, a_claim);
	tcase_add_test(t, a_finished_key_as_it_is_written);
	tcase_add_loop_test(
	    t, results_come_back_byte_for_byte, 0, sizeof(results) / sizeof(*results));
	tcase_add_test(t, texts_that_are_not_kept);
	tcase_add_loop_test(t, what_others_leave, 0, sizeof(foreign) / sizeof(*foreign));
	tcase_add_test(t, damaged_ones);
	tcase_add_test(t, a_later_version_is_finished);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
