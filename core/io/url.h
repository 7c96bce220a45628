/* An http:// or https:// URL taken apart. */
#ifndef IO_URL_H
#define IO_URL_H

#include <onceway/event.h>

#include "base/arena.h"

struct url {
	bool tls;
	const char *host;      /* without brackets */
	const char *authority; /* as for a Host header: default port left out */
	int port;
	const char *target; /* path and query; at least "/" */
};

/* Strings come from arena. Returns NULL, or a static phrase that says what is wrong. */
const char *url_parse(const char *text, struct arena *arena, struct url *out);

#endif
