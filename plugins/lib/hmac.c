#include "lib/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/alloc.h"

struct hmac {
	EVP_MAC *mac;
	EVP_MAC_CTX *context;
	size_t size;
	size_t key_len;
	unsigned char key[];
};

struct hmac *hmac_new(enum hmac_algorithm algorithm, struct ow_text key)
{
	char digest[8];
	snprintf(digest, sizeof(digest), "%s", algorithm == HMAC_OF_SHA1 ? "SHA1" : "SHA256");
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end()};
	struct hmac *h = alloc_zero(1, sizeof(*h) + key.len);
	memcpy(h->key, key.data, key.len);
	h->key_len = key.len;
	h->size = algorithm == HMAC_OF_SHA1 ? 20 : 32;
	h->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	h->context = h->mac ? EVP_MAC_CTX_new(h->mac) : NULL;
	if (!h->context || !EVP_MAC_init(h->context, h->key, h->key_len, params)) {
		hmac_free(h);
		return NULL;
	}
	return h;
}

void hmac_free(struct hmac *h)
{
	if (!h)
		return;
	EVP_MAC_CTX_free(h->context);
	EVP_MAC_free(h->mac);
	OPENSSL_cleanse(h->key, h->key_len);
	free(h);
}

size_t hmac_size(const struct hmac *h)
{
	return h->size;
}

void hmac_compute(
    struct hmac *h, const struct ow_text *parts, size_t count, unsigned char out[HMAC_SIZE_MAX])
{
	size_t len = 0;
	/* Early releases of OpenSSL 3 do not start anew when the key is left out. */
	bool ok = EVP_MAC_init(h->context, h->key, h->key_len, NULL);
	for (size_t i = 0; i < count && ok; i++)
		if (parts[i].len)
			ok = EVP_MAC_update(
			    h->context, (const unsigned char *)parts[i].data, parts[i].len);
	if (!ok || !EVP_MAC_final(h->context, out, &len, HMAC_SIZE_MAX) || len != h->size) {
		/* Whatever is in out would be compared with what a stranger sent. */
		fputs("onceway: HMAC failed\n", stderr);
		abort();
	}
}
