/*
 * Where a Redis is, as its users write it:
 *
 *	redis://[user[:password]@]host[:port][/db]
 *	rediss://...				   the same over TLS
 *	unix://[user[:password]@]/path[?db=N]
 *
 * The host may be missing, where others say which it is. User and password are percent-decoded.
 *`redis://:secret@host` is a password without a user, as it is everywhere. What is printed
 *never holds either.
 */
#ifndef STORE_REDIS_URL_H
#define STORE_REDIS_URL_H

#include <onceway/plugin.h>

#define REDIS_PORT 6379

struct redis_url {
	bool tls;
	char *path; /* of a unix socket; NULL: host and port */
	char *host; /* without brackets; NULL: not given */
	int port;
	char *user, *password; /* NULL: none */
	int db;
	char *name; /* "Redis at host:port/db", for messages; NULL: no host */
};

/* NULL, or a static phrase: what is wrong with it. On failure nothing is left to free. */
const char *redis_url_parse(const char *text, struct redis_url *url);
/* The same for "host[:port]" alone: no scheme, no login, database 0. */
const char *redis_url_parse_place(const char *text, int default_port, struct redis_url *url);
/* Another server with the same login, over TLS or not as that one; database 0. */
void redis_url_like(
    const struct redis_url *like, struct ow_text host, int port, struct redis_url *url);
void redis_url_fini(struct redis_url *url); /* forgets the password too */

/* Its name if the host were that one. */
#define REDIS_NAME_SIZE 400
void redis_url_name(
    const struct redis_url *url, const char *host, int port, char out[REDIS_NAME_SIZE]);

#endif
