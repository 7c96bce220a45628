#include "lib/sqs/json_text.h"

#include <stdio.h>

#include "lib/alloc.h"

json_t *sqs_json_request(const char *queue_url)
{
	json_t *object = alloc_checked(json_object());
	sqs_json_put(object, "QueueUrl", queue_url);
	return object;
}

void sqs_json_put(json_t *object, const char *name, const char *value)
{
	json_object_set_new(object, name, alloc_checked(json_string(value)));
}

void sqs_json_put_number(json_t *object, const char *name, int64_t value)
{
	json_object_set_new(object, name, alloc_checked(json_integer(value)));
}

json_t *sqs_json_put_list(json_t *object, const char *name)
{
	json_t *list = alloc_checked(json_array());
	json_object_set_new(object, name, list);
	return list;
}

json_t *sqs_json_put_object(json_t *object, const char *name)
{
	json_t *member = alloc_checked(json_object());
	json_object_set_new(object, name, member);
	return member;
}

json_t *sqs_json_add_entry(json_t *list)
{
	json_t *entry = alloc_checked(json_object());
	char id[24];
	snprintf(id, sizeof(id), "%zu", json_array_size(list));
	sqs_json_put(entry, "Id", id);
	json_array_append_new(list, entry);
	return entry;
}

char *sqs_json_written(json_t *object)
{
	char *text = alloc_checked(json_dumps(object, JSON_COMPACT));
	json_decref(object);
	return text;
}

/* A NUL is no character of a message: a text with one is cut short there, and so refused. */
json_t *sqs_json_read(struct ow_text body)
{
	json_t *tree = json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL);
	if (tree && !json_is_object(tree)) {
		json_decref(tree);
		tree = NULL;
	}
	return tree;
}

const char *sqs_json_member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
