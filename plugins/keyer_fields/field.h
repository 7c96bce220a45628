/*
 * One thing a key is made of, as the configuration names it: `/data/id`,
 * `header:NAME` or `body`.
 */
#ifndef KEYER_FIELDS_FIELD_H
#define KEYER_FIELDS_FIELD_H

#include "lib/canonical.h"
#include "lib/place.h"
#include "lib/sha256.h"

enum field_kind {
	FIELD_POINTER,
	FIELD_HEADER,
	FIELD_BODY
};

struct field {
	const char *text; /* as configured; borrowed */
	enum field_kind kind;
	struct place place; /* POINTER */
	const char *header; /* HEADER: its name, within text */
	bool optional;
	int64_t round_ms; /* 0: not rounded; else it is a time */
};

/* Whether that is how a field is written. */
bool field_is_valid(const char *text);

/* text is a valid one, borrowed. False with *why. */
bool field_init(struct field *field, const struct ow_host *host, struct ow_instance *self,
    const char *text, const char **why);

/*
 * Adds the field's value: as JSON, or plain as the text it is. False: the key
 * was told that it is missing or no time. An absent optional one is null.
 */
bool field_add(const struct field *field, const struct ow_event *event, struct ow_key *key,
    struct sha256 *sha256, bool plain, struct canonical *c);

#endif
