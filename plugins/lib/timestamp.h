/*
 * Times as events have them: RFC 3339 texts, and seconds or milliseconds since
 * 1970. Depends on no locale and no time zone.
 */
#ifndef LIB_TIMESTAMP_H
#define LIB_TIMESTAMP_H

#include <onceway/plugin.h>

/*
 * "2024-05-01T12:00:00.123+02:00": a space or `t` for T, any number of digits
 * of the second's fraction (those beyond milliseconds are cut off); Z, an
 * offset, or nothing, which is read as Z. False: it is none, or no such day.
 */
bool timestamp_of_text(struct ow_text text, int64_t *ms);

/*
 * raw is a JSON number. Up to 10^11 it counts seconds (until the year 5138),
 * beyond it milliseconds (since 1973). False: too large to be either.
 */
bool timestamp_of_number(struct ow_text raw, bool real, int64_t *ms);

/* The last multiple of step_ms that is not after ms, also before 1970. */
int64_t timestamp_round(int64_t ms, int64_t step_ms);

#endif
