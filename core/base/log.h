/*
 * The log: one line per message on a file descriptor, as text or JSON, written
 * with one write() so that lines of several threads never mix.
 *
 * Bounded: of the errors and warnings from one place about one route or plugin
 * at most a few a second are written; the first one afterwards, or log_flush(),
 * says how many were left out. A place is a level and a format string, or the
 * static text given for it. Nobody waits for a reader: a line that cannot be
 * taken at once is dropped and counted. What is told at other levels was asked for: a log sink
 * delivers through them.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

#include <onceway/host.h>
#include <onceway/option.h>

#include "base/clock.h"

enum log_format {
	LOG_TEXT = 0,
	LOG_JSON
};

/* Before any thread starts. fd is borrowed. clock too; NULL: the system's. */
void log_init(int fd, enum ow_level level, enum log_format format, const struct clock *clock);
bool log_enabled(enum ow_level level);

/* One `name=value` of a line; names are static. */
struct log_field {
	const char *name;
	struct ow_text value;
};

/* who: "route cxone", "core"; fields end with a NULL name, or are NULL. */
void log_write(enum ow_level level, const char *who, const struct log_field *fields,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void log_vwrite(enum ow_level level, const char *who, const struct log_field *fields,
    const char *fmt, va_list args) __attribute__((format(printf, 4, 0)));

/*
 * The same, where one line of code tells of many things: place stands for the
 * format. It is static, known by its address, and one of a few: texts made for an
 * event would each be a place of its own, without a limit.
 */
void log_write_place(enum ow_level level, const char *place, const char *who,
    const struct log_field *fields, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same, limited in number whatever the level. */
void log_write_seldom(enum ow_level level, const char *place, const char *who,
    const struct log_field *fields, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* For messages of others: secrets are taken out. */
void log_vwrite_concealed(enum ow_level level, const char *who, struct ow_list secrets,
    const char *fmt, va_list args) __attribute__((format(printf, 4, 0)));

/* Writes a line for each place whose lines were left out; about once a second, and at the end.
 */
void log_flush(void);

#define log_error(who, ...)   log_write(OW_LOG_ERROR, who, NULL, __VA_ARGS__)
#define log_warning(who, ...) log_write(OW_LOG_WARNING, who, NULL, __VA_ARGS__)
#define log_info(who, ...)    log_write(OW_LOG_INFO, who, NULL, __VA_ARGS__)
#define log_debug(who, ...)   log_write(OW_LOG_DEBUG, who, NULL, __VA_ARGS__)

#endif
