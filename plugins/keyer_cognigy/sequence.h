/*
 * Cognigy's sequence number, read as the Python service read it (pydantic 2, in
 * its lax mode): flows that fill in a template send it as a text.
 */
#ifndef KEYER_COGNIGY_SEQUENCE_H
#define KEYER_COGNIGY_SEQUENCE_H

#include "lib/canonical.h"

/*
 * Adds the number's decimal digits: an integer of any length, "007", "1_000",
 * " +5.00 ", 3e0, true. False, and nothing is added: it is none of these.
 */
bool sequence_add(struct canonical *c, const struct ow_host *host, const struct ow_event *event,
    const struct ow_json *value);

#endif
