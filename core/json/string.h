/*
 * JSON strings as text. raw is always a valid string, with its quotes, that
 * json_scan() has been over.
 */
#ifndef JSON_STRING_H
#define JSON_STRING_H

#include <stdbool.h>

#include <onceway/event.h>

/* Upper bound of the decoded length. */
size_t json_string_room(struct ow_text raw);
/* Writes the text as UTF-8 to out, returns its length. */
size_t json_string_decode(struct ow_text raw, char *out);

/* True if there are no escapes: the text is then the inside as it is. */
bool json_string_plain(struct ow_text raw);

/* True if the text is `text`. Costs no more than the shorter of the two. */
bool json_string_is(struct ow_text raw, struct ow_text text);

/* The value of four hexadecimal digits, or -1; p has room for four. */
int32_t json_hex4(const char *p);

#endif
