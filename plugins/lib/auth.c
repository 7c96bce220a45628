#include "lib/auth.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/whsec.h"

/* What compares must be of one length, or the time it takes tells how long a secret is. */
#define PRINT_SIZE 32

struct auth {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct auth_conf *conf;
	size_t secrets;
	/* bearer, basic, header: codes of what is accepted, under a key of our own */
	struct hmac *print;
	unsigned char prints[AUTH_SECRETS_MAX][PRINT_SIZE];
	/* hmac, standard_webhooks */
	struct hmac *keys[AUTH_SECRETS_MAX];
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- tokens, passwords, values: the secret itself is sent ---- */

/* RFC 7617 section 2: the base64 of user:password, as clients send it. */
static void print_basic(struct auth *a, const char *secret, unsigned char *print)
{
	size_t len = strlen(secret);
	char *encoded = alloc_bytes(BASE64_SIZE(len) + 1);
	base64_encode(secret, len, encoded);
	struct ow_text whole = {encoded, BASE64_SIZE(len)};
	hmac_compute(a->print, &whole, 1, print);
	OPENSSL_cleanse(encoded, BASE64_SIZE(len));
	free(encoded);
}

static bool prepare_prints(struct auth *a)
{
	char key[32];
	a->host->random(a->self, key, sizeof(key));
	a->print = hmac_new(HMAC_OF_SHA256, (struct ow_text){key, sizeof(key)});
	OPENSSL_cleanse(key, sizeof(key));
	for (size_t i = 0; a->print && i < a->secrets; i++) {
		struct ow_text secret = text(a->conf->secrets.items[i]);
		if (a->conf->mode == AUTH_BASIC)
			print_basic(a, secret.data, a->prints[i]);
		else
			hmac_compute(a->print, &secret, 1, a->prints[i]);
	}
	return a->print != NULL;
}

static bool is_known(struct auth *a, struct ow_text sent)
{
	unsigned char print[HMAC_SIZE_MAX];
	unsigned known = 0;
	hmac_compute(a->print, &sent, 1, print);
	for (size_t i = 0; i < a->secrets; i++)
		known |= CRYPTO_memcmp(print, a->prints[i], PRINT_SIZE) == 0;
	return known;
}

/* RFC 9110 section 11.4: a scheme in any case, spaces, credentials. */
static bool take_scheme(struct ow_text *value, const char *scheme)
{
	size_t len = strlen(scheme);
	if (value->len <= len || strncasecmp(value->data, scheme, len) != 0 ||
	    value->data[len] != ' ')
		return false;
	while (len < value->len && value->data[len] == ' ')
		len++;
	value->data += len;
	value->len -= len;
	return true;
}

static const char *check_scheme(
    struct auth *a, const struct ow_http_request *request, const char *scheme)
{
	struct ow_text value = a->host->request_header(request, "Authorization");
	if (!value.data)
		return "it has no header Authorization";
	if (!take_scheme(&value, scheme))
		return "its header Authorization is of another scheme";
	return is_known(a, value) ? NULL : "its credentials are none of the known";
}

static const char *check_header(struct auth *a, const struct ow_http_request *request)
{
	struct ow_text value = a->host->request_header(request, a->conf->header);
	if (!value.data)
		return "it does not have the header of `auth.header`";
	return is_known(a, value) ? NULL : "its credentials are none of the known";
}

/* ---- signatures: the secret is the key ---- */

static bool prepare_keys(struct auth *a)
{
	bool standard = a->conf->mode == AUTH_STANDARD_WEBHOOKS;
	enum hmac_algorithm algorithm =
	    standard ? HMAC_OF_SHA256 : (enum hmac_algorithm)a->conf->algorithm;
	for (size_t i = 0; i < a->secrets; i++) {
		const char *secret = a->conf->secrets.items[i];
		unsigned char bytes[WHSEC_KEY_MAX];
		struct ow_text key = text(secret);
		if (standard) {
			ptrdiff_t len = whsec_read(secret, bytes);
			key = (struct ow_text){(char *)bytes, len < 0 ? 0 : (size_t)len};
		}
		a->keys[i] = hmac_new(algorithm, key);
		OPENSSL_cleanse(bytes, sizeof(bytes));
		if (!a->keys[i])
			return false;
	}
	return true;
}

/*
 * A code over the body, as with X-Hub-Signature-256: sha256=<hex> ("Validating
 * webhook deliveries", GitHub): HMAC(secret, body).
 */
static const char *check_hmac(struct auth *a, const struct ow_http_request *request)
{
	unsigned char sent[HMAC_SIZE_MAX], code[HMAC_SIZE_MAX];
	struct ow_text value = a->host->request_header(request, a->conf->header);
	struct ow_text body = a->host->request_body(request);
	struct ow_text prefix = text(a->conf->prefix);
	size_t size = hmac_size(a->keys[0]);
	unsigned matches = 0;
	if (!value.data)
		return "it does not have the header of `auth.header`";
	if (value.len < prefix.len || memcmp(value.data, prefix.data, prefix.len) != 0)
		return "its signature does not begin with `auth.prefix`";
	value = (struct ow_text){value.data + prefix.len, value.len - prefix.len};
	if (!signature_read(a->conf->encoding, value, sent, size))
		return "its signature is not of the form that `auth.algorithm` and "
		       "`auth.encoding` say";
	for (size_t i = 0; i < a->secrets; i++) {
		hmac_compute(a->keys[i], &body, 1, code);
		matches |= CRYPTO_memcmp(sent, code, size) == 0;
	}
	return matches ? NULL : "its signature does not match";
}

/* ---- Standard Webhooks: github.com/standard-webhooks, spec/standard-webhooks.md ---- */

/* Whole seconds since 1970, without a sign. */
static bool read_seconds(struct ow_text t, int64_t *seconds)
{
	*seconds = 0;
	if (t.len == 0 || t.len > 12)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.data[i] < '0' || t.data[i] > '9')
			return false;
		*seconds = *seconds * 10 + (t.data[i] - '0');
	}
	return true;
}

/* The next of the values between spaces; false at the end. */
static bool next_word(struct ow_text *rest, struct ow_text *word)
{
	while (rest->len && rest->data[0] == ' ') {
		rest->data++;
		rest->len--;
	}
	const char *space = rest->len ? memchr(rest->data, ' ', rest->len) : NULL;
	*word = (struct ow_text){rest->data, space ? (size_t)(space - rest->data) : rest->len};
	rest->data += word->len;
	rest->len -= word->len;
	return word->len > 0;
}

/*
 * A v1 signature is `v1,` and the base64 of 32 bytes. Others (`v1a,`, those to
 * come) are passed over, as the specification says.
 */
static bool read_v1(struct ow_text word, unsigned char out[HMAC_SIZE_MAX])
{
	if (word.len < 3 || memcmp(word.data, "v1,", 3) != 0)
		return false;
	return signature_read(SIGNATURE_BASE64, (struct ow_text){word.data + 3, word.len - 3},
	    out, HMAC_SIZE_MAX);
}

/* "Signature scheme": the code is over id.timestamp.body, both as the headers have them. */
static const char *check_signatures(
    struct auth *a, const struct ow_text parts[5], struct ow_text signatures)
{
	unsigned char codes[AUTH_SECRETS_MAX][HMAC_SIZE_MAX], sent[HMAC_SIZE_MAX];
	struct ow_text word, rest = signatures;
	bool readable = false;
	unsigned matches = 0;
	/* Not a byte of the body is looked at for what could not match anyway. */
	while (!readable && next_word(&rest, &word))
		readable = read_v1(word, sent);
	if (!readable)
		return "its header webhook-signature has no signature of version v1";
	for (size_t i = 0; i < a->secrets; i++)
		hmac_compute(a->keys[i], parts, 5, codes[i]);
	while (next_word(&signatures, &word)) {
		if (!read_v1(word, sent))
			continue;
		for (size_t i = 0; i < a->secrets; i++)
			matches |= CRYPTO_memcmp(sent, codes[i], HMAC_SIZE_MAX) == 0;
	}
	return matches ? NULL : "its signature does not match";
}

static const char *check_standard(struct auth *a, const struct ow_http_request *request)
{
	const struct ow_host *host = a->host;
	struct ow_text id = host->request_header(request, "webhook-id");
	struct ow_text timestamp = host->request_header(request, "webhook-timestamp");
	struct ow_text signatures = host->request_header(request, "webhook-signature");
	int64_t seconds;
	if (!id.data || !timestamp.data || !signatures.data)
		return "it does not have all of webhook-id, webhook-timestamp and "
		       "webhook-signature";
	if (id.len == 0 || !read_seconds(timestamp, &seconds))
		return "its webhook-id is empty, or its webhook-timestamp no number of seconds";
	int64_t age = host->wall_ms(a->self) - seconds * 1000;
	if (age > a->conf->tolerance_ms)
		return "it was signed too long ago";
	if (age < -a->conf->tolerance_ms)
		return "it was signed in the future";
	const struct ow_text parts[5] = {
	    id, {".", 1}, timestamp, {".", 1}, host->request_body(request)};
	return check_signatures(a, parts, signatures);
}

/* ---- any ---- */

struct auth *auth_new(const struct ow_host *host, struct ow_instance *self,
    const struct auth_conf *conf, const char **why)
{
	struct auth *a = alloc_zero(1, sizeof(*a));
	bool keyed = conf->mode == AUTH_HMAC || conf->mode == AUTH_STANDARD_WEBHOOKS;
	a->host = host;
	a->self = self;
	a->conf = conf;
	a->secrets = conf->secrets.count;
	if (keyed ? prepare_keys(a) : prepare_prints(a))
		return a;
	*why = "libcrypto does not offer the HMAC that `auth` needs";
	auth_free(a);
	return NULL;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	hmac_free(a->print);
	for (size_t i = 0; i < AUTH_SECRETS_MAX; i++)
		hmac_free(a->keys[i]);
	free(a);
}

const char *auth_refusal(struct auth *a, const struct ow_http_request *request)
{
	switch (a->conf->mode) {
	case AUTH_BEARER:
		return check_scheme(a, request, "Bearer");
	case AUTH_BASIC:
		return check_scheme(a, request, "Basic");
	case AUTH_HEADER:
		return check_header(a, request);
	case AUTH_HMAC:
		return check_hmac(a, request);
	case AUTH_STANDARD_WEBHOOKS:
		return check_standard(a, request);
	default:
		return "its source has no mode of authentication";
	}
}

struct ow_text auth_challenge(const struct auth *a)
{
	/*
	 * RFC 6750 section 3 and RFC 7617 section 2. No `error`: it would say
	 * whether there was a token, or a good one.
	 */
	if (a->conf->mode == AUTH_BEARER)
		return text("Bearer realm=\"onceway\"");
	if (a->conf->mode == AUTH_BASIC)
		return text("Basic realm=\"onceway\", charset=\"UTF-8\"");
	return (struct ow_text){NULL, 0};
}
