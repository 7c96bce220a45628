/*
 * HMAC (RFC 2104) with SHA-256 or SHA-1, from libcrypto. The digest is fetched
 * and the context allocated once per key, not once per message.
 */
#ifndef LIB_HMAC_H
#define LIB_HMAC_H

#include <onceway/plugin.h>

enum hmac_algorithm {
	HMAC_OF_SHA256 = 0,
	HMAC_OF_SHA1
};

#define HMAC_SIZE_MAX 32

struct hmac;

/* Copies key, which is not empty. NULL: libcrypto does not offer the algorithm. */
struct hmac *hmac_new(enum hmac_algorithm algorithm, struct ow_text key);
void hmac_free(struct hmac *h); /* NULL is fine; wipes the key */

/* Bytes of a code: 32 or 20. */
size_t hmac_size(const struct hmac *h);

/* Writes hmac_size() bytes: the code of all parts, one behind the other. */
void hmac_compute(struct hmac *h, const struct ow_text *parts, size_t count,
    unsigned char out[HMAC_SIZE_MAX]);

#endif
