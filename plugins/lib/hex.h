/* Hexadecimal digits. */
#ifndef LIB_HEX_H
#define LIB_HEX_H

#include <stddef.h>

/* Writes two digits for each of the bytes, lower case, without NUL. */
void hex_write(char *out, const void *bytes, size_t len);
/* Of either case; -1: it is no digit. Not for secrets: how long it takes tells the digit. */
int hex_value(char digit);

#endif
