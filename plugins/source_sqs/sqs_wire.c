#include "source_sqs/sqs_wire.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

/* ---- requests ---- */

/* Takes over the object. */
static char *written(json_t *object)
{
	char *text = alloc_checked(json_dumps(object, JSON_COMPACT));
	json_decref(object);
	return text;
}

static void put(json_t *object, const char *name, const char *value)
{
	json_object_set_new(object, name, alloc_checked(json_string(value)));
}

static void put_number(json_t *object, const char *name, int64_t value)
{
	json_object_set_new(object, name, alloc_checked(json_integer(value)));
}

static json_t *request(const char *url)
{
	json_t *object = alloc_checked(json_object());
	put(object, "QueueUrl", url);
	return object;
}

char *sqs_receive_request(const struct sqs_receive *receive)
{
	static const char *const names[] = {"ApproximateReceiveCount", "SentTimestamp",
	    "MessageGroupId", "MessageDeduplicationId", "SequenceNumber"};
	json_t *object = request(receive->url);
	json_t *system = alloc_checked(json_array()), *all = alloc_checked(json_array());
	put_number(object, "MaxNumberOfMessages", receive->messages);
	put_number(object, "WaitTimeSeconds", receive->wait_s);
	put_number(object, "VisibilityTimeout", receive->visible_s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_array_append_new(system, alloc_checked(json_string(names[i])));
	json_object_set_new(object, "MessageSystemAttributeNames", system);
	json_array_append_new(all, alloc_checked(json_string("All")));
	json_object_set_new(object, "MessageAttributeNames", all);
	if (receive->attempt)
		put(object, "ReceiveRequestAttemptId", receive->attempt);
	return written(object);
}

static char *batch_request(
    const char *url, const struct sqs_entry *entries, size_t count, bool visibility)
{
	json_t *object = request(url), *list = alloc_checked(json_array());
	for (size_t i = 0; i < count; i++) {
		json_t *entry = alloc_checked(json_object());
		char id[24];
		snprintf(id, sizeof(id), "%zu", i);
		put(entry, "Id", id);
		put(entry, "ReceiptHandle", entries[i].receipt);
		if (visibility)
			put_number(entry, "VisibilityTimeout", entries[i].visible_s);
		json_array_append_new(list, entry);
	}
	json_object_set_new(object, "Entries", list);
	return written(object);
}

char *sqs_delete_request(const char *url, const struct sqs_entry *entries, size_t count)
{
	return batch_request(url, entries, count, false);
}

char *sqs_visibility_request(const char *url, const struct sqs_entry *entries, size_t count)
{
	return batch_request(url, entries, count, true);
}

/* ---- received messages ---- */

struct sqs_received {
	json_t *tree;
	size_t count;
	struct sqs_message messages[SQS_BATCH_MAX];
};

/* A NUL is no character of a message: a text with one is cut short there, and so refused. */
static json_t *read_object(struct ow_text body)
{
	json_t *tree = json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL);
	if (tree && !json_is_object(tree)) {
		json_decref(tree);
		tree = NULL;
	}
	return tree;
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static unsigned receive_count(const char *text)
{
	unsigned long count = text ? strtoul(text, NULL, 10) : 1;
	return count < 1 || count > 1000000 ? 1 : (unsigned)count;
}

/* Binary attributes are no text that a header could hold; they are left out. */
static void read_attributes(json_t *attributes, struct sqs_message *m)
{
	const char *name;
	json_t *attribute;
	json_object_foreach(attributes, name, attribute)
	{
		const char *value = member(attribute, "StringValue");
		if (value && m->attribute_count < SQS_ATTRIBUTES_MAX)
			m->attributes[m->attribute_count++] =
			    (struct sqs_attribute){name, value};
	}
}

static bool read_message(const json_t *object, struct sqs_message *m)
{
	json_t *body = json_object_get(object, "Body");
	json_t *system = json_object_get(object, "Attributes");
	*m = (struct sqs_message){
	    .id = member(object, "MessageId"),
	    .receipt = member(object, "ReceiptHandle"),
	    .md5 = member(object, "MD5OfBody"),
	    .body = {json_string_value(body), json_string_length(body)},
	    .receives = receive_count(member(system, "ApproximateReceiveCount")),
	    .sent = member(system, "SentTimestamp"),
	    .group = member(system, "MessageGroupId"),
	    .dedup = member(system, "MessageDeduplicationId"),
	    .number = member(system, "SequenceNumber"),
	};
	read_attributes(json_object_get(object, "MessageAttributes"), m);
	return m->id && m->receipt && m->body.data;
}

struct sqs_received *sqs_received_read(struct ow_text body, const char **why)
{
	struct sqs_received *r = alloc_zero(1, sizeof(*r));
	r->tree = read_object(body);
	json_t *list = json_object_get(r->tree, "Messages");
	*why = NULL;
	if (!r->tree)
		*why = "the answer is not a JSON object";
	else if (list && !json_is_null(list) && !json_is_array(list))
		*why = "`Messages` of the answer is not a list";
	else if (json_array_size(list) > SQS_BATCH_MAX)
		*why = "the answer has more messages than can be asked for";
	for (size_t i = 0; !*why && i < json_array_size(list); i++)
		if (!read_message(json_array_get(list, i), &r->messages[r->count++]))
			*why = "a message of the answer lacks MessageId, ReceiptHandle or Body";
	if (!*why)
		return r;
	sqs_received_free(r);
	return NULL;
}

void sqs_received_free(struct sqs_received *received)
{
	if (received)
		json_decref(received->tree);
	free(received);
}

size_t sqs_received_count(const struct sqs_received *received)
{
	return received->count;
}

const struct sqs_message *sqs_received_message(
    const struct sqs_received *received, size_t index)
{
	return &received->messages[index];
}

/* ---- results of a batch ---- */

static bool has_end(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);
	return len >= n && strcmp(text + len - n, end) == 0;
}

/* An expired receipt has no code of its own: SQS calls it an invalid parameter. */
static enum sqs_entry_end failed_end(const json_t *entry, const char *code)
{
	const char *text = member(entry, "Message");
	if (has_end(code, "ReceiptHandleIsInvalid") || has_end(code, "MessageNotInflight"))
		return SQS_ENTRY_GONE;
	if (has_end(code, "InvalidParameterValue") && text &&
	    (strstr(text, "receipt handle") || strstr(text, "ReceiptHandle")))
		return SQS_ENTRY_GONE;
	if (strstr(code, "Throttl") || !json_is_true(json_object_get(entry, "SenderFault")))
		return SQS_ENTRY_RETRY;
	return SQS_ENTRY_REFUSED;
}

/* The result that an entry of the answer is about; NULL: it was not asked for. */
static struct sqs_entry_result *result_of(
    const json_t *entry, struct sqs_entry_result *results, size_t count)
{
	const char *id = member(entry, "Id");
	char *end = NULL;
	unsigned long index = id ? strtoul(id, &end, 10) : count;
	return id && *id && !*end && index < count ? &results[index] : NULL;
}

static void note_code(struct sqs_entry_result *result, const char *code)
{
	size_t n = 0;
	for (; *code && n < sizeof(result->code) - 1; code++)
		result->code[n++] = *code > ' ' && *code <= '~' ? *code : '?';
	result->code[n] = '\0';
}

bool sqs_batch_read(struct ow_text body, struct sqs_entry_result *results, size_t count)
{
	json_t *tree = read_object(body), *entry;
	json_t *done = json_object_get(tree, "Successful");
	json_t *failed = json_object_get(tree, "Failed");
	bool known = json_is_array(done) || json_is_array(failed);
	size_t i;
	for (i = 0; i < count; i++)
		results[i] = (struct sqs_entry_result){.end = SQS_ENTRY_RETRY};
	json_array_foreach(done, i, entry)
	{
		struct sqs_entry_result *result = result_of(entry, results, count);
		if (result)
			result->end = SQS_ENTRY_OK;
	}
	json_array_foreach(failed, i, entry)
	{
		struct sqs_entry_result *result = result_of(entry, results, count);
		const char *code = member(entry, "Code");
		if (!result)
			continue;
		note_code(result, code ? code : "");
		result->end = failed_end(entry, result->code);
	}
	json_decref(tree);
	return known;
}
