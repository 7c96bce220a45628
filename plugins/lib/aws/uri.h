/* Percent-encoding as AWS has it: all but A-Z a-z 0-9 - . _ ~ is escaped, in upper case. */
#ifndef LIB_AWS_URI_H
#define LIB_AWS_URI_H

#include "lib/draft.h"

void uri_escape_char(struct draft *out, char c);
void uri_escape(struct draft *out, struct ow_text text);

#endif
