/*
 * Signatures over a body: `hmac`, and Standard Webhooks (specification,
 * "Signature scheme"): a code over id.timestamp.body.
 */
#ifndef LIB_OUTBOUND_SIGNER_H
#define LIB_OUTBOUND_SIGNER_H

#include "lib/draft.h"
#include "lib/outbound/options.h"

struct signer;

#define SIGNER_HEADERS 4

/* What a request gets. Names are static, or the options'; values stand in text. */
struct signer_headers {
	struct ow_text names[SIGNER_HEADERS], values[SIGNER_HEADERS];
	size_t count;
	struct draft text;
};

/* options are borrowed for its life. NULL: libcrypto does not offer the HMAC. */
struct signer *signer_new(const struct outbound_options *options);
void signer_free(struct signer *s); /* NULL is fine */

/*
 * Signs; id: the message's, of webhook-id. The headers borrow from out, which
 * stays where it is until signer_headers_fini(); all zero at first.
 */
void signer_sign(struct signer *s, struct ow_text id, struct ow_text body, int64_t wall_ms,
    struct signer_headers *out);
void signer_headers_fini(struct signer_headers *headers);

#endif
