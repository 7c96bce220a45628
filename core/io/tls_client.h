/*
 * TLS for whoever connects: the peer's certificate and name are always
 * verified, sessions are resumed, and each failure has a phrase of its own.
 */
#ifndef IO_TLS_CLIENT_H
#define IO_TLS_CLIENT_H

#include <onceway/host.h>

#include "base/clock.h"

struct event_base;
struct ssl_ctx_st;
struct tls_store;

/* What a client is made of. Borrowed for the call, but for store, base and clock. */
struct tls_client_parts {
	struct tls_store *store;
	struct event_base *base;
	const struct clock *clock;
	const char *name; /* whom the log speaks of: "sink crm" */
	bool http;	  /* says so to the peer (ALPN) */
};

/* See struct ow_host for the contracts of these; options NULL: as all NULL. */
struct ow_tls *tls_client_new(const struct tls_client_parts *parts,
    const struct ow_tls_options *options, const char **why);
void tls_client_free(struct ow_tls *tls);
struct bufferevent *tls_client_stream(struct ow_tls *tls, int fd, const char *host);
const char *tls_client_problem(struct ow_tls *tls, struct bufferevent *stream);

/*
 * After a failure behind the handshake: TLS 1.3 lets a client believe that it
 * is through before the peer has looked at its certificate. True: the peer has
 * refused it, and took in nothing of what was sent.
 */
bool tls_client_refused_late(struct bufferevent *stream);

/* Whether the stream goes on with an earlier session. */
bool tls_client_resumed(struct bufferevent *stream);

/* For tls_store.c: what every new context needs besides its files. */
void tls_client_prepare(struct ssl_ctx_st *context);

#endif
