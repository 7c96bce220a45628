/*
 * A field of a template: what stands between its braces, and the value it has in
 * an event.
 *
 *	{/data/contactId}	a JSON pointer (RFC 6901) into the event
 *	{body}			the whole event
 *	{key} {trace} {source}	prefix + key; the trace id; the source's name
 *	{header:X-Name}		a header of the event
 *	{...:-text}		any of them, and what to take where there is none
 */
#ifndef SINK_HTTP_FIELD_H
#define SINK_HTTP_FIELD_H

#include <onceway/plugin.h>

#include "lib/draft.h"

enum field_kind {
	FIELD_POINTER = 1,
	FIELD_HEADER,
	FIELD_KEY,
	FIELD_TRACE,
	FIELD_SOURCE
};

struct field {
	enum field_kind kind;
	char *name;			  /* as it is called in messages; owned */
	char *argument;			  /* the pointer or the header's name; owned, or NULL */
	char *fallback;			  /* NULL: it must be there; owned */
	bool plain;			  /* the fallback is a number, true, false or null */
	const struct ow_pointer *pointer; /* of field_bind() */
};

/* What a request is made for. Borrowed. */
struct occasion {
	const struct ow_host *host;
	const struct ow_event *event;
	const struct ow_attempt *attempt;
};

/* Why an event cannot be sent: one phrase, fit for the vendor. */
struct refusal {
	char why[200];
};

/* Always false, for `return refuse(...)`. */
bool refuse(struct refusal *refusal, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Reads what stands between braces. NULL, or what is wrong with it, a static phrase
 * that shows nothing of it; there is nothing to free then.
 */
const char *field_parse(struct ow_text inside, struct field *field);
/* In create(), before values are asked for. */
void field_bind(struct field *field, const struct ow_host *host, struct ow_instance *self);
void field_fini(struct field *field);

/* True if the event has it, and it is not null. */
bool field_is_there(const struct field *field, const struct occasion *occasion);

/*
 * Its value as UTF-8, borrowed from the occasion or the field: a number has the digits
 * that were sent. False: there is none, or it is a list or an object.
 */
bool field_text(const struct field *field, const struct occasion *occasion,
    struct ow_text *value, struct refusal *refusal);

/* Adds its value as JSON, of the type that it has in the event; null too. */
bool field_add_json(const struct field *field, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal);

/* Adds text, which is UTF-8, as it stands inside of a JSON string. */
void json_add_escaped(struct draft *out, struct ow_text text);

#endif
