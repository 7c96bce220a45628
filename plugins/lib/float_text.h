/*
 * The text that Python's repr() gives a floating-point number: the shortest
 * decimal that reads back as the same double, the nearest one if there are
 * several. Services that hash such texts depend on every digit of it.
 *
 * Independent of the locale: no text with a decimal point passes through the
 * C library in either direction.
 */
#ifndef LIB_FLOAT_TEXT_H
#define LIB_FLOAT_TEXT_H

#include <onceway/plugin.h>

#define FLOAT_TEXT_MAX 32

/*
 * raw is a valid JSON number with a fraction or an exponent that does not
 * overflow a double. Writes the text to out, without NUL, and returns its length.
 */
size_t float_text(struct ow_text raw, char out[FLOAT_TEXT_MAX]);

#endif
