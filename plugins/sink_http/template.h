/*
 * A text with fields of the event in it, `/contacts/{/data/id}`, and the rules of
 * the place it is for, by which no value can be more than a value there.
 *
 * `{{` and `}}` are braces. Parsed once; rendered for each request.
 */
#ifndef SINK_HTTP_TEMPLATE_H
#define SINK_HTTP_TEMPLATE_H

#include "sink_http/field.h"

enum template_place {
	/*
	 * Path and query of a URL. All of a value but letters, digits and -._~ is
	 * percent-encoded (RFC 3986), so that it stays in its segment or its parameter. A
	 * segment with a field in it may not be empty, and not be, or decode to, a way to
	 * another one: `..`, also between slashes that are encoded.
	 */
	TEMPLATE_TARGET = 1,
	/* A header's value: UTF-8 without control characters. */
	TEMPLATE_HEADER,
	/* The inside of a JSON string. */
	TEMPLATE_STRING
};

/* Longest target or header value; a body has a bound of its own. */
#define TEMPLATE_LINE_MAX 8192

struct template_text;

/* What is wrong with a text, for check(). */
struct template_problem {
	size_t at;	  /* in the text, from 0 */
	const char *what; /* what and what to do; static, and shows nothing of the text */
};

/* NULL with *problem. text is copied. */
struct template_text *template_parse(
    const char *text, enum template_place place, struct template_problem *problem);
/* The same for people. text is what the problem's `at` counts in. */
void template_complain(const struct ow_report *report, const char *option, const char *text,
    const struct template_problem *problem);
/* In create(), before it is rendered. */
void template_bind(
    struct template_text *t, const struct ow_host *host, struct ow_instance *self);
void template_free(struct template_text *t); /* NULL is fine */

/* True if there is a field in it: without, it is the same for every event. */
bool template_has_fields(const struct template_text *t);
/* The field that is all of it; NULL: there is more, or less. Belongs to the template. */
const struct field *template_only_field(const struct template_text *t);

/* Adds it with the event's values. False: this event cannot be sent. */
bool template_render(const struct template_text *t, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal);

#endif
