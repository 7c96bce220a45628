/*
 * Bytes to and from a server: its name is looked up, its addresses are tried in
 * turn, TLS begins. One stream, opened and closed as often as wanted.
 */
#ifndef STORE_REDIS_STREAM_H
#define STORE_REDIS_STREAM_H

#include <onceway/plugin.h>

struct evbuffer;
struct stream;

/* Where a server is; borrowed until the stream is closed. */
struct stream_place {
	const char *path; /* of a unix socket; NULL: host and port */
	const char *host;
	int port;
	unsigned turn; /* which of its addresses comes first: any number */
};

/* What it is made of. None of the callbacks comes after stream_close(). */
struct stream_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	struct ow_tls *tls; /* NULL: plain; borrowed */
	void (*connected)(void *arg);
	void (*readable)(void *arg, struct evbuffer *input); /* takes out what it has read */
	/* It could not be opened, or has ended: to be closed. May come within stream_open(). */
	void (*ended)(void *arg, const char *why);
	void *arg;
};

struct stream *stream_new(const struct stream_parts *parts);
void stream_free(struct stream *s); /* closes it; NULL is fine */

void stream_open(struct stream *s, const struct stream_place *place);
void stream_close(struct stream *s); /* also one that is not open */

/* Only when connected. Copies what the socket does not take at once. */
void stream_write(struct stream *s, const char *bytes, size_t len);

bool stream_resolving(const struct stream *s);
bool stream_connected(const struct stream *s);

#endif
