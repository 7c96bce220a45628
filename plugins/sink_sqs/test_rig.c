#include "sink_sqs/test_rig.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct ow_instance *rig_sink;

static struct ow_op *ops[128];

void rig_start(const char *queue_url, const char *yaml)
{
	char text[1000];
	const struct ow_component *sqs = mock_component(OW_MODULE_SYMBOL(), "sqs");
	snprintf(text, sizeof(text), "queue_url: \"%s\"\n%s", queue_url, yaml);
	rig_mock = mock_new();
	rig_sink = mock_instance(rig_mock, sqs, "out", mock_conf(rig_mock, sqs, text));
	ck_assert_int_eq(mock_rc(mock_start(rig_sink)), OW_OK);
}

void rig_end(void)
{
	mock_free(rig_mock);
	rig_forget_calls();
	memset(ops, 0, sizeof(ops));
}

struct ow_op *rig_deliver_body(const char *body, const struct ow_attempt *attempt)
{
	return mock_deliver(rig_sink, mock_event(rig_mock, body), attempt);
}

void rig_deliver(const char *letters)
{
	for (; *letters; letters++) {
		char body[60], key[20];
		snprintf(body, sizeof(body), "{\"id\":\"%c\",\"group\":\"%s\"}", *letters,
		    isupper((unsigned char)*letters) ? "upper" : "lower");
		snprintf(key, sizeof(key), "test:%c", *letters);
		ops[(unsigned char)*letters] = rig_deliver_body(
		    body, &(struct ow_attempt){.size = sizeof(struct ow_attempt),
			      .number = 1,
			      .key = {key, strlen(key)},
			      .limit_ms = 15000});
	}
}

struct ow_op *rig_op(char letter)
{
	ck_assert_ptr_nonnull(ops[(unsigned char)letter]);
	return ops[(unsigned char)letter];
}

const char *rig_ends(const char *letters)
{
	static char ends[128];
	size_t n = 0;
	for (; *letters; letters++)
		ends[n++] =
		    mock_finished(rig_op(*letters)) ? "OrJFU"[mock_rc(rig_op(*letters))] : '.';
	ends[n] = '\0';
	return ends;
}

const char *rig_letters(size_t call)
{
	static char letters[SQS_BATCH_MAX + 1];
	size_t n = 0;
	for (; n < rig_entries(call); n++) {
		const char *at = strstr(rig_member(call, n, "MessageBody"), "\"id\":\"");
		letters[n] = at ? at[6] : '?';
	}
	letters[n] = '\0';
	return letters;
}

static const char *text_or_none(const json_t *value)
{
	return json_is_string(value) ? json_string_value(value) : "";
}

const char *rig_member(size_t call, size_t entry, const char *member)
{
	return text_or_none(json_object_get(rig_entry(call, entry), member));
}

const char *rig_attribute(size_t call, size_t entry, const char *name)
{
	json_t *all = json_object_get(rig_entry(call, entry), "MessageAttributes");
	json_t *one = json_object_get(all, name);
	if (one)
		ck_assert_str_eq(text_or_none(json_object_get(one, "DataType")), "String");
	return text_or_none(json_object_get(one, "StringValue"));
}
