#include "io/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "io/tls_store.h"
#include "io/tls_stream.h"

static const char http11[] = "\x08http/1.1";

const char *tls_reason_name(enum tls_reason reason)
{
	static const char *const names[TLS_REASONS] = {[TLS_NOT_TLS] = "not_tls",
	    [TLS_TIMEOUT] = "timeout",
	    [TLS_CLOSED] = "closed",
	    [TLS_NO_PROTOCOL] = "no_shared_protocol",
	    [TLS_NO_CIPHER] = "no_shared_cipher",
	    [TLS_NO_CERTIFICATE] = "no_certificate",
	    [TLS_BAD_CERTIFICATE] = "bad_certificate",
	    [TLS_EXPIRED_CERTIFICATE] = "expired_certificate",
	    [TLS_UNKNOWN_CA] = "unknown_ca",
	    [TLS_REFUSED] = "refused_by_client",
	    [TLS_OTHER] = "other"};
	return names[reason];
}

/* ---- contexts ---- */

/* RFC 7301: a client that can only speak something else is told so. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *offered, unsigned offered_len, void *arg)
{
	(void)ssl, (void)arg;
	for (unsigned i = 0; i < offered_len; i += 1u + offered[i]) {
		if (offered[i] == 8 && offered_len - i >= 9 &&
		    memcmp(offered + i + 1, http11 + 1, 8) == 0) {
			*out = offered + i + 1;
			*out_len = 8;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void tls_server_prepare(SSL_CTX *context, const struct tls_config *config)
{
	static const unsigned char id[] = "onceway";
	int verify = SSL_VERIFY_NONE;
	if (config->asks != TLS_ASKS_NONE)
		verify = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE;
	if (config->asks == TLS_ASKS_REQUIRE)
		verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context, verify, tls_stream_verify);
	SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
	/* The client keeps its session in a ticket: nothing of it is kept here. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
}

struct bufferevent *tls_server_accept(
    struct tls_context *context, struct event_base *base, int fd)
{
	SSL_CTX *current = tls_context_use(context, NULL);
	ERR_clear_error();
	SSL *ssl = SSL_new(current);
	SSL_CTX_free(current); /* the SSL keeps its own reference */
	return ssl ? tls_stream_new(base, ssl, fd, true) : NULL;
}

/* ---- why it came to nothing ---- */

static enum tls_reason certificate_problem(const struct tls_stream *t, struct buf *why)
{
	const char *what = t->depth == 0 ? "its certificate" : "a CA of its certificate";
	switch (t->verify) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_printf(why, "%s (%s) has expired on %s", what, t->subject, t->date);
		return TLS_EXPIRED_CERTIFICATE;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buf_printf(why, "%s (%s) is not valid before %s", what, t->subject, t->date);
		return TLS_EXPIRED_CERTIFICATE;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		buf_printf(why,
		    "its certificate (%s) comes from a CA that tls.client_ca does not "
		    "have: %s",
		    t->subject, t->issuer);
		return TLS_UNKNOWN_CA;
	default:
		buf_printf(why, "%s (%s) is no good: %s", what, t->subject,
		    X509_verify_cert_error_string(t->verify));
		return TLS_BAD_CERTIFICATE;
	}
}

/* Alerts are the peer's words, and have numbers of their own. */
static bool is_alert(int reason)
{
	return reason >= SSL_AD_REASON_OFFSET;
}

static enum tls_reason failure_problem(int reason, struct buf *why)
{
	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		buf_add_string(why, "it shows no certificate, and tls.client requires one");
		return TLS_NO_CERTIFICATE;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_UNKNOWN_PROTOCOL:
		buf_add_string(why, "no shared protocol: it speaks no TLS version that "
				    "tls.min_version allows");
		return TLS_NO_PROTOCOL;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		buf_add_string(why, "no shared protocol: it does not offer HTTP/1.1 (ALPN)");
		return TLS_NO_PROTOCOL;
	case SSL_R_NO_SHARED_CIPHER:
		buf_add_string(why, "no shared cipher");
		return TLS_NO_CIPHER;
	default:
		break;
	}
	if (is_alert(reason)) {
		buf_printf(why, "it refuses: %s",
		    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
		return TLS_REFUSED;
	}
	return TLS_OTHER;
}

enum tls_reason tls_server_problem(struct bufferevent *stream, struct buf *why)
{
	const struct tls_stream *t = tls_stream_of(stream);
	const char *text;
	size_t len = why->len;
	if (tls_stream_not_tls(t)) {
		buf_add_string(why, "it does not speak TLS");
		return TLS_NOT_TLS;
	}
	if (t->verify)
		return certificate_problem(t, why);
	if (t->failure) {
		enum tls_reason reason = failure_problem(ERR_GET_REASON(t->failure), why);
		if (why->len == len) {
			text = ERR_reason_error_string(t->failure);
			buf_add_string(why, text ? text : "an error without a name");
		}
		return reason;
	}
	buf_printf(why, "it closed the connection during the handshake%s%s",
	    t->error ? ": " : "", t->error ? strerror(t->error) : "");
	return TLS_CLOSED;
}

/* ---- what was agreed on ---- */

bool tls_server_resumed(struct bufferevent *stream)
{
	return SSL_session_reused(tls_stream_ssl(stream));
}

void tls_server_describe(struct bufferevent *stream, struct buf *out)
{
	SSL *ssl = tls_stream_ssl(stream);
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	char subject[256];
	buf_printf(out, "%s, %s, %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
	    SSL_session_reused(ssl) ? "resumed" : "new session");
	if (!certificate)
		return;
	tls_print_name(X509_get_subject_name(certificate), subject, sizeof(subject));
	buf_printf(out, ", certificate of %s", subject);
}
