#include "lib/sha256.h"

#include <openssl/evp.h>

#include "lib/alloc.h"
#include "lib/hex.h"

#define DIGEST_SIZE (SHA256_HEX / 2)

struct sha256 {
	EVP_MD *digest;
	EVP_MD_CTX *context;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *s = alloc_zero(1, sizeof(*s));
	s->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->context = EVP_MD_CTX_new();
	if (!s->digest || !s->context) {
		sha256_free(s);
		return NULL;
	}
	return s;
}

void sha256_free(struct sha256 *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->context);
	EVP_MD_free(s->digest);
	free(s);
}

void sha256_hex(struct sha256 *s, struct ow_text text, char out[SHA256_HEX])
{
	unsigned char digest[DIGEST_SIZE];
	if (!EVP_DigestInit_ex2(s->context, s->digest, NULL) ||
	    !EVP_DigestUpdate(s->context, text.data, text.len) ||
	    !EVP_DigestFinal_ex(s->context, digest, NULL)) {
		/* Any other answer would be a key that unrelated events share. */
		fputs("onceway: SHA-256 failed\n", stderr);
		abort();
	}
	hex_write(out, digest, sizeof(digest));
}
