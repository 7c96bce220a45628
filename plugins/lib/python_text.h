/*
 * What Python makes of a value in an f-string, for keys that services written
 * in it have made: "text" is text, 1.0 is 1.0, true is True, null is None.
 */
#ifndef LIB_PYTHON_TEXT_H
#define LIB_PYTHON_TEXT_H

#include "lib/canonical.h"

/*
 * Adds it. False, and nothing is added: an array or an object, whose texts
 * depend on the order of members and on what Python believes is printable.
 */
bool python_text_add(struct canonical *c, const struct ow_host *host,
    const struct ow_event *event, const struct ow_json *value);

/* Whether `if value:` is taken: not null, false, zero or empty. */
bool python_text_is_true(const struct ow_json *value);

#endif
