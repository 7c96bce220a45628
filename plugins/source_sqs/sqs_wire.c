#include "source_sqs/sqs_wire.h"

#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/sqs/json_text.h"

/* ---- requests ---- */

char *sqs_receive_request(const struct sqs_receive *receive)
{
	static const char *const names[] = {"ApproximateReceiveCount", "SentTimestamp",
	    "MessageGroupId", "MessageDeduplicationId", "SequenceNumber"};
	json_t *object = sqs_json_request(receive->url);
	sqs_json_put_number(object, "MaxNumberOfMessages", receive->messages);
	sqs_json_put_number(object, "WaitTimeSeconds", receive->wait_s);
	sqs_json_put_number(object, "VisibilityTimeout", receive->visible_s);
	json_t *system = sqs_json_put_list(object, "MessageSystemAttributeNames");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_array_append_new(system, alloc_checked(json_string(names[i])));
	json_t *all = sqs_json_put_list(object, "MessageAttributeNames");
	json_array_append_new(all, alloc_checked(json_string("All")));
	if (receive->attempt)
		sqs_json_put(object, "ReceiveRequestAttemptId", receive->attempt);
	return sqs_json_written(object);
}

static char *batch_request(
    const char *url, const struct sqs_entry *entries, size_t count, bool visibility)
{
	json_t *object = sqs_json_request(url), *list = sqs_json_put_list(object, "Entries");
	for (size_t i = 0; i < count; i++) {
		json_t *entry = sqs_json_add_entry(list);
		sqs_json_put(entry, "ReceiptHandle", entries[i].receipt);
		if (visibility)
			sqs_json_put_number(entry, "VisibilityTimeout", entries[i].visible_s);
	}
	return sqs_json_written(object);
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
	size_t count, left_out;
	struct sqs_message messages[SQS_BATCH_MAX];
};

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
		const char *value = sqs_json_member(attribute, "StringValue");
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
	    .id = sqs_json_member(object, "MessageId"),
	    .receipt = sqs_json_member(object, "ReceiptHandle"),
	    .md5 = sqs_json_member(object, "MD5OfBody"),
	    .body = {json_string_value(body), json_string_length(body)},
	    .receives = receive_count(sqs_json_member(system, "ApproximateReceiveCount")),
	    .sent = sqs_json_member(system, "SentTimestamp"),
	    .group = sqs_json_member(system, "MessageGroupId"),
	    .dedup = sqs_json_member(system, "MessageDeduplicationId"),
	    .number = sqs_json_member(system, "SequenceNumber"),
	};
	read_attributes(json_object_get(object, "MessageAttributes"), m);
	return m->id && m->receipt && m->body.data;
}

static void read_messages(json_t *list, bool ordered, struct sqs_received *r)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!(ordered && r->left_out) &&
		    read_message(json_array_get(list, i), &r->messages[r->count]))
			r->count++;
		else
			r->left_out++;
}

struct sqs_received *sqs_received_read(struct ow_text body, bool ordered, const char **why)
{
	struct sqs_received *r = alloc_zero(1, sizeof(*r));
	r->tree = sqs_json_read(body);
	json_t *list = json_object_get(r->tree, "Messages");
	*why = NULL;
	if (!r->tree)
		*why = "the answer is not a JSON object";
	else if (list && !json_is_null(list) && !json_is_array(list))
		*why = "`Messages` of the answer is not a list";
	else if (json_array_size(list) > SQS_BATCH_MAX)
		*why = "the answer has more messages than can be asked for";
	if (!*why) {
		read_messages(list, ordered, r);
		return r;
	}
	sqs_received_free(r);
	return NULL;
}

size_t sqs_received_left_out(const struct sqs_received *received)
{
	return received->left_out;
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
