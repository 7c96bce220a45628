/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1-4) of the character at data, 0 if it is not valid. len > 0. */
size_t utf8_char(const char *data, size_t len);

/* Writes code as UTF-8 to out (room for 4) and returns its length. code is valid. */
size_t utf8_put(uint32_t code, char *out);

/* Offset of the first byte that does not belong to a valid character; len if all is well. */
size_t utf8_check(const char *data, size_t len);

#endif
