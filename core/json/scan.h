/*
 * Checks a JSON text (RFC 8259) in one pass and notes where the members of a
 * pointer set are. Bytes are only looked at, never copied or changed.
 *
 * Stricter than the RFC where events would otherwise be ambiguous: lone
 * surrogate escapes, numbers that overflow a double ("1e400") and a byte order
 * mark are errors; nesting is limited. Integers may have any number of digits.
 * Of members with one name the last counts, whole: what an earlier one of that
 * name contained is forgotten.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "json/pointer.h"
#include "json/string.h"

#define JSON_DEPTH_MAX 512

struct json_error {
	size_t offset; /* of the byte that is wrong */
	bool utf8;     /* the text is not UTF-8; told before anything else that is wrong */
	const char *problem; /* static phrase: "expected a value" */
};

/*
 * Scans all of text. set may be NULL. values, when set is not NULL, has room
 * for pointer_count(set) entries and is overwritten: type 0 marks those that
 * are not there. Raw texts point into text. Returns true if text is valid;
 * else error (not NULL) says what is wrong and values are meaningless.
 */
bool json_scan(struct ow_text text, const struct pointer_set *set, struct ow_json *values,
    struct json_error *error);

#endif
