/* Date and Retry-After (RFC 9110): seconds, or a date in any of the three forms of
 * section 5.6.7.
 */
#ifndef LIB_HTTP_DATE_H
#define LIB_HTTP_DATE_H

#include <onceway/event.h>

/* Waits beyond this are not believed. */
#define HTTP_RETRY_AFTER_MAX_MS ((int64_t)86400 * 1000)

/*
 * Milliseconds to wait from now_ms (wall clock); 0 for no value, a past date or
 * one that cannot be read.
 */
int64_t http_retry_after_ms(struct ow_text value, int64_t now_ms);

/* The time of a date, since 1970. False: it is none. */
bool http_date_ms(struct ow_text value, int64_t *ms);

#endif
