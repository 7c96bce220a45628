#include "sink_http/request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/field_text.h"
#include "lib/uri.h"
#include "sink_http/mapping.h"
#include "sink_http/template.h"

#define FIXED_HEADERS 3 /* Content-Type, Idempotency-Key, traceparent */

/* More than that of a body is given back after its request. */
#define KEPT_MAX 65536

struct request_form {
	const struct ow_host *host;
	const struct sink_conf *conf;
	struct template_text *target;	/* path and query of the URL */
	struct template_text **headers; /* the values of conf's, in their order */
	struct mapping *body;		/* NULL: the event's */
	struct field *required;		/* conf's, in their order */
	bool sets_content_type;		/* headers has one: the event's own is not passed on */
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- rules ---- */

static void check_template(const struct ow_report *report, const char *option, const char *text,
    size_t from, enum template_place place)
{
	struct template_problem problem;
	struct template_text *t = template_parse(text + from, place, &problem);
	problem.at += from;
	if (!t)
		template_complain(report, option, text, &problem);
	template_free(t);
}

/* Where path and query begin in a URL that the option's type has checked. */
static size_t target_at(const char *url)
{
	const char *authority = strstr(url, "://") + 3;
	return (size_t)(authority - url) + strcspn(authority, "/?");
}

/* A token has no slash, so of a JSON pointer's characters only the tilde is special. */
static void check_value(const char *name, const char *value, const struct ow_report *report)
{
	struct draft option = DRAFT_EMPTY;
	draft_string(&option, "headers/");
	for (; *name; name++)
		draft_printf(&option, *name == '~' ? "~0" : "%c", *name);
	check_template(report, draft_text(&option), value, 0, TEMPLATE_HEADER);
	draft_free(&option);
}

static void check_headers(const struct sink_conf *c, const struct ow_report *report)
{
	for (size_t i = 0; i < c->headers.count; i++) {
		const char *name = c->headers.names[i];
		if (!field_is_name(name))
			report->complain(report, "headers", "`%s` is not a header name", name);
		else if (field_is_reserved(name))
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strcasecmp(name, c->idempotency_header) == 0 ||
			 strcasecmp(name, "traceparent") == 0)
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strpbrk(c->headers.values[i], "\r\n"))
			report->complain(
			    report, "headers", "`%s` has a line break in its value", name);
		else
			check_value(name, c->headers.values[i], report);
	}
}

static void check_required(const struct sink_conf *c, const struct ow_report *report)
{
	for (size_t i = 0; i < c->require.count; i++) {
		char option[40];
		const char *item = c->require.items[i];
		struct field field;
		const char *problem = field_parse(text(item), &field);
		snprintf(option, sizeof(option), "require/%zu", i);
		if (problem)
			report->complain(report, option,
			    "must be a JSON pointer such as /data/contactId, or "
			    "header:X-Name, not `%s`",
			    item);
		else if (field.fallback)
			report->complain(
			    report, option, "has a default: what is required needs none");
		if (!problem)
			field_fini(&field);
	}
}

void request_check(const struct sink_conf *conf, const struct ow_report *report)
{
	check_template(report, "url", conf->url, target_at(conf->url), TEMPLATE_TARGET);
	check_headers(conf, report);
	check_required(conf, report);
	if (conf->body)
		mapping_check(conf->body, report);
	if (!field_is_name(conf->method))
		report->complain(report, "method", "`%s` is not an HTTP method", conf->method);
	if (conf->idempotency_header[0] && (!field_is_name(conf->idempotency_header) ||
					       field_is_reserved(conf->idempotency_header)))
		report->complain(report, "idempotency_header",
		    "`%s` cannot be used as a header", conf->idempotency_header);
}

/* ---- the form ---- */

/* text was checked. */
static struct template_text *make_template(const struct request_form *form,
    struct ow_instance *self, const char *text, enum template_place place)
{
	struct template_problem problem;
	struct template_text *made = template_parse(text, place, &problem);
	assert(made);
	template_bind(made, form->host, self);
	return made;
}

static struct template_text *make_target(struct request_form *form, struct ow_instance *self)
{
	const char *url = form->conf->url;
	struct draft target = DRAFT_EMPTY;
	if (url[target_at(url)] != '/')
		draft_char(&target, '/');
	draft_string(&target, url + target_at(url));
	struct template_text *made =
	    make_template(form, self, draft_text(&target), TEMPLATE_TARGET);
	draft_free(&target);
	return made;
}

static void make_headers(struct request_form *form, struct ow_instance *self)
{
	const struct ow_pairs *own = &form->conf->headers;
	form->headers = alloc_zero(own->count + 1, sizeof(*form->headers));
	for (size_t i = 0; i < own->count; i++) {
		form->headers[i] = make_template(form, self, own->values[i], TEMPLATE_HEADER);
		if (strcasecmp(own->names[i], "Content-Type") == 0)
			form->sets_content_type = true;
	}
}

static void make_required(struct request_form *form, struct ow_instance *self)
{
	const struct ow_list *required = &form->conf->require;
	form->required = alloc_zero(required->count + 1, sizeof(*form->required));
	for (size_t i = 0; i < required->count; i++) {
		field_parse(text(required->items[i]), &form->required[i]);
		field_bind(&form->required[i], form->host, self);
	}
}

struct request_form *request_form_new(
    const struct ow_host *host, struct ow_instance *self, const struct sink_conf *conf)
{
	struct request_form *form = alloc_zero(1, sizeof(*form));
	form->host = host;
	form->conf = conf;
	form->target = make_target(form, self);
	form->body = conf->body ? mapping_new(conf->body, host, self) : NULL;
	make_headers(form, self);
	make_required(form, self);
	return form;
}

void request_form_free(struct request_form *form)
{
	if (!form)
		return;
	for (size_t i = 0; i < form->conf->headers.count; i++)
		template_free(form->headers[i]);
	for (size_t i = 0; i < form->conf->require.count; i++)
		field_fini(&form->required[i]);
	template_free(form->target);
	mapping_free(form->body);
	free(form->headers);
	free(form->required);
	free(form);
}

/* ---- a request ---- */

static size_t header_room(const struct request_form *form)
{
	return form->conf->headers.count + FIXED_HEADERS;
}

struct request *request_new(const struct request_form *form)
{
	size_t room = header_room(form);
	struct request *request =
	    alloc_zero(1, sizeof(*request) + 2 * room * sizeof(struct ow_text));
	request->form = form;
	request->names = (struct ow_text *)(request + 1);
	request->values = request->names + room;
	request->lines = alloc_zero(form->conf->headers.count + 1, sizeof(*request->lines));
	return request;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	for (size_t i = 0; i < request->form->conf->headers.count; i++)
		draft_free(&request->lines[i]);
	draft_free(&request->escaped_key);
	draft_free(&request->target);
	draft_free(&request->body);
	free(request->lines);
	free(request);
}

void request_ended(struct request *request)
{
	if (request->body.size > KEPT_MAX)
		draft_free(&request->body);
}

static void add_header(struct request *request, struct ow_text name, struct ow_text value)
{
	size_t i = request->outgoing.headers++;
	assert(i < header_room(request->form));
	request->names[i] = name;
	request->values[i] = value;
}

static struct ow_text written(const struct draft *d)
{
	return (struct ow_text){draft_text(d), d->len};
}

/* What is the same for every event is written once. */
static bool fill(const struct template_text *t, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal)
{
	if (out->len > 0 && !template_has_fields(t))
		return true;
	draft_clear(out);
	return template_render(t, occasion, out, refusal);
}

static bool check_presence(
    const struct request_form *form, const struct occasion *occasion, struct refusal *refusal)
{
	for (size_t i = 0; i < form->conf->require.count; i++)
		if (!field_is_there(&form->required[i], occasion))
			return refuse(refusal, "%s is missing", form->required[i].name);
	return true;
}

static bool add_own_headers(
    struct request *request, const struct occasion *occasion, struct refusal *refusal)
{
	const struct request_form *form = request->form;
	const struct ow_pairs *own = &form->conf->headers;
	for (size_t i = 0; i < own->count; i++) {
		if (!fill(form->headers[i], occasion, &request->lines[i], refusal))
			return false;
		add_header(request, text(own->names[i]), written(&request->lines[i]));
	}
	return true;
}

static void add_fixed_headers(struct request *request, const struct occasion *occasion)
{
	const struct request_form *form = request->form;
	struct ow_text type = form->host->event_header(occasion->event, "Content-Type");
	if (form->body || !type.data)
		type = text("application/json");
	if (!form->sets_content_type)
		add_header(request, text("Content-Type"), type);
	if (request->outgoing.repeatable)
		add_header(request, text(form->conf->idempotency_header), request->key);
	if (occasion->attempt->traceparent.len)
		add_header(request, text("traceparent"), occasion->attempt->traceparent);
}

/* A control character could end a header, and what surrounds a value is no part of it. */
static bool fits_header(struct ow_text t)
{
	if (t.len > 0 && (t.data[0] == ' ' || t.data[t.len - 1] == ' '))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.data[i] < ' ' || t.data[i] == 0x7f)
			return false;
	return true;
}

/* Keys are made of what vendors send. */
static void set_key(struct request *request, struct ow_text key)
{
	request->key = key;
	if (fits_header(key))
		return;
	draft_clear(&request->escaped_key);
	uri_escape(&request->escaped_key, key);
	request->key = written(&request->escaped_key);
}

static bool add_body(
    struct request *request, const struct occasion *occasion, struct refusal *refusal)
{
	const struct request_form *form = request->form;
	if (!form->body) {
		request->outgoing.body = form->host->event_body(occasion->event);
		return true;
	}
	draft_clear(&request->body);
	bool good = mapping_render(
	    form->body, occasion, (size_t)form->conf->max_body, &request->body, refusal);
	request->outgoing.body = written(&request->body);
	return good;
}

bool request_build(struct request *request, const struct ow_event *event,
    const struct ow_attempt *attempt, struct refusal *refusal)
{
	const struct request_form *form = request->form;
	const struct occasion occasion = {form->host, event, attempt};
	request->outgoing = (struct ow_http_outgoing){.size = sizeof(request->outgoing),
	    .method = form->conf->method,
	    .names = request->names,
	    .values = request->values,
	    /* The Idempotency-Key makes a second copy harmless. What is passed without
	     * dedup may have none. */
	    .repeatable = form->conf->idempotency_header[0] != '\0' && attempt->key.len > 0,
	    .total_ms = attempt->limit_ms};
	if (!check_presence(form, &occasion, refusal) ||
	    !fill(form->target, &occasion, &request->target, refusal) ||
	    !add_own_headers(request, &occasion, refusal) ||
	    !add_body(request, &occasion, refusal))
		return false;
	request->outgoing.target = written(&request->target);
	set_key(request, attempt->key);
	add_fixed_headers(request, &occasion);
	return true;
}
