/* Events: what they carry, what is worked out from their bytes, how long they live. */
#include "plugin/event.h"

#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/fixture.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"

static struct ow_instance *source;
static struct ow_event *event;

static void start(void)
{
	fixture_start();
	source = fixture_instance(fixture_component(OW_SOURCE), "hook");
	event = fixture.host->event_new(source);
}

static void stop(void)
{
	fixture.host->event_unref(event);
	instance_free(source);
	fixture_stop();
}

static void check_text(struct ow_text t, const char *expected)
{
	ck_assert_ptr_nonnull(t.data);
	ck_assert_msg(text_equal(t, text_of(expected)), "%.*s", (int)t.len, t.data);
}

static void set_body(const char *body)
{
	fixture.host->event_set_body(event, body, strlen(body));
}

static const struct ow_pointer *pointer(const char *text)
{
	return fixture.host->pointer(source, text);
}

static bool has(const char *at, enum ow_json_type type, const char *raw)
{
	struct ow_json value;
	if (!fixture.host->event_json(event, pointer(at), &value))
		return false;
	ck_assert_int_eq(value.type, type);
	check_text(value.raw, raw);
	return true;
}

/* ---- what it carries ---- */

START_TEST(an_empty_event)
{
	const struct ow_host *host = fixture.host;
	check_text(host->event_body(event), "");
	check_text(host->event_path(event), "");
	ck_assert_ptr_null(host->event_header(event, "Content-Type").data);
	ck_assert_str_eq(host->event_source(event), "hook");
	ck_assert_int_eq(host->event_time(event), 1700000000000);
	ck_assert_int_eq(event_arrived_us(event), clock_mono_us(&fixture.clock));
	ck_assert_str_eq(event_get_source(event), "hook");
}
END_TEST

START_TEST(the_body_is_a_copy)
{
	char body[] = "with \0 inside";
	fixture.host->event_set_body(event, body, sizeof(body) - 1);
	memset(body, '-', sizeof(body));
	struct ow_text t = fixture.host->event_body(event);
	ck_assert_uint_eq(t.len, sizeof(body) - 1);
	ck_assert_int_eq(memcmp(t.data, "with \0 inside", t.len), 0);
	set_body("");
	check_text(fixture.host->event_body(event), "");
}
END_TEST

START_TEST(headers_are_found_in_any_case_and_the_first_counts)
{
	char value[] = "one";
	fixture.host->event_add_header(event, "X-Key", value);
	fixture.host->event_add_header(event, "x-key", "two");
	fixture.host->event_add_header(event, "Empty", "");
	value[0] = '-';
	check_text(fixture.host->event_header(event, "X-KEY"), "one");
	check_text(fixture.host->event_header(event, "empty"), "");
	ck_assert_ptr_null(fixture.host->event_header(event, "X-Ke").data);
}
END_TEST

START_TEST(references_keep_it)
{
	struct ow_event *again = fixture.host->event_ref(event);
	ck_assert_ptr_eq(again, event);
	set_body("{}");
	fixture.host->event_unref(event);
	check_text(fixture.host->event_body(again), "{}");
	fixture.host->event_unref(NULL);
}
END_TEST

/* ---- trace context ---- */

static bool is_hex(const char *s, size_t len)
{
	return strspn(s, "0123456789abcdef") >= len;
}

static void check_own_trace(void)
{
	const char *trace = fixture.host->event_trace(event);
	struct ow_text parent = event_get_traceparent(event);
	ck_assert_uint_eq(strlen(trace), 32);
	ck_assert(is_hex(trace, 32));
	ck_assert_uint_eq(parent.len, 55);
	ck_assert_int_eq(strncmp(parent.data, "00-", 3), 0);
	ck_assert_int_eq(strncmp(parent.data + 3, trace, 32), 0);
	ck_assert_int_eq(parent.data[35], '-');
	ck_assert(is_hex(parent.data + 36, 16));
	ck_assert_int_eq(parent.data[52], '-');
	ck_assert_uint_eq(strlen(parent.data), 55);
}

START_TEST(a_trace_of_its_own)
{
	struct ow_event *other = fixture.host->event_new(source);
	check_own_trace();
	ck_assert_str_eq(event_get_traceparent(event).data + 52, "-01");
	ck_assert_str_ne(fixture.host->event_trace(event), fixture.host->event_trace(other));
	fixture.host->event_unref(other);
}
END_TEST

START_TEST(a_valid_trace_is_carried_on_under_a_new_span)
{
	fixture.host->event_add_header(event, "TraceParent", PARENT);
	check_own_trace();
	ck_assert_str_eq(fixture.host->event_trace(event), TRACE);
	ck_assert_ptr_null(strstr(event_get_traceparent(event).data, "00f067aa0ba902b7"));
}
END_TEST

START_TEST(flags_are_carried_on)
{
	/* Asked before, it had a trace of its own. */
	ck_assert_str_eq(event_get_traceparent(event).data + 52, "-01");
	fixture.host->event_add_header(
	    event, "traceparent", "00-" TRACE "-00f067aa0ba902b7-00");
	ck_assert_str_eq(event_get_traceparent(event).data + 52, "-00"); /* not sampled */
}
END_TEST

START_TEST(an_invalid_trace_is_as_if_there_was_none)
{
	static const char *const invalid[] = {"", "x",
	    "01-" TRACE "-00f067aa0ba902b7-01", /* another version */
	    "ff-" TRACE "-00f067aa0ba902b7-01",
	    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
	    "00-" TRACE "-0000000000000000-01",
	    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", /* upper case */
	    "00-" TRACE "-00f067aa0ba902b7-0g", "00-" TRACE "-00f067aa0ba902b7-01-",
	    "00-" TRACE "-00f067aa0ba902b7-0", "00_" TRACE "-00f067aa0ba902b7-01",
	    "00-" TRACE "_00f067aa0ba902b7-01", "00-" TRACE "-00f067aa0ba902b7_01",
	    "00-4bf92f3577b34da6a3ce929d0e0e47 6-00f067aa0ba902b7-01"};
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		fixture.host->event_unref(event);
		event = fixture.host->event_new(source);
		fixture.host->event_add_header(event, "traceparent", invalid[i]);
		check_own_trace();
		ck_assert_msg(
		    !strstr(invalid[i], fixture.host->event_trace(event)), "%s", invalid[i]);
	}
}
END_TEST

/* ---- JSON ---- */

START_TEST(values_by_pointer)
{
	set_body("{\"s\":\"t\",\"n\":-1.5e3,\"i\":12345678901234567890,\"o\":{\"a\":[1,null,"
		 "{\"x\":true}]},\"f\":false,\"\":0,\"a/b\":1,\"m~n\":2}");
	ck_assert(has("/s", OW_JSON_STRING, "\"t\""));
	ck_assert(has("/n", OW_JSON_REAL, "-1.5e3"));
	ck_assert(has("/i", OW_JSON_INTEGER, "12345678901234567890"));
	ck_assert(has("/o", OW_JSON_OBJECT, "{\"a\":[1,null,{\"x\":true}]}"));
	ck_assert(has("/o/a", OW_JSON_ARRAY, "[1,null,{\"x\":true}]"));
	ck_assert(has("/o/a/1", OW_JSON_NULL, "null"));
	ck_assert(has("/o/a/2/x", OW_JSON_TRUE, "true"));
	ck_assert(has("/f", OW_JSON_FALSE, "false"));
	ck_assert(has("/", OW_JSON_INTEGER, "0"));
	ck_assert(has("/a~1b", OW_JSON_INTEGER, "1"));
	ck_assert(has("/m~0n", OW_JSON_INTEGER, "2"));
	ck_assert(!has("/none", OW_JSON_NULL, ""));
	ck_assert(!has("/s/t", OW_JSON_NULL, ""));
	ck_assert_ptr_null(pointer("no-slash"));
	ck_assert_ptr_eq(pointer("/s"), pointer("/s"));
}
END_TEST

/* has() compiles its pointer after the body was scanned, or here even before. */
START_TEST(a_pointer_made_after_the_scan_is_found_too)
{
	struct ow_json before, after;
	const struct ow_pointer *a = pointer("/a");
	set_body("{\"a\":1,\"b\":2}");
	ck_assert(fixture.host->event_json(event, a, &before));
	const struct ow_pointer *b = pointer("/b");
	ck_assert(fixture.host->event_json(event, b, &after));
	check_text(after.raw, "2");
	check_text(before.raw, "1"); /* what was found before stays where it is */
	ck_assert(fixture.host->event_json(event, a, &before));
	check_text(before.raw, "1");
}
END_TEST

START_TEST(another_body_is_scanned_anew)
{
	struct json_error error;
	set_body("{\"a\":1}");
	ck_assert(has("/a", OW_JSON_INTEGER, "1"));
	set_body("{\"a\":2}");
	ck_assert(has("/a", OW_JSON_INTEGER, "2"));
	set_body("{\"a\":");
	ck_assert(!has("/a", OW_JSON_INTEGER, "2"));
	ck_assert(!event_is_json(event, &error));
	ck_assert_uint_eq(error.offset, 5);
	ck_assert(!error.utf8);
}
END_TEST

START_TEST(what_is_not_json_has_no_values)
{
	struct json_error error;
	ck_assert(!event_is_json(event, &error)); /* no body at all */
	set_body("{\"a\":\"\xc3\"}");
	ck_assert(!has("/a", OW_JSON_STRING, ""));
	ck_assert(!event_is_json(event, &error));
	ck_assert(error.utf8);
	set_body("[1]");
	ck_assert(event_is_json(event, &error));
}
END_TEST

static struct ow_text string_at(const char *at)
{
	struct ow_json value;
	ck_assert(fixture.host->event_json(event, pointer(at), &value));
	return fixture.host->event_string(event, &value);
}

START_TEST(strings_with_and_without_escapes)
{
	set_body("{\"plain\":\"caf\xc3\xa9\",\"escaped\":\"a\\u00e9\\n\\\"\\ud83d\\ude00\","
		 "\"nul\":\"a\\u0000b\",\"empty\":\"\"}");
	check_text(string_at("/plain"), "caf\xc3\xa9");
	struct ow_text first = string_at("/escaped");
	check_text(first, "a\xc3\xa9\n\"\xf0\x9f\x98\x80");
	struct ow_text nul = string_at("/nul");
	ck_assert_uint_eq(nul.len, 3);
	ck_assert_int_eq(memcmp(nul.data, "a\0b", 3), 0);
	check_text(string_at("/empty"), "");
	check_text(first, "a\xc3\xa9\n\"\xf0\x9f\x98\x80"); /* lives as long as the event */
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/event");
	TCase *t = tcase_create("events");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, an_empty_event);
	tcase_add_test(t, the_body_is_a_copy);
	tcase_add_test(t, headers_are_found_in_any_case_and_the_first_counts);
	tcase_add_test(t, references_keep_it);
	tcase_add_test(t, a_trace_of_its_own);
	tcase_add_test(t, a_valid_trace_is_carried_on_under_a_new_span);
	tcase_add_test(t, flags_are_carried_on);
	tcase_add_test(t, an_invalid_trace_is_as_if_there_was_none);
	tcase_add_test(t, values_by_pointer);
	tcase_add_test(t, a_pointer_made_after_the_scan_is_found_too);
	tcase_add_test(t, another_body_is_scanned_anew);
	tcase_add_test(t, what_is_not_json_has_no_values);
	tcase_add_test(t, strings_with_and_without_escapes);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
