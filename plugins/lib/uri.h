/* Percent-encoding: all but the unreserved characters of RFC 3986 is escaped, in upper case. */
#ifndef LIB_URI_H
#define LIB_URI_H

#include "lib/draft.h"

void uri_escape_char(struct draft *out, char c);
void uri_escape(struct draft *out, struct ow_text text);

#endif
