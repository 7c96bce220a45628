/* Base64 (RFC 4648 section 4, padded), by way of libcrypto. */
#ifndef IO_BASE64_H
#define IO_BASE64_H

#include "base/buf.h"

void base64_add(struct buf *to, struct ow_text bytes);

#endif
