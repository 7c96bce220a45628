/* How a code over a body stands in a header: `sha256=<hex>` and its like. */
#ifndef LIB_SIGNATURE_H
#define LIB_SIGNATURE_H

#include "lib/base64.h"
#include "lib/hmac.h"

enum signature_encoding {
	SIGNATURE_HEX = 0,
	SIGNATURE_BASE64
};

/* Choices of options: enum hmac_algorithm and enum signature_encoding by index. */
extern const char *const signature_algorithm_choices[];
extern const char *const signature_encoding_choices[];

/* Room for a code in either encoding, and NUL. */
#define SIGNATURE_TEXT_SIZE (2 * HMAC_SIZE_MAX + 1)

/* Writes the code of size bytes, and NUL; hexadecimal digits are small. */
void signature_write(int encoding, const unsigned char code[HMAC_SIZE_MAX], size_t size,
    char out[SIGNATURE_TEXT_SIZE]);

/* Reads size bytes that stand in text. False: it is not of that form. */
bool signature_read(
    int encoding, struct ow_text text, unsigned char out[HMAC_SIZE_MAX], size_t size);

#endif
