#include "sink_sqs/send_request.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/sqs/json_text.h"

#define TYPE_OF_TEXT "String"
#define ATTRIBUTES   3

struct attribute {
	const char *name;
	struct ow_text value; /* empty: it is not sent */
};

static void list_attributes(
    const struct letter_style *style, const struct letter *l, struct attribute list[ATTRIBUTES])
{
	list[0] = (struct attribute){SEND_TYPE, l->type};
	list[1] = (struct attribute){SEND_TRACE, l->trace};
	list[2] = (struct attribute){style->key_attribute, l->key};
}

size_t send_request_size(const struct letter_style *style, const struct letter *l)
{
	struct attribute list[ATTRIBUTES];
	size_t size = l->body.len;
	list_attributes(style, l, list);
	for (size_t i = 0; i < ATTRIBUTES; i++)
		if (list[i].value.len > 0)
			size += strlen(list[i].name) + strlen(TYPE_OF_TEXT) + list[i].value.len;
	return size;
}

static void put_text(json_t *object, const char *name, struct ow_text text)
{
	json_object_set_new(object, name, alloc_checked(json_stringn(text.data, text.len)));
}

static void put_attributes(
    json_t *entry, const struct letter_style *style, const struct letter *l)
{
	struct attribute list[ATTRIBUTES];
	json_t *all = NULL;
	list_attributes(style, l, list);
	for (size_t i = 0; i < ATTRIBUTES; i++) {
		if (list[i].value.len == 0)
			continue;
		all = all ? all : sqs_json_put_object(entry, "MessageAttributes");
		json_t *one = sqs_json_put_object(all, list[i].name);
		sqs_json_put(one, "DataType", TYPE_OF_TEXT);
		put_text(one, "StringValue", list[i].value);
	}
}

char *send_request_write(const struct letter_style *style, const char *queue_url,
    struct letter *const *letters, size_t count)
{
	json_t *object = sqs_json_request(queue_url),
	       *list = sqs_json_put_list(object, "Entries");
	for (size_t i = 0; i < count; i++) {
		const struct letter *l = letters[i];
		json_t *entry = sqs_json_add_entry(list);
		put_text(entry, "MessageBody", l->body);
		put_attributes(entry, style, l);
		if (l->group.len > 0)
			put_text(entry, "MessageGroupId", l->group);
		if (l->dedup.len > 0)
			put_text(entry, "MessageDeduplicationId", l->dedup);
	}
	return sqs_json_written(object);
}
