#include "lib/signature.h"

#include "lib/hex.h"

const char *const signature_algorithm_choices[] = {"sha256", "sha1", NULL};
const char *const signature_encoding_choices[] = {"hex", "base64", NULL};

void signature_write(int encoding, const unsigned char code[HMAC_SIZE_MAX], size_t size,
    char out[SIGNATURE_TEXT_SIZE])
{
	if (encoding == SIGNATURE_BASE64) {
		base64_encode(code, size, out);
		out[BASE64_SIZE(size)] = '\0';
		return;
	}
	hex_write(out, code, size);
	out[2 * size] = '\0';
}

/* What was sent is no secret: it may be read byte by byte. */
static bool read_hex(struct ow_text t, unsigned char *out, size_t size)
{
	if (t.len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(t.data[2 * i]), low = hex_value(t.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

bool signature_read(
    int encoding, struct ow_text text, unsigned char out[HMAC_SIZE_MAX], size_t size)
{
	if (encoding == SIGNATURE_HEX)
		return read_hex(text, out, size);
	return base64_decode(text, out, HMAC_SIZE_MAX) == (ptrdiff_t)size;
}
