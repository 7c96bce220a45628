#include "source_sqs/unwrap.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

/* ASCII, so that its bytes are the same in every JSON text that anybody writes. */
#define SNS_MEMBER "\"TopicArn\""

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Numbers are of no interest here, so one too large for jansson's integers is no fault. */
static json_t *read_tree(struct ow_text body)
{
	return json_loadb(body.data, body.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

static bool is_envelope(const json_t *tree)
{
	const char *type = member(tree, "Type");
	return type && strcmp(type, "Notification") == 0 && member(tree, "TopicArn") &&
	       member(tree, "Message");
}

/* Null stays null. */
static char *copied(const char *text)
{
	return text ? alloc_checked(strdup(text)) : NULL;
}

static void take_out(const json_t *envelope, struct unwrapped *out)
{
	const json_t *message = json_object_get(envelope, "Message");
	out->body.len = json_string_length(message);
	out->owned = alloc_bytes(out->body.len + 1);
	memcpy(out->owned, json_string_value(message), out->body.len);
	out->body.data = out->owned;
	out->topic = copied(member(envelope, "TopicArn"));
	out->sns_id = copied(member(envelope, "MessageId"));
}

/*
 * Only what can be an envelope is read as a tree. What is not JSON is nobody's
 * envelope; the engine says so.
 */
static bool take_out_of_envelope(struct ow_text body, struct unwrapped *out)
{
	if (!memmem(body.data, body.len, SNS_MEMBER, strlen(SNS_MEMBER)))
		return false;
	json_t *tree = read_tree(body);
	bool is = is_envelope(tree);
	if (is)
		take_out(tree, out);
	json_decref(tree);
	return is;
}

/* The members that EventBridge always sends and that an event is chosen by. */
static bool is_eventbridge(struct ow_text body)
{
	json_t *tree = read_tree(body);
	bool is = member(tree, "source") && member(tree, "detail-type") &&
		  json_is_object(json_object_get(tree, "detail"));
	json_decref(tree);
	return is;
}

const char *unwrap(enum unwrap_mode mode, struct ow_text body, struct unwrapped *out)
{
	*out = (struct unwrapped){.body = body};
	switch (mode) {
	case UNWRAP_RAW:
		return NULL;
	case UNWRAP_EVENTBRIDGE:
		return is_eventbridge(body) ? NULL
					    : "its body is not an EventBridge event (source, "
					      "detail-type, detail)";
	case UNWRAP_SNS:
		return take_out_of_envelope(body, out)
			   ? NULL
			   : "its body is not an SNS envelope (Type, TopicArn, Message)";
	default:
		take_out_of_envelope(body, out);
		return NULL;
	}
}

void unwrapped_fini(struct unwrapped *unwrapped)
{
	free(unwrapped->owned);
	free(unwrapped->topic);
	free(unwrapped->sns_id);
}
