/*
 * The checkpoint of the Python service for NICE CXone webhooks that Onceway
 * replaces: one JSON object of keys and the seconds left of their lives. It
 * says neither when it was written nor what the sink answered.
 */
#ifndef LIB_CHECKPOINT_JSON_H
#define LIB_CHECKPOINT_JSON_H

#include "lib/checkpoint_format.h"

#define CHECKPOINT_JSON_MAX (64 << 20) /* bytes of such a file */

/*
 * Passes a record for each key, with its life as of when the file was written.
 * Whole seconds or parts of them; what has no time left is passed too, and
 * Redis' own -1 and -2 with it: a key without a life cannot be kept for ever.
 * reader->read and reader->header are not used.
 */
bool checkpoint_json_decode(const char *data, size_t len,
    const struct checkpoint_reader *reader, struct checkpoint_error *error);

#endif
