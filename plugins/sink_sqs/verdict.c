#include "sink_sqs/verdict.h"

#include <stdio.h>
#include <string.h>

#include "lib/sqs/body_md5.h"

#define JSON_TYPE "application/json"

static void say(struct verdict *v, enum ow_rc rc, const char *code, const char *why)
{
	v->delivery = (struct ow_delivery){
	    .size = sizeof(v->delivery), .rc = rc, .code = code, .why = why};
}

/*
 * SQS may have it. Sending it again is safe only where whoever receives it can
 * tell copies apart.
 */
static void say_unknown(
    struct verdict *v, const struct letter *l, const char *code, const char *why)
{
	say(v, l->keyed ? OW_UNKNOWN : OW_FAIL, code, why);
}

void verdict_refused(struct verdict *v, const char *why)
{
	say(v, OW_REJECT, "refused", why);
}

void verdict_busy(struct verdict *v)
{
	say(v, OW_RETRY, "busy", "pool.max_waiting messages wait to be sent already");
	v->delivery.busy = true;
}

void verdict_late(struct verdict *v, const struct letter *l, bool sent)
{
	if (sent)
		say_unknown(v, l, "timeout", "no answer of SQS in time");
	else
		say(v, OW_RETRY, "timeout", "not sent in time");
	v->delivery.timed_out = true;
}

bool verdict_queue_missing(const struct aws_result *result)
{
	return result->outcome == AWS_FAILED &&
	       (strcmp(result->code, "QueueDoesNotExist") == 0 ||
		   strcmp(result->code, "AWS.SimpleQueueService.NonExistentQueue") == 0);
}

void verdict_of_call(struct verdict *v, const struct letter *l, const struct aws_result *result)
{
	switch (result->outcome) {
	case AWS_THROTTLED:
		say(v, OW_RETRY, "throttled", result->why);
		break;
	case AWS_DENIED:
		say(v, OW_RETRY, "denied", result->why);
		break;
	case AWS_RETRY:
		if (result->status > 0)
			say(v, OW_RETRY, "error", result->why);
		else if (result->maybe_done)
			say_unknown(v, l, "broken", result->why);
		else
			say(v, OW_RETRY, "connect", result->why);
		break;
	default:
		if (verdict_queue_missing(result))
			say(v, OW_RETRY, "missing", result->why);
		else if (result->maybe_done)
			say_unknown(v, l, "protocol", result->why);
		else
			verdict_refused(v, result->why);
		break;
	}
	v->delivery.retry_after_ms = result->retry_after_ms;
}

void verdict_of_nonsense(struct verdict *v, const struct letter *l)
{
	say_unknown(v, l, "protocol", "SQS' answer is not that of a batch");
}

/* What the next ones are told as the sink's answer, where a route does that. */
static void note_result(struct verdict *v, const struct sqs_entry_result *entry)
{
	int len = 0;
	if (entry->id[0] && !strpbrk(entry->id, "\"\\"))
		len = snprintf(v->body, sizeof(v->body), "{\"MessageId\":\"%s\"}", entry->id);
	v->result = (struct ow_result){.size = sizeof(v->result),
	    .status = 200,
	    .content_type = {JSON_TYPE, len ? strlen(JSON_TYPE) : 0},
	    .body = {v->body, (size_t)len}};
	v->delivery.result = &v->result;
}

static void say_failed(struct verdict *v, enum ow_rc rc, const struct sqs_entry_result *entry)
{
	bool throttled = strstr(entry->code, "Throttl") != NULL;
	snprintf(v->why, sizeof(v->why), "SQS says %s%s%s",
	    entry->code[0] ? entry->code : "that it failed", entry->why[0] ? ": " : "",
	    entry->why);
	say(v, rc, rc == OW_REJECT ? "refused" : throttled ? "throttled" : "error", v->why);
}

void verdict_of_entry(
    struct verdict *v, const struct letter *l, const struct sqs_entry_result *entry)
{
	const char *md5 = entry->md5[0] ? entry->md5 : NULL;
	if (!entry->mentioned)
		say_unknown(v, l, "protocol", "SQS' answer does not mention the message");
	else if (entry->end == SQS_ENTRY_RETRY)
		say_failed(v, OW_RETRY, entry);
	else if (entry->end != SQS_ENTRY_OK)
		say_failed(v, OW_REJECT, entry);
	else if (!sqs_body_matches(l->body, md5))
		say_unknown(v, l, "damaged",
		    "SQS has another body than was sent (MD5OfMessageBody): what is in the "
		    "queue is damaged");
	else {
		say(v, OW_OK, "200", NULL);
		note_result(v, entry);
	}
}
