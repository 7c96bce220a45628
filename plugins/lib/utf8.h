/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include <onceway/plugin.h>

bool utf8_valid(struct ow_text text);

/* The length of the longest beginning of text that is at most max bytes and ends with a
 * whole character. text is valid. */
size_t utf8_cut(struct ow_text text, size_t max);

#endif
