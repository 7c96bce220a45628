#include "sink_http/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/http_date.h"

bool retry_on_read(struct retry_on *on, const char *item)
{
	if (strcmp(item, "connect") == 0)
		on->connect = true;
	else if (strcmp(item, "timeout") == 0)
		on->timeout = true;
	else if (strlen(item) == 3 && strspn(item, "0123456789") == 3 && item[0] >= '3' &&
		 item[0] <= '5')
		on->status[strtol(item, NULL, 10)] = true;
	else
		return false;
	return true;
}

static bool has_name(struct ow_text t, const char *name)
{
	return t.len == strlen(name) && strncasecmp(t.data, name, t.len) == 0;
}

static struct ow_text response_header(const struct ow_http_response *r, const char *name)
{
	for (size_t i = 0; i < r->headers; i++)
		if (has_name(r->names[i], name))
			return r->values[i];
	return (struct ow_text){NULL, 0};
}

/* What counts the attempt. A status has three digits: the HTTP client sees to that. */
static void status_text(int status, char out[4])
{
	out[0] = (char)('0' + status / 100);
	out[1] = (char)('0' + status / 10 % 10);
	out[2] = (char)('0' + status % 10);
	out[3] = '\0';
}

static void judge_status(struct answer *answer, const struct retry_on *on,
    const struct ow_http_response *r, int64_t wall_ms)
{
	struct ow_delivery *d = &answer->delivery;
	status_text(r->status, answer->code);
	d->code = answer->code;
	answer->health = r->status < 500 ? HEALTH_SOUND : HEALTH_ILL;
	answer->result = (struct ow_result){.size = sizeof(answer->result),
	    .status = r->status,
	    .content_type = response_header(r, "Content-Type"),
	    .body = r->body};
	d->result = &answer->result;
	if (r->status >= 200 && r->status <= 299) {
		d->rc = OW_OK;
		return;
	}
	snprintf(answer->why, sizeof(answer->why), "the sink answered %d", r->status);
	d->why = answer->why;
	d->retry_after_ms = http_retry_after_ms(response_header(r, "Retry-After"), wall_ms);
	if (r->status <= ANSWER_STATUS_MAX && on->status[r->status])
		d->rc = OW_RETRY;
	else
		d->rc = r->status < 500 ? OW_REJECT : OW_FAIL;
}

/*
 * No answer. If the request may have arrived, sending it again is safe only
 * where the receiver can tell copies apart.
 */
static enum ow_rc lost(bool maybe_received, bool repeatable)
{
	if (!maybe_received)
		return OW_RETRY;
	return repeatable ? OW_UNKNOWN : OW_FAIL;
}

static void judge_failure(struct answer *answer, const struct retry_on *on,
    const struct ow_http_response *r, bool repeatable)
{
	struct ow_delivery *d = &answer->delivery;
	answer->health = HEALTH_ILL;
	d->why = r->why;
	d->timed_out = r->end == OW_HTTP_TIMEOUT;
	d->busy = r->end == OW_HTTP_POOL_FULL;
	switch (r->end) {
	case OW_HTTP_POOL_FULL:
		d->rc = OW_RETRY;
		answer->health = HEALTH_UNKNOWN;
		d->code = "busy";
		return;
	case OW_HTTP_RESOLVE:
	case OW_HTTP_CONNECT:
		d->rc = on->connect ? OW_RETRY : OW_FAIL;
		d->code = "connect";
		return;
	case OW_HTTP_TIMEOUT:
		d->code = "timeout";
		d->rc = on->timeout ? lost(r->maybe_received, repeatable) : OW_FAIL;
		return;
	case OW_HTTP_PROTOCOL:
		d->code = "protocol";
		/* Not sent: the request itself is no good, and will not be later. */
		d->rc = r->maybe_received ? lost(true, repeatable) : OW_FAIL;
		answer->health = r->maybe_received ? HEALTH_ILL : HEALTH_UNKNOWN;
		return;
	default:
		d->code = "broken";
		d->rc = lost(r->maybe_received, repeatable);
		return;
	}
}

void answer_judge(struct answer *answer, const struct retry_on *on,
    const struct ow_http_response *response, bool repeatable, int64_t wall_ms)
{
	answer->delivery = (struct ow_delivery){.size = sizeof(answer->delivery)};
	answer->health = HEALTH_UNKNOWN;
	if (response->end == OW_HTTP_ANSWERED)
		judge_status(answer, on, response, wall_ms);
	else
		judge_failure(answer, on, response, repeatable);
}

static void judge_unsent(struct answer *answer, const struct outbound_result *result)
{
	*answer = (struct answer){.delivery = {.size = sizeof(answer->delivery),
				      .rc = OW_RETRY,
				      .why = result->why,
				      .code = result->busy ? "busy" : "credentials",
				      .retry_after_ms = result->retry_after_ms,
				      .timed_out = result->timed_out,
				      .busy = result->busy}};
}

void answer_result(struct answer *answer, const struct retry_on *on,
    const struct outbound_result *result, bool repeatable, int64_t wall_ms)
{
	if (!result->response) {
		judge_unsent(answer, result);
		return;
	}
	answer_judge(answer, on, result->response, repeatable, wall_ms);
	if (result->stale)
		answer->delivery.rc = OW_RETRY;
}

void answer_cancelled(
    struct answer *answer, const struct retry_on *on, bool maybe_received, bool repeatable)
{
	answer->delivery = (struct ow_delivery){.size = sizeof(answer->delivery),
	    .rc = on->timeout ? lost(maybe_received, repeatable) : OW_FAIL,
	    .code = "timeout",
	    .timed_out = true,
	    .why = "no answer in time"};
	answer->health = HEALTH_ILL;
}
