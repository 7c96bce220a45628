/*
 * Complaints about a configuration, collected so that one run reports all of
 * them: `FILE:LINE:COL: error: TEXT`.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

/* Where something stands. Lines and columns count from 1; columns count characters. */
struct conf_mark {
	const char *file; /* as the user named it; borrowed */
	int line, column; /* line 0: the file as a whole */
};

struct conf_report {
	struct arena arena;
	struct conf_complaint *first;
	int errors, warnings;
};

void conf_report_init(struct conf_report *report);
void conf_report_free(struct conf_report *report);

void conf_error(struct conf_report *report, struct conf_mark at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void conf_verror(struct conf_report *report, struct conf_mark at, const char *fmt, va_list args);
void conf_warning(struct conf_report *report, struct conf_mark at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints all complaints in the order of their marks, one a line. The same complaint twice counts once. */
void conf_report_print(const struct conf_report *report, FILE *out);

/*
 * " (did you mean `x`?)" when one of the candidates is near to name, else "".
 * candidates ends with NULL. The text belongs to the report.
 */
const char *conf_suggest(struct conf_report *report, const char *name,
    const char *const *candidates);

#endif
