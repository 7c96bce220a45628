#include "io/base64.h"

#include <openssl/evp.h>

/* libcrypto takes an int; a multiple of 3, so that only the last piece is padded. */
#define PIECE ((size_t)3 << 20)

void base64_add(struct buf *to, struct ow_text bytes)
{
	while (bytes.len > 0) {
		size_t len = bytes.len < PIECE ? bytes.len : PIECE;
		buf_reserve(to, (len + 2) / 3 * 4);
		int added = EVP_EncodeBlock((unsigned char *)to->data + to->len,
		    (const unsigned char *)bytes.data, (int)len);
		to->len += (size_t)added;
		bytes.data += len;
		bytes.len -= len;
	}
}
