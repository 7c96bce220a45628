/* JSON numbers as text; nothing here converts one. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stdbool.h>

#include <onceway/event.h>

/*
 * True if raw, a valid JSON number with a fraction or an exponent, is too
 * large for a double: rounding to the nearest would give infinity.
 */
bool json_number_overflows(struct ow_text raw);

#endif
