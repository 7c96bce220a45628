/* An http:// or https:// URL taken apart. */
#ifndef IO_URL_H
#define IO_URL_H

#include <onceway/event.h>

#include "base/arena.h"

struct url {
	bool tls;
	const char *host;      /* lower case, without brackets */
	const char *authority; /* as for a Host header: default port left out */
	int port;
	const char *target; /* path and query; at least "/" */
};

/*
 * Strings come from arena. Returns NULL, or a static phrase that says what is
 * wrong. Strict where other programs guess: no user name (it would end up in
 * logs), no fragment (it is never sent), no spaces, controls or bytes outside
 * ASCII, and no numbers that only some programs take for an address ("127.1").
 */
const char *url_parse(const char *text, struct arena *arena, struct url *out);

#endif
