#include "lib/door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

struct door {
	const struct ow_host *host;
	struct ow_instance *self;
	struct door_place place;
	ow_http_handler *received;
	void *arg;
	struct auth *auth; /* NULL: whoever can reach the listener may send */
	struct ow_counter *auth_failures;
	size_t unsettled;
	struct ow_op *drain; /* NULL unless draining */
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- requests ---- */

/* The reason is for the log: a sender who guesses is not told how near he came. */
static void refuse(struct door *d, struct ow_http_request *request, const char *reason)
{
	struct ow_text name = text("WWW-Authenticate"), challenge = auth_challenge(d->auth);
	d->host->count(d->auth_failures, 1);
	d->host->log(d->self, OW_LOG_WARNING, "a request was refused with 401: %s", reason);
	d->host->request_answer_with(
	    request, &(struct ow_http_answer){.size = sizeof(struct ow_http_answer),
			 .status = 401,
			 .content_type = text("application/json"),
			 .body = text("{\"detail\":\"Unauthorized\"}"),
			 .names = &name,
			 .values = &challenge,
			 .headers = challenge.len ? 1 : 0});
}

static void knocked(struct ow_http_request *request, void *arg)
{
	struct door *d = arg;
	const char *refusal = d->auth ? auth_refusal(d->auth, request) : NULL;
	if (refusal)
		refuse(d, request, refusal);
	else
		d->received(request, d->arg);
}

void door_emit(struct door *d, struct ow_event *event, struct ow_http_request *request)
{
	d->unsettled++;
	if (d->place.auth->mode == AUTH_HEADER)
		d->host->event_secret_header(event, d->place.auth->header);
	d->host->emit(d->self, event, request);
}

void door_settled(struct door *d)
{
	d->unsettled--;
	if (d->drain && d->unsettled == 0) {
		struct ow_op *drain = d->drain;
		d->drain = NULL;
		d->host->op_done(drain, OW_OK, NULL);
	}
}

/* ---- life ---- */

void door_free(struct door *d)
{
	if (!d)
		return;
	auth_free(d->auth);
	free(d);
}

static bool open_auth(struct door *d, const char **why)
{
	if (d->place.auth->mode == AUTH_NONE)
		return true;
	d->auth = auth_new(d->host, d->self, d->place.auth, why);
	d->auth_failures = d->host->counter(d->self, "auth_failures_total",
	    "Requests refused with 401.", NULL, (struct ow_text){NULL, 0});
	return d->auth != NULL;
}

struct door *door_new(const struct ow_host *host, struct ow_instance *self,
    const struct door_place *place, ow_http_handler *received, void *arg, const char **why)
{
	struct door *d = alloc_zero(1, sizeof(*d));
	d->host = host;
	d->self = self;
	d->place = *place;
	d->received = received;
	d->arg = arg;
	if (open_auth(d, why))
		return d;
	door_free(d);
	return NULL;
}

void door_start(struct door *d, struct ow_op *op)
{
	const char *why = NULL;
	char said[256];
	if (d->host->http_serve(d->self, d->place.listener, d->place.path, OW_HTTP_POST,
		knocked, d, &why) == 0) {
		d->host->op_done(op, OW_OK, NULL);
		return;
	}
	snprintf(said, sizeof(said), "path %s on listener %s: %s", d->place.path,
	    d->place.listener, why);
	d->host->op_done(op, OW_FAIL, said);
}

/* The listeners accept no more by now; what was received is answered first. */
void door_drain(struct door *d, struct ow_op *op)
{
	if (d->unsettled == 0)
		d->host->op_done(op, OW_OK, NULL);
	else
		d->drain = op;
}

/* ---- options ---- */

/* "/a" and "/a" with a slash and a star; what else has a star would look like more than it is.
 */
static bool star_is_last(const char *path)
{
	const char *star = strchr(path, '*');
	return !star || (star[1] == '\0' && star[-1] == '/');
}

void door_check(const struct door_place *place, const struct ow_report *report)
{
	if (place->path[0] != '/')
		report->complain(report, "path", "must begin with `/`: `/%s`", place->path);
	else if (strpbrk(place->path, "?# \t"))
		report->complain(report, "path",
		    "must be a path alone, without `?`, `#` or spaces: requests may have any "
		    "query");
	else if (!star_is_last(place->path))
		report->complain(report, "path",
		    "can have `*` only at its end, behind a `/`, as in `/webhook/*`");
	auth_options_check(place->auth, report);
}
