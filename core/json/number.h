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

/*
 * Compares two valid JSON numbers by value: below 0, 0 or above, like memcmp().
 * Exact, however many digits they have: 300, 300.0 and 3e2 are equal, and
 * 9007199254740993 is not 9007199254740992.
 */
int json_number_compare(struct ow_text a, struct ow_text b);

#endif
