/*
 * Complaints about a configuration, collected so that one run reports all of
 * them: `FILE:LINE:COL: error: TEXT`.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/map.h"

/* Where something stands. Lines and columns count from 1; columns count characters. */
struct conf_mark {
	const char *file; /* as the user named it; borrowed */
	int line, column; /* line 0: the file as a whole */
};

/* More complaints than this are counted but not kept. */
#define CONF_COMPLAINTS_MAX 1000

struct conf_report {
	struct arena arena;
	struct map seen; /* the complaints, by their line as printed */
	struct conf_complaint *first, *last;
	int errors, warnings; /* the same complaint twice counts once */
	int left_out;	      /* of these, how many were not kept */
};

void conf_report_init(struct conf_report *report);
void conf_report_free(struct conf_report *report);

/* Whatever text a complaint quotes, it stays one line and cannot steer a terminal. */
void conf_error(struct conf_report *report, struct conf_mark at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void conf_verror(struct conf_report *report, struct conf_mark at, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
void conf_warning(struct conf_report *report, struct conf_mark at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* True when further complaints are only counted: no use in thinking of hints for them. */
bool conf_report_full(const struct conf_report *report);

/* Prints all complaints in the order of their marks, one a line. */
void conf_report_print(const struct conf_report *report, FILE *out);

/* The text of the complaint made first, without its place; NULL: none was made. */
const char *conf_report_text(const struct conf_report *report);

/*
 * A text from the file, as messages show it: in backquotes, cut when long, "an
 * empty text" when it is. Belongs to the report.
 */
const char *conf_quote(struct conf_report *report, const char *text);

/* The candidate that is near enough to name to be what was meant, or NULL. Ends with NULL. */
const char *conf_nearest(const char *name, const char *const *candidates);

/*
 * " (did you mean `x`?)" when one of the candidates is near to name, else "".
 * candidates ends with NULL. The text belongs to the report.
 */
const char *conf_suggest(
    struct conf_report *report, const char *name, const char *const *candidates);

#endif
