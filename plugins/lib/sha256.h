/*
 * SHA-256, from libcrypto. The digest is fetched and the context allocated
 * once: doing both for every event costs more than the hashing.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <onceway/plugin.h>

#define SHA256_HEX 64

struct sha256;

/* NULL: libcrypto offers no SHA-256 (its configuration forbids it). */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *s); /* NULL is fine */

/* Writes the digest of text as lower-case hexadecimal digits, without NUL. */
void sha256_hex(struct sha256 *s, struct ow_text text, char out[SHA256_HEX]);

#endif
