#include "route/verdict.h"

#include <stdio.h>

#include "base/text.h"
#include "plugin/event.h"

#define JSON_TYPE "application/json"

void verdict_words(const struct verdict *v, char out[VERDICT_WORDS_SIZE])
{
	bool detailed = v->detail && v->detail[0] && strcmp(v->detail, v->why) != 0;
	snprintf(out, VERDICT_WORDS_SIZE, "%s%s%s", v->why, detailed ? ": " : "",
	    detailed ? v->detail : "");
}

/* The sink has it, by this event or by an earlier one of the same key; or will have it. */
static bool is_good(const struct verdict *v)
{
	return v->outcome == OW_DELIVERED || v->outcome == OW_PASSED ||
	       v->outcome == OW_ACCEPTED || (v->outcome == OW_DUPLICATE && !v->kept_failure);
}

/* Passed without dedup is delivered too: the source need not know the difference. */
static enum ow_outcome told_outcome(const struct verdict *v)
{
	return v->outcome == OW_PASSED ? OW_DELIVERED : v->outcome;
}

/* {"status":"delivered","key":"..."} or {"status":"failed","error":"..."} */
static void plain_reply(const struct verdict *v, struct ow_reply *reply)
{
	bool good = is_good(v);
	reply->content_type = JSON_TYPE;
	buf_clear(&reply->body);
	buf_add_string(&reply->body, "{\"status\":\"");
	buf_add_string(&reply->body, outcome_name(told_outcome(v)));
	buf_add_string(&reply->body, "\"");
	if (!good || reply->key->full.data) {
		buf_add_string(&reply->body, good ? ",\"key\":" : ",\"error\":");
		buf_add_json(&reply->body, good ? key_text(reply->key) : text_of(v->why));
	}
	buf_add_char(&reply->body, '}');
}

/* A copy that waited was not delivered before: it gets what the first one got. */
static bool is_replayed(const struct verdict *v, const struct route *route)
{
	return v->waited || route->parts.policy->on_duplicate == ON_DUPLICATE_REPLAY;
}

/* Keyers know the outcomes of the first minor; for the later ones they are told the nearest. */
static enum ow_outcome keyer_outcome(const struct verdict *v)
{
	if (v->kept_failure)
		return OW_FAILED;
	if (v->outcome == OW_MISSING_KEY)
		return OW_INVALID;
	/* Its key was found: what keyers say of invalid events would be about that. */
	if (v->outcome == OW_UNSURE || (v->outcome == OW_INVALID && v->refused))
		return OW_FAILED;
	if (v->outcome == OW_ACCEPTED)
		return OW_DELIVERED;
	return v->outcome == OW_MISMATCH ? OW_REJECTED : told_outcome(v);
}

static void vendor_reply(const struct verdict *v, const struct route *route,
    const struct ow_event *event, struct ow_reply *reply)
{
	bool replay = is_replayed(v, route);
	struct ow_reply_request request = {.size = sizeof(request),
	    .outcome = keyer_outcome(v),
	    .status = v->status,
	    .why = v->why,
	    .key = key_text(reply->key),
	    .result = v->outcome == OW_DUPLICATE && !replay ? NULL : v->result,
	    .waited = v->waited,
	    .store_failed = v->store_failed};
	/* What is not JSON can only have been delivered by a dry run: no keyer expects it. */
	bool strange =
	    v->outcome == OW_PASSED && !event_is_json(event, &(struct json_error){0});
	if (route->keyer->reply && !strange)
		route->keyer->reply(instance_state(route->parts.keyer), event, &request, reply);
}

/* The sink's own answer, also to duplicates unless they are only to be acknowledged. */
static bool sink_reply(
    const struct verdict *v, const struct route *route, struct ow_settlement *settlement)
{
	if (!v->result || v->kept_failure || v->result->status < 200 || v->result->status > 599)
		return false;
	if (told_outcome(v) != OW_DELIVERED &&
	    !(v->outcome == OW_DUPLICATE && is_replayed(v, route)))
		return false;
	settlement->status = v->result->status;
	settlement->content_type = v->result->content_type;
	settlement->body = v->result->body;
	return true;
}

void verdict_reply(const struct verdict *v, const struct route *route,
    const struct ow_event *event, const struct ow_key *key, struct ow_reply *reply,
    struct ow_settlement *settlement)
{
	int respond = route ? route->parts.policy->respond : RESPOND_PLAIN;
	/* In its own words a vendor would say that the event is to come again. */
	reply_init(reply, key, v->dead ? 202 : v->status);
	*settlement = (struct ow_settlement){.size = sizeof(*settlement),
	    .outcome = v->outcome,
	    .acknowledge = is_good(v) || v->dead,
	    .retry_after_ms = v->dead ? 0 : v->retry_after_ms,
	    .result = v->dead ? NULL : v->result,
	    .why = v->why};
	if (respond == RESPOND_SINK && sink_reply(v, route, settlement))
		return;
	if (respond == RESPOND_VENDOR && !v->dead)
		vendor_reply(v, route, event, reply);
	if (!reply->begun)
		plain_reply(v, reply);
	settlement->status = reply->status;
	settlement->content_type = text_of(reply->content_type);
	settlement->body = buf_text(&reply->body);
}
