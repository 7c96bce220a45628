#include "source_eventbridge/invocation.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/base64.h"

/* ---- what comes ---- */

static struct ow_text header(const struct ow_http_response *response, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < response->headers; i++)
		if (response->names[i].len == len &&
		    strncasecmp(response->names[i].data, name, len) == 0)
			return response->values[i];
	return (struct ow_text){"", 0};
}

/* It becomes part of a path: a UUID in Lambda itself, whatever else in an emulator. */
static bool is_id(struct ow_text t)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.~";
	for (size_t i = 0; i < t.len; i++)
		if (!t.data[i] || !strchr(plain, t.data[i]))
			return false;
	return t.len > 0 && t.len <= INVOCATION_ID_MAX;
}

/* Milliseconds since 1970; 0: that is not what it is. */
static int64_t read_ms(struct ow_text t)
{
	int64_t ms = 0;
	if (t.len > 15)
		return 0;
	for (size_t i = 0; i < t.len; i++) {
		if (t.data[i] < '0' || t.data[i] > '9')
			return 0;
		ms = ms * 10 + (t.data[i] - '0');
	}
	return ms;
}

bool invocation_read(const struct ow_http_response *response, struct invocation *invocation)
{
	invocation->id = header(response, "Lambda-Runtime-Aws-Request-Id");
	invocation->deadline_ms = read_ms(header(response, "Lambda-Runtime-Deadline-Ms"));
	invocation->trace = header(response, "Lambda-Runtime-Trace-Id");
	return is_id(invocation->id);
}

/* ---- traces ---- */

/* The value of `name` in "Root=...;Parent=...;Sampled=1". */
static struct ow_text part(struct ow_text trace, const char *name)
{
	size_t len = strlen(name);
	while (trace.len) {
		const char *end = memchr(trace.data, ';', trace.len);
		size_t size = end ? (size_t)(end - trace.data) : trace.len;
		if (size > len && trace.data[len] == '=' && memcmp(trace.data, name, len) == 0)
			return (struct ow_text){trace.data + len + 1, size - len - 1};
		size += end != NULL;
		trace.data += size;
		trace.len -= size;
	}
	return (struct ow_text){"", 0};
}

static bool is_hex(const char *digits, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!digits[i] || !strchr("0123456789abcdef", digits[i]))
			return false;
	return true;
}

/* "1-" and 8 hex digits of its time, "-" and 24 of its own. */
enum {
	ROOT_TIME = 8,
	ROOT_OWN = 24,
	ROOT_SIZE = 2 + ROOT_TIME + 1 + ROOT_OWN,
	PARENT_SIZE = 16
};

bool invocation_traceparent(struct ow_text trace, char traceparent[INVOCATION_TRACEPARENT_SIZE])
{
	struct ow_text root = part(trace, "Root"), parent = part(trace, "Parent"),
		       sampled = part(trace, "Sampled");
	if (root.len != ROOT_SIZE || memcmp(root.data, "1-", 2) != 0 ||
	    parent.len != PARENT_SIZE || !is_hex(parent.data, PARENT_SIZE))
		return false;
	const char *time = root.data + 2, *own = time + ROOT_TIME + 1;
	if (!is_hex(time, ROOT_TIME) || time[ROOT_TIME] != '-' || !is_hex(own, ROOT_OWN))
		return false;
	snprintf(traceparent, INVOCATION_TRACEPARENT_SIZE, "00-%.*s%.*s-%.*s-%s", ROOT_TIME,
	    time, ROOT_OWN, own, PARENT_SIZE, parent.data,
	    sampled.len == 1 && sampled.data[0] == '1' ? "01" : "00");
	return true;
}

/* ---- what goes ---- */

/* Takes over the object. */
static char *written(json_t *object)
{
	char *text = alloc_checked(json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII));
	json_decref(object);
	return text;
}

static json_t *base64_of(struct ow_text body)
{
	char *encoded = alloc_bytes(BASE64_SIZE(body.len) + 1);
	base64_encode(body.data, body.len, encoded);
	json_t *string = alloc_checked(json_stringn(encoded, BASE64_SIZE(body.len)));
	free(encoded);
	return string;
}

char *invocation_answer(int status, struct ow_text body)
{
	json_t *object = alloc_checked(json_object());
	json_t *string = json_stringn(body.len ? body.data : "", body.len);
	json_object_set_new(object, "statusCode", alloc_checked(json_integer(status)));
	json_object_set_new(object, "body", string ? string : base64_of(body));
	if (!string)
		json_object_set_new(object, "isBase64Encoded", json_true());
	return written(object);
}

char *invocation_error(const char *type, const char *message)
{
	json_t *object = alloc_checked(json_object());
	json_t *string = json_string(message);
	json_object_set_new(object, "errorMessage",
	    alloc_checked(string ? string : json_string("not UTF-8; see the log")));
	json_object_set_new(object, "errorType", alloc_checked(json_string(type)));
	json_object_set_new(object, "stackTrace", alloc_checked(json_array()));
	return written(object);
}
