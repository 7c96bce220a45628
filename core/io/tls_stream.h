/*
 * One TLS connection as a bufferevent, whichever side it is on, and what is
 * known about it when it fails.
 *
 * Bytes pass through a BIO of ours. It remembers the socket's own error and
 * the peer's first byte, it never raises SIGPIPE, and it keeps libevent from
 * closing the socket: that is for whoever opened it, at the moment of their
 * choice, while libevent frees the rest when its callbacks have returned.
 */
#ifndef IO_TLS_STREAM_H
#define IO_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct event_base;
struct ssl_st; /* OpenSSL's SSL */
struct X509_name_st;
struct x509_store_ctx_st;

/* What a client's session rests on: the handshake that verified the peer. */
struct tls_trust {
	int64_t since_ms; /* monotonic: when that began */
	int64_t until_ms; /* by the wall: where the first certificate of the chain ends */
};

/* Taken from a stream with tls_stream_of(); lives as long as it. */
struct tls_stream {
	int fd;
	bool hidden;   /* from libevent, which would close it */
	bool received; /* a byte has come */
	bool ended;    /* the socket was closed by the peer */
	bool open;     /* the handshake is complete; set by tls_stream_opened() */
	bool asked;    /* the peer wants a certificate of us */
	bool served;   /* what the peer sent inside TLS has been seen; set by its reader */
	unsigned char first;	  /* byte that came */
	int error;		  /* errno of the socket's last failure */
	int verify;		  /* X509_V_ERR_... of the peer's certificate; 0: none */
	int depth;		  /* at which that was: 0 its own */
	char subject[128];	  /* of that certificate; printable */
	char issuer[128];	  /* its issuer */
	char date[16];		  /* where it ends, or begins if that is yet to come */
	char names[256];	  /* the names it is for */
	unsigned long failure;	  /* OpenSSL's error code; 0: none */
	char host[256];		  /* a client's: whom it wants to speak to */
	void *owner;		  /* the client that made it; NULL */
	unsigned version;	  /* of the context that a client's was made with */
	int64_t began_ms;	  /* when a client's was made; monotonic */
	struct tls_trust offered; /* of the session that a client's asks to resume */
};

/*
 * A stream on fd, which is borrowed; ssl is taken over. A client's (accepting
 * is false) may be still connecting. NULL: out of memory.
 */
struct bufferevent *tls_stream_new(
    struct event_base *base, struct ssl_st *ssl, int fd, bool accepting);

/* NULL: not one of ours. */
struct tls_stream *tls_stream_of(struct bufferevent *stream);
struct ssl_st *tls_stream_ssl(struct bufferevent *stream);
struct tls_stream *tls_stream_of_ssl(const struct ssl_st *ssl);

/* To be called on BEV_EVENT_CONNECTED. */
void tls_stream_opened(struct bufferevent *stream);

/*
 * To be called on BEV_EVENT_ERROR, which an end without a word of TLS is too:
 * takes what OpenSSL has to say from libevent and notes it.
 */
void tls_stream_failed(struct bufferevent *stream);
/* After that: the peer closed the socket without a word of TLS, as many do. */
bool tls_stream_cut(struct bufferevent *stream);

/* Says that no more comes from us, if the handshake is complete. */
void tls_stream_shutdown(struct bufferevent *stream);

/* Bytes that ever went to the socket. */
uint64_t tls_stream_written(struct bufferevent *stream);

/* Not a handshake at all: plain HTTP, or anything else. */
bool tls_stream_not_tls(const struct tls_stream *t);

/* As SSL_CTX_set_verify() wants it; notes what it finds. */
int tls_stream_verify(int good, struct x509_store_ctx_st *store);

/* "CN=alice,O=Acme": what a peer has put there ends in our log, printable and not long. */
void tls_print_name(const struct X509_name_st *name, char *out, size_t size);

#endif
