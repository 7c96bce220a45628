/*
 * Where the next page is: path and query of a request to the origin that is
 * configured, and nowhere else. All that is returned is to be freed with free().
 */
#ifndef SOURCE_POLL_TARGET_H
#define SOURCE_POLL_TARGET_H

#include <onceway/plugin.h>

/* Longer ones are refused: servers would do so too. */
#define TARGET_MAX 8192

/* Path and query of a URL that is one. */
char *target_of_url(const char *url);
/* With this query parameter, in place of those of that name. The value is escaped. */
char *target_with(const char *target, const char *name, struct ow_text value);
/* The value of a query parameter as a number; false: there is none. */
bool target_number(const char *target, const char *name, int64_t *number);

/*
 * The target of a link that came with a page of url. NULL with *why: it leads to
 * another origin, or is not a link.
 */
char *target_follow(const char *url, struct ow_text link, const char **why);

/* The URL of rel="next" in a Link header (RFC 8288); borrowed. False: there is none. */
bool target_next_link(struct ow_text header, struct ow_text *link);

/* Whether it can be sent. */
bool target_is_sound(const char *target);

#endif
