/* `Basic` credentials (RFC 7617, 2). */
#ifndef LIB_OUTBOUND_BASIC_H
#define LIB_OUTBOUND_BASIC_H

#include "lib/draft.h"

/* Adds "Basic " and the base64 of user:password. */
void basic_write(struct draft *out, const char *user, const char *password);

#endif
