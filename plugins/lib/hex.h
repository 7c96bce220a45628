/* Bytes as lower-case hexadecimal digits. */
#ifndef LIB_HEX_H
#define LIB_HEX_H

#include <stddef.h>

/* Writes two digits for each of the bytes, without NUL. */
void hex_write(char *out, const void *bytes, size_t len);

#endif
