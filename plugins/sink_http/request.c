#include "sink_http/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"

#define FIXED_HEADERS 3 /* Content-Type, Idempotency-Key, traceparent */

struct request_form {
	const struct ow_host *host;
	const struct sink_conf *conf;
	char *target;		/* path and query of the URL; owned */
	bool sets_content_type; /* headers has one: the event's own is not passed on */
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- rules ---- */

static bool is_token(const char *s)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return s[0] && s[strspn(s, allowed)] == '\0';
}

/* Fields the client writes itself: a second one would make the request ambiguous. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = {"Host", "Content-Length", "Transfer-Encoding",
	    "Connection", "Expect", "Upgrade", "TE", "Trailer"};
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return true;
	return false;
}

static void check_headers(const struct sink_conf *c, const struct ow_report *report)
{
	for (size_t i = 0; i < c->headers.count; i++) {
		const char *name = c->headers.names[i];
		if (!is_token(name))
			report->complain(report, "headers", "`%s` is not a header name", name);
		else if (is_reserved(name))
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strcasecmp(name, c->idempotency_header) == 0 ||
			 strcasecmp(name, "traceparent") == 0)
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strpbrk(c->headers.values[i], "\r\n"))
			report->complain(
			    report, "headers", "`%s` has a line break in its value", name);
	}
}

void request_check(const struct sink_conf *conf, const struct ow_report *report)
{
	check_headers(conf, report);
	if (!is_token(conf->method))
		report->complain(report, "method", "`%s` is not an HTTP method", conf->method);
	if (conf->idempotency_header[0] &&
	    (!is_token(conf->idempotency_header) || is_reserved(conf->idempotency_header)))
		report->complain(report, "idempotency_header",
		    "`%s` cannot be used as a header", conf->idempotency_header);
}

/* ---- the form ---- */

/* Path and query of a URL that the option's type has checked. */
static char *target_of(const char *url)
{
	const char *at = strstr(url, "://") + 3;
	at += strcspn(at, "/?");
	bool slash = at[0] == '/';
	char *target = alloc_bytes(strlen(at) + 2);
	target[0] = '/';
	strcpy(target + !slash, at);
	return target;
}

struct request_form *request_form_new(const struct ow_host *host, const struct sink_conf *conf)
{
	struct request_form *form = alloc_zero(1, sizeof(*form));
	form->host = host;
	form->conf = conf;
	form->target = target_of(conf->url);
	for (size_t i = 0; i < conf->headers.count; i++)
		if (strcasecmp(conf->headers.names[i], "Content-Type") == 0)
			form->sets_content_type = true;
	return form;
}

void request_form_free(struct request_form *form)
{
	if (!form)
		return;
	free(form->target);
	free(form);
}

/* ---- a request ---- */

static size_t header_room(const struct request_form *form)
{
	return form->conf->headers.count + FIXED_HEADERS + REQUEST_MORE_HEADERS;
}

struct request *request_new(const struct request_form *form)
{
	size_t room = header_room(form);
	struct request *request =
	    alloc_zero(1, sizeof(*request) + 2 * room * sizeof(struct ow_text));
	request->form = form;
	request->names = (struct ow_text *)(request + 1);
	request->values = request->names + room;
	return request;
}

void request_free(struct request *request)
{
	free(request);
}

void request_add_header(struct request *request, struct ow_text name, struct ow_text value)
{
	size_t i = request->outgoing.headers++;
	assert(i < header_room(request->form));
	request->names[i] = name;
	request->values[i] = value;
}

static void add_headers(
    struct request *request, const struct ow_event *event, const struct ow_attempt *attempt)
{
	const struct request_form *form = request->form;
	const struct ow_pairs *own = &form->conf->headers;
	struct ow_text type = form->host->event_header(event, "Content-Type");
	for (size_t i = 0; i < own->count; i++)
		request_add_header(request, text(own->names[i]), text(own->values[i]));
	if (!form->sets_content_type)
		request_add_header(
		    request, text("Content-Type"), type.data ? type : text("application/json"));
	if (request->outgoing.repeatable)
		request_add_header(request, text(form->conf->idempotency_header), attempt->key);
	if (attempt->traceparent.len)
		request_add_header(request, text("traceparent"), attempt->traceparent);
}

void request_build(
    struct request *request, const struct ow_event *event, const struct ow_attempt *attempt)
{
	const struct request_form *form = request->form;
	request->outgoing = (struct ow_http_outgoing){.size = sizeof(request->outgoing),
	    .method = form->conf->method,
	    .target = text(form->target),
	    .names = request->names,
	    .values = request->values,
	    .body = form->host->event_body(event),
	    /* The Idempotency-Key makes a second copy harmless. What is passed without
	     * dedup may have none. */
	    .repeatable = form->conf->idempotency_header[0] != '\0' && attempt->key.len > 0,
	    .total_ms = attempt->limit_ms};
	add_headers(request, event, attempt);
}
