/* What keyers write into: a key being found, and a vendor's reply being shaped. */
#ifndef PLUGIN_KEY_H
#define PLUGIN_KEY_H

#include <onceway/event.h>

#include "base/arena.h"
#include "base/buf.h"

/* For `key --explain`: a field that was looked at. */
struct key_field {
	struct key_field *next;
	const char *name;
	struct ow_text value;
};

struct ow_key {
	struct arena arena; /* holds all that is below */
	bool explaining;
	struct ow_text full; /* prefix + text: the store key; data NULL until set */
	size_t prefix_len;
	struct ow_text label;			     /* data NULL: none */
	const char *invalid_field, *invalid_problem; /* NULL unless invalid */
	bool missing;				     /* invalid for want of that field */
	struct key_field *fields, **last_field;
	struct ow_text canonical;
};

void key_init(struct ow_key *key, bool explaining);
void key_fini(struct ow_key *key);
/* The key without its prefix. */
struct ow_text key_text(const struct ow_key *key);

struct ow_reply {
	const struct ow_key *key; /* of the event; borrowed */
	int status;
	const char *content_type;
	struct buf type; /* what content_type is when a keyer gave it */
	struct buf body;
	bool begun;
};

void reply_init(struct ow_reply *reply, const struct ow_key *key, int status);
void reply_fini(struct ow_reply *reply);

#endif
