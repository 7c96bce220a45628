/* TLS for a listener: accepting, and why a handshake came to nothing. */
#ifndef IO_TLS_SERVER_H
#define IO_TLS_SERVER_H

#include "base/buf.h"
#include "io/tls_files.h"

struct bufferevent;
struct event_base;
struct ssl_ctx_st;
struct tls_context;

/* Values of the label `reason`; the whole set. */
enum tls_reason {
	TLS_NOT_TLS = 0,
	TLS_TIMEOUT,
	TLS_CLOSED,
	TLS_NO_PROTOCOL,
	TLS_NO_CIPHER,
	TLS_NO_CERTIFICATE,
	TLS_BAD_CERTIFICATE,
	TLS_EXPIRED_CERTIFICATE,
	TLS_UNKNOWN_CA,
	TLS_REFUSED, /* by the client: it does not trust us, mostly */
	TLS_OTHER,
	TLS_REASONS
};

const char *tls_reason_name(enum tls_reason reason);

/* For tls_store.c: what every new context needs besides its files. */
void tls_server_prepare(struct ssl_ctx_st *context, const struct tls_config *config);

/* A stream whose handshake is about to begin; fd is borrowed. NULL: out of memory. */
struct bufferevent *tls_server_accept(
    struct tls_context *context, struct event_base *base, int fd);

/* After a failure before the handshake was complete: adds one phrase to why. */
enum tls_reason tls_server_problem(struct bufferevent *stream, struct buf *why);

/* Protocol, cipher, whether it was resumed, the client's certificate: for the debug log. */
void tls_server_describe(struct bufferevent *stream, struct buf *out);
bool tls_server_resumed(struct bufferevent *stream);

#endif
