#include "io/tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/address.h"
#include "io/tls_store.h"
#include "io/tls_stream.h"

/*
 * A resumed session is not verified again: it must not outlive trust in the
 * peer by much. It counts from the verification, however often the session was
 * resumed and renewed since.
 */
#define SESSION_MS INT64_C(3600000)
#define SESSIONS   8 /* hosts; a pool has one, a cluster's nodes are several */

struct kept_session {
	char *host; /* owned; NULL: free */
	SSL_SESSION *session;
	struct tls_trust trust;
	unsigned version; /* of the context it was made with */
};

struct ow_tls {
	struct tls_store *store;
	struct event_base *base;
	const struct clock *clock;
	struct tls_context *context;
	char *server_name; /* NULL: the host that is connected to */
	bool http;
	struct kept_session kept[SESSIONS];
	size_t next; /* of kept: to be replaced */
	struct buf problem;
};

struct ow_tls *tls_client_new(const struct tls_client_parts *parts,
    const struct ow_tls_options *options, const char **why)
{
	struct ow_tls_options o = {.size = sizeof(o)};
	if (options)
		memcpy(&o, options, options->size < sizeof(o) ? options->size : sizeof(o));
	const struct tls_config config = {.side = TLS_CLIENT,
	    .certificate = o.certificate,
	    .key = o.key,
	    .ca = o.ca,
	    .min_version = o.min_version};
	struct tls_context *context = tls_store_get(parts->store, &config, parts->name, why);
	if (!context)
		return NULL;
	struct ow_tls *tls = mem_zero(sizeof(*tls));
	tls->store = parts->store;
	tls->base = parts->base;
	tls->clock = parts->clock;
	tls->http = parts->http;
	tls->context = context;
	tls->server_name = o.server_name && o.server_name[0] ? mem_string(o.server_name) : NULL;
	return tls;
}

/* ---- sessions ---- */

static void forget(struct kept_session *k)
{
	free(k->host);
	SSL_SESSION_free(k->session);
	*k = (struct kept_session){.host = NULL};
}

void tls_client_free(struct ow_tls *tls)
{
	if (!tls)
		return;
	for (size_t i = 0; i < SESSIONS; i++)
		forget(&tls->kept[i]);
	tls_store_release(tls->store, tls->context);
	buf_free(&tls->problem);
	free(tls->server_name);
	free(tls);
}

static struct kept_session *find(struct ow_tls *tls, const char *host)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (tls->kept[i].host && strcmp(tls->kept[i].host, host) == 0)
			return &tls->kept[i];
	return NULL;
}

static int64_t chain_end(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	int64_t first = 0;
	for (int i = 0; chain && i < sk_X509_num(chain); i++) {
		int64_t end = tls_end_ms(sk_X509_value(chain, i));
		if (i == 0 || end < first)
			first = end;
	}
	return first;
}

static struct tls_trust trust_of(const struct tls_stream *t, SSL *ssl)
{
	if (SSL_session_reused(ssl))
		return t->offered;
	return (struct tls_trust){.since_ms = t->began_ms, .until_ms = chain_end(ssl)};
}

static bool trusted(const struct ow_tls *tls, const struct tls_trust *trust)
{
	return clock_mono(tls->clock) - trust->since_ms <= SESSION_MS &&
	       clock_wall(tls->clock) <= trust->until_ms;
}

/*
 * OpenSSL has a session for later; in TLS 1.3 that comes some time after the
 * handshake, and again whenever the peer likes: from a connection that was made
 * with files which are replaced by now, or verified long ago. A copy is kept: the original is
 * spoilt when its connection ends without a farewell, which is no reason not to go on with it.
 */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_stream *t = tls_stream_of_ssl(ssl);
	struct ow_tls *tls = t->owner;
	struct tls_trust trust = trust_of(t, ssl);
	if (t->version != tls_context_version(tls->context) || !trusted(tls, &trust))
		return 0;
	struct kept_session *k = find(tls, t->host);
	if (k && k->version == t->version && k->trust.since_ms > trust.since_ms)
		return 0;
	if (!k)
		k = &tls->kept[tls->next++ % SESSIONS];
	forget(k);
	k->host = mem_string(t->host);
	k->session = SSL_SESSION_dup(session);
	k->trust = trust;
	k->version = t->version;
	return 0; /* the original stays OpenSSL's */
}

static void resume(struct ow_tls *tls, SSL *ssl, struct tls_stream *t)
{
	struct kept_session *k = find(tls, t->host);
	if (!k)
		return;
	if (k->version != t->version || !trusted(tls, &k->trust))
		forget(k);
	else if (k->session && SSL_set_session(ssl, k->session) == 1)
		t->offered = k->trust;
}

/* ---- streams ---- */

/* Asked for when the peer wants a certificate: which one is the context's business. */
static int note_asked(SSL *ssl, void *arg)
{
	(void)arg;
	tls_stream_of_ssl(ssl)->asked = true;
	return 1;
}

void tls_client_prepare(SSL_CTX *context)
{
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, tls_stream_verify);
	SSL_CTX_set_session_cache_mode(
	    context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, keep_session);
	SSL_CTX_set_cert_cb(context, note_asked, NULL);
}

static bool is_address(const char *host)
{
	struct in6_addr six;
	struct in_addr four;
	return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1;
}

/* Whom it must be, and, of several at one address, who is asked for. */
static bool expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct bufferevent *tls_client_stream(struct ow_tls *tls, int fd, const char *host)
{
	static const unsigned char http11[] = "\x08http/1.1";
	unsigned version;
	SSL_CTX *current = tls_context_use(tls->context, &version);
	char wanted[256];
	ERR_clear_error();
	SSL *ssl = SSL_new(current);
	SSL_CTX_free(current); /* the SSL keeps its own reference */
	text_store(wanted, sizeof(wanted), tls->server_name ? tls->server_name : host);
	size_t len = strlen(wanted);
	if (len > 1 && wanted[len - 1] == '.')
		wanted[len - 1] = '\0'; /* the root's dot stands in no certificate */
	if (!ssl)
		return NULL;
	if (!expect(ssl, wanted)) {
		SSL_free(ssl);
		return NULL;
	}
	if (tls->http)
		SSL_set_alpn_protos(ssl, http11, sizeof(http11) - 1);
	struct bufferevent *stream = tls_stream_new(tls->base, ssl, fd, false);
	if (!stream)
		return NULL;
	struct tls_stream *t = tls_stream_of(stream);
	t->owner = tls;
	t->version = version;
	t->began_ms = clock_mono(tls->clock);
	text_store(t->host, sizeof(t->host), wanted);
	resume(tls, ssl, t);
	return stream;
}

bool tls_client_resumed(struct bufferevent *stream)
{
	return SSL_session_reused(tls_stream_ssl(stream));
}

/* ---- why it came to nothing ---- */

static void add_trusted(struct buf *b, const struct ow_tls *tls)
{
	const char *ca = tls_context_config(tls->context)->ca;
	if (ca)
		buf_printf(b, "the CAs in %s", ca);
	else
		buf_add_string(b, "the system's CAs");
}

static void certificate_problem(struct ow_tls *tls, const struct tls_stream *t, struct buf *b)
{
	const char *whose = t->depth == 0 ? "its certificate" : "a CA of its certificate";
	switch (t->verify) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_printf(b, "%s (%s) has expired on %s", whose, t->subject, t->date);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buf_printf(b, "%s (%s) is not valid before %s", whose, t->subject, t->date);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		buf_printf(b, "its certificate is not for %s, but for %s", t->host,
		    t->names[0] ? t->names : t->subject);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		buf_printf(
		    b, "its certificate (%s) is self-signed, and not among ", t->subject);
		add_trusted(b, tls);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		buf_printf(
		    b, "its certificate comes from an unknown CA (%s), not among ", t->issuer);
		add_trusted(b, tls);
		break;
	default:
		buf_printf(b, "%s (%s) is no good: %s", whose, t->subject,
		    X509_verify_cert_error_string(t->verify));
	}
}

/* What the peer says of our certificate, or of there being none. */
static bool about_our_certificate(int alert, bool asked)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case SSL_AD_DECRYPT_ERROR:
		return asked;
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	case SSL_AD_HANDSHAKE_FAILURE: /* how TLS 1.2 says it */
		return asked;
	default:
		return false;
	}
}

static void alert_problem(
    const struct ow_tls *tls, const struct tls_stream *t, int alert, struct buf *b)
{
	const struct tls_config *c = tls_context_config(tls->context);
	const char *said = SSL_alert_desc_string_long(alert);
	if (about_our_certificate(alert, t->asked) && !c->certificate)
		buf_add_string(
		    b, "it wants a client certificate: set tls.certificate and tls.key");
	else if (about_our_certificate(alert, t->asked))
		buf_printf(b, "it does not accept the client certificate in %s: %s",
		    c->certificate, said);
	else if (alert == SSL_AD_PROTOCOL_VERSION)
		buf_printf(b, "no shared protocol: it speaks nothing from TLS %s on",
		    c->min_version ? "1.3" : "1.2");
	else if (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_INSUFFICIENT_SECURITY)
		buf_add_string(b, "no shared cipher: it refuses all that were offered");
	else if (alert == SSL_AD_NO_APPLICATION_PROTOCOL)
		buf_add_string(b, "no shared protocol: it does not speak HTTP/1.1 (ALPN)");
	else if (alert == SSL_AD_UNRECOGNIZED_NAME)
		buf_printf(b, "it does not know the name %s", t->host);
	else
		buf_printf(b, "it refuses: %s", said);
}

static void failure_problem(const struct ow_tls *tls, const struct tls_stream *t, struct buf *b)
{
	int reason = ERR_GET_REASON(t->failure);
	const char *text;
	if (reason >= SSL_AD_REASON_OFFSET) {
		alert_problem(tls, t, reason - SSL_AD_REASON_OFFSET, b);
		return;
	}
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_WRONG_VERSION_NUMBER:
		buf_printf(b, "no shared protocol: it speaks nothing from TLS %s on",
		    tls_context_config(tls->context)->min_version ? "1.3" : "1.2");
		break;
	default:
		text = ERR_reason_error_string(t->failure);
		buf_printf(b, "TLS failed: %s", text ? text : "an error without a name");
	}
}

const char *tls_client_problem(struct ow_tls *tls, struct bufferevent *stream)
{
	struct tls_stream *t = tls_stream_of(stream);
	struct buf *b = &tls->problem;
	tls_stream_failed(stream);
	buf_clear(b);
	if (!t->open && tls_stream_not_tls(t))
		buf_add_string(b, "it does not speak TLS");
	else if (t->verify)
		certificate_problem(tls, t, b);
	else if (t->failure)
		failure_problem(tls, t, b);
	else if (t->ended && !t->error)
		buf_printf(b, "it closed the connection %s",
		    t->open ? "without a word of TLS" : "during the TLS handshake");
	else
		errno = t->error;
	return b->len ? b->data : NULL;
}

bool tls_client_refused_late(struct bufferevent *stream)
{
	const struct tls_stream *t = tls_stream_of(stream);
	int reason = ERR_GET_REASON(t->failure);
	return t->open && t->asked && !t->served && reason >= SSL_AD_REASON_OFFSET &&
	       about_our_certificate(reason - SSL_AD_REASON_OFFSET, true);
}
