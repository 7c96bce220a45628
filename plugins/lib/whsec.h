/* Keys of Standard Webhooks (github.com/standard-webhooks, spec/standard-webhooks.md). */
#ifndef LIB_WHSEC_H
#define LIB_WHSEC_H

#include <stddef.h>

/* "Between 24 bytes and 64 bytes", says the specification; a shorter one was cut off. */
#define WHSEC_KEY_MIN 24
/* The bytes that room is given for. */
#define WHSEC_KEY_MAX 128

/*
 * The key in a secret `whsec_` + base64 ("Signature scheme"). Returns its
 * length, -1: that is not what it is.
 */
ptrdiff_t whsec_read(const char *secret, unsigned char key[WHSEC_KEY_MAX]);

#endif
