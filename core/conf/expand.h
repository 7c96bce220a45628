/*
 * ${NAME}, ${NAME:-default} and ${file:/path} inside a scalar. `$${` stands
 * for a literal `${`. An unset variable without default, an unreadable file
 * and an unclosed `${` are errors. From a file, one final newline is dropped;
 * files over 64 KiB, with NUL bytes, or writable by others are refused.
 */
#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H

#include <stdbool.h>

#include "conf/report.h"

/*
 * Expands text found at mark. Returns text itself if there is nothing to
 * expand, a text from arena, or NULL after complaining. *expanded tells
 * whether anything was put in that does not stand in the file: no default.
 */
const char *conf_expand(const char *text, struct conf_mark mark, struct arena *arena,
    struct conf_report *report, bool *expanded);

#endif
