#include "tests/plugin/keyertest.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "json/scan.h"

struct mock *mock;
const struct ow_component *component;
struct ow_instance *keyer;

void keyer_begin(const char *name)
{
	mock = mock_new();
	component = mock_component(OW_MODULE_SYMBOL(), name);
}

void keyer_with(const char *options)
{
	keyer = mock_instance(
	    mock, component, component->name, mock_conf(mock, component, options));
}

void keyer_end(void)
{
	mock_free(mock);
	mock = NULL;
}

struct ow_key *key_of(const char *body)
{
	return mock_key(keyer, mock_event(mock, body), false);
}

/* ---- vectors ---- */

static const char *member(const json_t *vector, const char *name)
{
	return json_string_value(json_object_get(vector, name));
}

/* That member with its run written out. Borrowed from b. */
static struct ow_text expanded(const json_t *vector, const char *name, struct buf *b)
{
	const char *text = member(vector, name);
	const char *run = member(vector, "run");
	json_int_t times = json_integer_value(json_object_get(vector, "times"));
	const char *mark = run ? strstr(text, "%RUN%") : NULL;
	buf_clear(b);
	if (!mark) {
		buf_add_string(b, text);
		return buf_text(b);
	}
	buf_add(b, text, (size_t)(mark - text));
	while (times-- > 0)
		buf_add_string(b, run);
	buf_add_string(b, mark + strlen("%RUN%"));
	return buf_text(b);
}

static struct ow_key *key_with(const char *options, struct ow_text event)
{
	keyer_with(options);
	return mock_key(keyer, mock_event_of(mock, event.data, event.len), false);
}

/* NULL: the event is malformed, as it should be. */
static struct ow_key *check_vector(const json_t *vector, struct ow_text event)
{
	const char *name = member(vector, "case");
	const char *refused = member(vector, "refused");
	struct json_error error;
	char problem[200] = "";
	if (!json_scan(event, NULL, NULL, &error)) {
		ck_assert_msg(refused && strcmp(refused, "malformed") == 0, "%s: %s at %zu",
		    name, error.problem, error.offset);
		return NULL;
	}
	struct ow_key *key = key_with(member(vector, "options"), event);
	if (key->rc == OW_REJECT)
		snprintf(problem, sizeof(problem), "%s %s", key->invalid_field,
		    key->invalid_problem);
	ck_assert_msg(strcmp(problem, refused ? refused : "") == 0, "%s: \"%s\", not \"%s\"",
	    name, problem, refused ? refused : "");
	return key;
}

static void check_line(const char *prefix, const json_t *vector, key_vectors_each *each)
{
	const char *name = member(vector, "case");
	struct buf event_buf = BUF_INIT, key_buf = BUF_INIT;
	struct ow_text event = expanded(vector, "event", &event_buf);
	const struct ow_key *key = check_vector(vector, event);
	if (member(vector, "key")) {
		struct ow_text wanted = expanded(vector, "key", &key_buf);
		ck_assert_msg(key && text_equal(key->text, wanted), "%s: %.200s, not %.200s",
		    name, key ? key->text.data : "malformed", wanted.data);
		ck_assert_str_eq(key->prefix, prefix);
		if (each)
			each(name, event, key);
	}
	buf_free(&event_buf);
	buf_free(&key_buf);
}

void key_vectors_check(const char *prefix, const char *path, int count, key_vectors_each *each)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int lines = 0;
	ck_assert_msg(file != NULL, "cannot open %s", path);
	while (getline(&line, &size, file) > 0) {
		json_error_t error;
		json_t *vector = json_loads(line, 0, &error);
		lines++;
		ck_assert_msg(vector != NULL, "line %d: %s", lines, error.text);
		check_line(prefix, vector, each);
		json_decref(vector);
	}
	ck_assert_int_eq(lines, count);
	fclose(file);
	free(line);
}

/* ---- one event ---- */

void assert_text(struct ow_text text, const char *expected)
{
	ck_assert_msg(text_equal(text, text_of(expected)), "%.*s, not %s", (int)text.len,
	    text.data, expected);
}

void assert_refused(const char *body, const char *field, const char *problem, bool missing)
{
	const struct ow_key *key = key_of(body);
	ck_assert_msg(key->rc == OW_REJECT, "%s", body);
	ck_assert_str_eq(key->invalid_field, field);
	ck_assert_str_eq(key->invalid_problem, problem);
	ck_assert_msg(key->missing == missing, "%s", body);
}

void assert_explained(
    const char *body, const char *const (*fields)[2], size_t count, const char *canonical)
{
	struct ow_event *event = mock_event(mock, body);
	const struct ow_key *key = mock_key(keyer, event, true);
	for (size_t i = 0; i < key->fields && i < count; i++) {
		ck_assert_str_eq(key->field_names[i], fields[i][0]);
		assert_text(key->field_values[i], fields[i][1]);
	}
	ck_assert_uint_eq(key->fields, count);
	assert_text(key->canonical, canonical);
	const struct ow_key *silent = mock_key(keyer, event, false);
	ck_assert(text_equal(silent->text, key->text));
	ck_assert_uint_eq(silent->fields, 0);
}

struct ow_reply *reply_for(const char *body, const struct ow_reply_request *request)
{
	struct ow_event *event = mock_event(mock, body);
	struct ow_reply_request whole = *request;
	struct json_error error;
	const struct ow_key *key = NULL;
	if (json_scan(text_of(body), NULL, NULL, &error))
		key = mock_key(keyer, event, false);
	if (key && key->rc == OW_OK)
		whole.key = key->text;
	return mock_reply(keyer, event, key, &whole);
}

void assert_reply(
    const char *body, const struct ow_reply_request *request, const char *expected)
{
	const struct ow_reply *reply = reply_for(body, request);
	struct json_error error;
	ck_assert_int_eq(reply->status, 0);
	ck_assert_str_eq(reply->content_type, "application/json");
	assert_text(reply->body, expected);
	ck_assert(json_scan(reply->body, NULL, NULL, &error));
}
