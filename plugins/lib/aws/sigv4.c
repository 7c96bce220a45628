#include "lib/aws/sigv4.h"

#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#include "lib/alloc.h"
#include "lib/hex.h"
#include "lib/hmac.h"
#include "lib/sha256.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_SIZE  8 /* digits of 20150830 */

struct sigv4 {
	struct sha256 *digest;
	/* A key is good for one day, region and service: deriving it is most of the work. */
	struct draft made_from; /* all that went into it */
	struct hmac *key;	/* NULL: none yet */
};

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

struct sigv4 *sigv4_new(void)
{
	struct sigv4 *s = alloc_zero(1, sizeof(*s));
	struct hmac *probe = hmac_new(HMAC_OF_SHA256, text_of("any"));
	s->digest = sha256_new();
	bool able = probe && s->digest;
	hmac_free(probe);
	if (able)
		return s;
	sigv4_free(s);
	return NULL;
}

void sigv4_free(struct sigv4 *s)
{
	if (!s)
		return;
	sha256_free(s->digest);
	draft_free(&s->made_from);
	hmac_free(s->key);
	free(s);
}

static void write_date(int64_t time_ms, char out[sizeof("20150830T123600Z")])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	strftime(out, sizeof("20150830T123600Z"), "%Y%m%dT%H%M%SZ", &tm);
}

/* The code of text under key; out may be the key. */
static void code_of(struct ow_text key, struct ow_text text, unsigned char out[HMAC_SIZE_MAX])
{
	struct hmac *h = alloc_checked(hmac_new(HMAC_OF_SHA256, key));
	hmac_compute(h, &text, 1, out);
	hmac_free(h);
}

static struct hmac *derive_key(
    const struct sigv4_scope *scope, struct ow_text day, const char *secret)
{
	const struct ow_text steps[] = {
	    day, text_of(scope->region), text_of(scope->service), text_of("aws4_request")};
	struct draft first = DRAFT_EMPTY;
	unsigned char code[HMAC_SIZE_MAX];
	const struct ow_text key = {(const char *)code, sizeof(code)};
	draft_printf(&first, "AWS4%s", secret);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		code_of(i == 0 ? (struct ow_text){first.data, first.len} : key, steps[i], code);
	struct hmac *derived = alloc_checked(hmac_new(HMAC_OF_SHA256, key));
	OPENSSL_cleanse(code, sizeof(code));
	draft_free(&first);
	return derived;
}

/* The key derived last, if that is still the one. */
static struct hmac *key_for(
    struct sigv4 *s, const struct sigv4_scope *scope, struct ow_text day, const char *secret)
{
	struct draft from = DRAFT_EMPTY;
	draft_add(&from, day);
	draft_printf(&from, "/%s/%s/%s", scope->region, scope->service, secret);
	if (s->key && from.len == s->made_from.len &&
	    CRYPTO_memcmp(from.data, s->made_from.data, from.len) == 0) {
		draft_free(&from);
		return s->key;
	}
	hmac_free(s->key);
	draft_free(&s->made_from);
	s->key = derive_key(scope, day, secret);
	s->made_from = from;
	return s->key;
}

static void hash(struct sigv4 *s, struct ow_text text, char out[SIGV4_HEX + 1])
{
	/* No bytes may have no address. */
	sha256_hex(s->digest, text.len ? text : text_of(""), out);
	out[SIGV4_HEX] = '\0';
}

/* What the signature is a code of. */
static void write_string_to_sign(struct sigv4 *s, const char *date, const char *scope,
    struct draft *request, struct draft *out)
{
	char digest[SIGV4_HEX + 1];
	hash(s, (struct ow_text){request->data, request->len}, digest);
	draft_printf(out, ALGORITHM "\n%s\n%s\n%s", date, scope, digest);
}

static void write_canonical(const struct aws_keys *keys, const struct sigv4_request *request,
    const struct sigv4_signature *signature, struct draft *out, struct draft *names)
{
	struct sigv4_header added[3] = {{"x-amz-date", signature->date}};
	size_t count = 1;
	if (keys->session_token)
		added[count++] =
		    (struct sigv4_header){"x-amz-security-token", keys->session_token};
	if (request->sign_body_hash)
		added[count++] =
		    (struct sigv4_header){"x-amz-content-sha256", signature->body_sha256};
	canonical_request_write(request, added, count, signature->body_sha256, out, names);
}

void sigv4_sign(struct sigv4 *s, const struct sigv4_scope *scope, const struct aws_keys *keys,
    const struct sigv4_request *request, struct sigv4_signature *out)
{
	struct draft canonical = DRAFT_EMPTY, names = DRAFT_EMPTY, where = DRAFT_EMPTY;
	struct draft to_sign = DRAFT_EMPTY, header = DRAFT_EMPTY;
	unsigned char code[HMAC_SIZE_MAX];
	char signature[SIGV4_HEX + 1];

	write_date(scope->time_ms, out->date);
	hash(s, request->body, out->body_sha256);
	write_canonical(keys, request, out, &canonical, &names);
	draft_printf(&where, "%.*s/%s/%s/aws4_request", DAY_SIZE, out->date, scope->region,
	    scope->service);
	write_string_to_sign(s, out->date, draft_text(&where), &canonical, &to_sign);
	struct hmac *key =
	    key_for(s, scope, (struct ow_text){out->date, DAY_SIZE}, keys->secret_access_key);
	hmac_compute(key, &(struct ow_text){to_sign.data, to_sign.len}, 1, code);
	hex_write(signature, code, SIGV4_HEX / 2);
	signature[SIGV4_HEX] = '\0';
	draft_printf(&header, ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
	    keys->access_key_id, draft_text(&where), draft_text(&names), signature);
	out->authorization = draft_take(&header);

	draft_free(&canonical);
	draft_free(&names);
	draft_free(&where);
	draft_free(&to_sign);
}

void sigv4_signature_fini(struct sigv4_signature *signature)
{
	free(signature->authorization);
	signature->authorization = NULL;
}
