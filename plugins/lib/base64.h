/* Base64, RFC 4648 section 4: the standard alphabet, with padding. */
#ifndef LIB_BASE64_H
#define LIB_BASE64_H

#include <onceway/plugin.h>

/* Bytes that the encoding of len bytes has. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_SIZE(len) characters, without NUL. */
void base64_encode(const void *data, size_t len, char *out);

/*
 * Decodes all of text into out, which has room for room bytes. Returns how
 * many there are, or -1: not base64, or too long. Strict, so that bytes have
 * one encoding: padded, no white space, no stray bits in the last character.
 * What takes part in it may be a secret: no table is looked up by it.
 */
ptrdiff_t base64_decode(struct ow_text text, void *out, size_t room);

#endif
