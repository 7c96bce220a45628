/* `onceway key`: what the keyer of a route makes of events, without touching a store. */
#ifndef DAEMON_KEY_COMMAND_H
#define DAEMON_KEY_COMMAND_H

#include <stdio.h>

#include "daemon/settings.h"

#define KEY_HEADERS_MAX 64

struct key_question {
	const char *route; /* NULL: the only one, or the one of the only source that takes it */
	bool explain;
	/* what the events came with */
	const char *path;		      /* NULL: unknown */
	const char *headers[KEY_HEADERS_MAX]; /* `Name: value` */
	size_t header_count;
};

/* Whether text is a header as meant above. */
bool key_header_is_good(const char *text);

/*
 * Reads one JSON document a line from `in`; prints each key, or `error: ...`.
 * Returns 0, or 1 if any failed.
 */
int key_command(
    const struct settings *settings, const struct key_question *question, FILE *in, FILE *out);

#endif
