/* `onceway key`: what the keyer of a route makes of events, without touching a store. */
#ifndef DAEMON_KEY_COMMAND_H
#define DAEMON_KEY_COMMAND_H

#include <stdio.h>

#include "daemon/settings.h"

/*
 * Reads one JSON document a line from `in`; prints each key, or `error: ...`.
 * route may be NULL when there is only one. Returns 0, or 1 if any failed.
 */
int key_command(
    const struct settings *settings, const char *route, bool explain, FILE *in, FILE *out);

#endif
