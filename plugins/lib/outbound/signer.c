#include "lib/outbound/signer.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/whsec.h"

struct signer {
	const struct outbound_hmac *options;
	struct hmac *hmac;     /* NULL: not used */
	struct hmac *standard; /* NULL: not used */
};

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static struct hmac *standard_key(const char *secret)
{
	unsigned char bytes[WHSEC_KEY_MAX];
	ptrdiff_t len = whsec_read(secret, bytes);
	struct hmac *h = NULL;
	if (len > 0)
		h = hmac_new(
		    HMAC_OF_SHA256, (struct ow_text){(const char *)bytes, (size_t)len});
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return h;
}

struct signer *signer_new(const struct outbound_options *options)
{
	struct signer *s = alloc_zero(1, sizeof(*s));
	const struct outbound_hmac *o = &options->hmac;
	s->options = o;
	if (o->secret)
		s->hmac = hmac_new((enum hmac_algorithm)o->algorithm, text_of(o->secret));
	if (options->standard_webhooks_secret)
		s->standard = standard_key(options->standard_webhooks_secret);
	if ((s->hmac || !o->secret) && (s->standard || !options->standard_webhooks_secret))
		return s;
	signer_free(s);
	return NULL;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	hmac_free(s->hmac);
	hmac_free(s->standard);
	free(s);
}

/* The draft may move while it grows: lengths first, addresses at the end. */
static void add(struct signer_headers *out, const char *name, size_t from)
{
	out->names[out->count] = text_of(name);
	out->values[out->count++] = (struct ow_text){NULL, out->text.len - from};
}

static void point(struct signer_headers *out)
{
	const char *at = out->text.data;
	for (size_t i = 0; i < out->count; i++) {
		out->values[i].data = at;
		at += out->values[i].len;
	}
}

static void add_code(struct signer_headers *out, int encoding, struct hmac *key,
    const struct ow_text *parts, size_t count)
{
	unsigned char code[HMAC_SIZE_MAX];
	char text[SIGNATURE_TEXT_SIZE];
	hmac_compute(key, parts, count, code);
	signature_write(encoding, code, hmac_size(key), text);
	draft_string(&out->text, text);
}

static void sign_plain(struct signer *s, struct ow_text body, struct signer_headers *out)
{
	size_t from = out->text.len;
	draft_string(&out->text, s->options->prefix);
	add_code(out, s->options->encoding, s->hmac, &body, 1);
	add(out, s->options->header, from);
}

static void sign_standard(struct signer *s, struct ow_text id, struct ow_text body,
    int64_t wall_ms, struct signer_headers *out)
{
	char seconds[24];
	size_t from = out->text.len;
	snprintf(seconds, sizeof(seconds), "%" PRId64, wall_ms / 1000);
	const struct ow_text parts[] = {id, {".", 1}, text_of(seconds), {".", 1}, body};
	draft_add(&out->text, id);
	add(out, "webhook-id", from);
	from = out->text.len;
	draft_string(&out->text, seconds);
	add(out, "webhook-timestamp", from);
	from = out->text.len;
	draft_string(&out->text, "v1,");
	add_code(out, SIGNATURE_BASE64, s->standard, parts, 5);
	add(out, "webhook-signature", from);
}

void signer_sign(struct signer *s, struct ow_text id, struct ow_text body, int64_t wall_ms,
    struct signer_headers *out)
{
	draft_clear(&out->text);
	out->count = 0;
	if (s->hmac)
		sign_plain(s, body, out);
	if (s->standard)
		sign_standard(s, id, body, wall_ms, out);
	point(out);
}

void signer_headers_fini(struct signer_headers *headers)
{
	draft_free(&headers->text);
}
