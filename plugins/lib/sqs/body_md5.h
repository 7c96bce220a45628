/* The digest by which SQS shows that a body came through unchanged. */
#ifndef LIB_SQS_BODY_MD5_H
#define LIB_SQS_BODY_MD5_H

#include <onceway/plugin.h>

/*
 * Is that the body's MD5, in hexadecimal digits? True also where there is none
 * to compare with (hex NULL), or libcrypto may not do MD5: TLS alone guards the
 * body then.
 */
bool sqs_body_matches(struct ow_text body, const char *hex);

#endif
