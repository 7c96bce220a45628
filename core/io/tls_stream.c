#include "io/tls_stream.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/tls_files.h"

#define RECORD_HANDSHAKE 22
#define RECORD_ALERT	 21

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;
static int ssl_index; /* of a stream in its SSL */

/* ---- the socket ---- */

static void note_error(struct tls_stream *t, BIO *bio)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN ||
	    errno == EINPROGRESS)
		BIO_set_retry_read(bio); /* the caller says which; see below */
	else
		t->error = errno;
}

static int bio_read(BIO *bio, char *out, int size)
{
	struct tls_stream *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	ssize_t n = recv(t->fd, out, (size_t)size, 0);
	if (n < 0)
		note_error(t, bio);
	if (n == 0)
		t->ended = true;
	if (n > 0 && !t->received) {
		t->received = true;
		t->first = (unsigned char)out[0];
	}
	return (int)n;
}

static int bio_write(BIO *bio, const char *data, int size)
{
	struct tls_stream *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	ssize_t n = send(t->fd, data, (size_t)size, MSG_NOSIGNAL);
	if (n < 0) {
		note_error(t, bio);
		if (BIO_should_retry(bio)) {
			BIO_clear_retry_flags(bio);
			BIO_set_retry_write(bio);
		}
	}
	return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *arg)
{
	struct tls_stream *t = BIO_get_data(bio);
	(void)number;
	switch (command) {
	case BIO_C_GET_FD:
		if (!t || t->hidden)
			return -1;
		if (arg)
			*(int *)arg = t->fd;
		return t->fd;
	case BIO_CTRL_FLUSH:
		return 1;
	default:
		/*
		 * BIO_CTRL_EOF too: else OpenSSL 3 makes a protocol error of a peer
		 * that closes without a word, and forgets the session.
		 */
		return 0;
	}
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* ---- making one ---- */

static void stream_free(
    void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	(void)parent, (void)data, (void)index, (void)argl, (void)argp;
	free(ptr);
}

static void set_up(void)
{
	method = BIO_meth_new(
	    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "socket");
	ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, stream_free);
	if (!method || ssl_index < 0 || BIO_meth_set_read(method, bio_read) != 1 ||
	    BIO_meth_set_write(method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(method, bio_ctrl) != 1 ||
	    BIO_meth_set_create(method, bio_create) != 1) {
		log_error("tls", "OpenSSL cannot be used: out of memory");
		abort();
	}
}

struct bufferevent *tls_stream_new(struct event_base *base, SSL *ssl, int fd, bool accepting)
{
	struct tls_stream *t = mem_zero(sizeof(*t));
	pthread_once(&once, set_up);
	t->fd = fd;
	SSL_set_ex_data(ssl, ssl_index, t); /* frees it with the SSL */
	BIO *bio = BIO_new(method);
	if (!bio) {
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(bio, t);
	SSL_set_bio(ssl, bio, bio);
	if (accepting)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	struct bufferevent *stream = bufferevent_openssl_socket_new(base, fd, ssl,
	    accepting ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING,
	    BEV_OPT_CLOSE_ON_FREE);
	if (!stream)
		return NULL; /* with that option libevent has freed the SSL */
	t->hidden = true;
	return stream;
}

SSL *tls_stream_ssl(struct bufferevent *stream)
{
	return bufferevent_openssl_get_ssl(stream);
}

struct tls_stream *tls_stream_of_ssl(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, ssl_index);
}

struct tls_stream *tls_stream_of(struct bufferevent *stream)
{
	SSL *ssl = bufferevent_openssl_get_ssl(stream);
	return ssl ? tls_stream_of_ssl(ssl) : NULL;
}

/* ---- how it ends ---- */

void tls_stream_opened(struct bufferevent *stream)
{
	tls_stream_of(stream)->open = true;
}

/* The first of OpenSSL's own errors; libevent hands on plain result codes too. */
static unsigned long take_error(struct bufferevent *stream)
{
	unsigned long found = 0, code;
	while ((code = bufferevent_get_openssl_error(stream)))
		if (found == 0 && ERR_GET_LIB(code) != 0)
			found = code;
	return found;
}

void tls_stream_failed(struct bufferevent *stream)
{
	struct tls_stream *t = tls_stream_of(stream);
	unsigned long code = take_error(stream);
	if (code && !t->failure)
		t->failure = code;
}

bool tls_stream_cut(struct bufferevent *stream)
{
	const struct tls_stream *t = tls_stream_of(stream);
	return t->ended && !t->error && !t->failure;
}

void tls_stream_shutdown(struct bufferevent *stream)
{
	if (!tls_stream_of(stream)->open)
		return;
	ERR_clear_error();
	SSL_shutdown(tls_stream_ssl(stream));
	ERR_clear_error();
}

uint64_t tls_stream_written(struct bufferevent *stream)
{
	return BIO_number_written(SSL_get_wbio(tls_stream_ssl(stream)));
}

bool tls_stream_not_tls(const struct tls_stream *t)
{
	return t->received && t->first != RECORD_HANDSHAKE && t->first != RECORD_ALERT;
}

/* ---- the peer's certificate ---- */

void tls_print_name(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	out[0] = '\0';
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) > 0) {
		long len = BIO_get_mem_data(bio, &data);
		size_t keep = len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
		memcpy(out, data, keep);
		out[keep] = '\0';
	}
	BIO_free(bio);
}

static void add_name(struct buf *b, const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	const unsigned char *data =
	    type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_get0_data(value) : NULL;
	int len = data ? ASN1_STRING_length(value) : 0;
	if (len == 0)
		return;
	buf_add_string(b, b->len ? ", " : "");
	if (type == GEN_IPADD && len == 4) {
		buf_printf(b, "%d.%d.%d.%d", data[0], data[1], data[2], data[3]);
	} else if (type == GEN_IPADD) {
		for (int i = 0; i + 1 < len; i += 2)
			buf_printf(b, "%s%x", i ? ":" : "", data[i] << 8 | data[i + 1]);
	} else {
		buf_add(b, data, (size_t)len);
	}
}

static void print_names(const X509 *certificate, char *out, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	struct buf b = BUF_INIT;
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && b.len < size; i++)
		add_name(&b, sk_GENERAL_NAME_value(names, i));
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] < 0x20 || b.data[i] == 0x7f)
			b.data[i] = '?';
	text_store(out, size, b.data);
	GENERAL_NAMES_free(names);
	buf_free(&b);
}

int tls_stream_verify(int good, X509_STORE_CTX *store)
{
	const SSL *ssl =
	    X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_stream *t = tls_stream_of_ssl(ssl);
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	if (good || t->verify)
		return good;
	t->verify = X509_STORE_CTX_get_error(store);
	t->depth = X509_STORE_CTX_get_error_depth(store);
	if (!certificate)
		certificate = X509_STORE_CTX_get0_cert(store);
	if (certificate) {
		tls_print_name(
		    X509_get_subject_name(certificate), t->subject, sizeof(t->subject));
		tls_print_name(X509_get_issuer_name(certificate), t->issuer, sizeof(t->issuer));
		tls_date(certificate, t->verify != X509_V_ERR_CERT_NOT_YET_VALID, t->date);
		print_names(certificate, t->names, sizeof(t->names));
	}
	return good;
}
