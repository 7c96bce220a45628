#include "conf/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

/* How many characters of a user's text a message quotes. */
#define QUOTED_MAX 120
/* text_distance() does not tell longer ones apart. */
#define NAME_MAX_LENGTH 64

struct conf_complaint {
	struct conf_complaint *next;
	struct conf_mark at;
	int order; /* of arrival: decides among complaints about one place */
	const char *line;
	const char *text; /* the end of line */
};

void conf_report_init(struct conf_report *report)
{
	*report = (struct conf_report){.arena = ARENA_INIT, .seen = MAP_INIT};
}

void conf_report_free(struct conf_report *report)
{
	map_free(&report->seen);
	arena_free(&report->arena);
	conf_report_init(report);
}

bool conf_report_full(const struct conf_report *report)
{
	return report->seen.count >= CONF_COMPLAINTS_MAX;
}

/* Controls (C0, DEL, C1) and bytes that are not UTF-8 become \xNN. */
static void add_printable(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		unsigned char c = (unsigned char)text[at];
		size_t n = utf8_char(text + at, len - at);
		bool control = c < 0x20 || c == 0x7f ||
			       (n == 2 && c == 0xc2 && (unsigned char)text[at + 1] < 0xa0);
		if (n == 0 || control) {
			buf_printf(out, "\\x%02x", c);
			at++;
		} else {
			buf_add(out, text + at, n);
			at += n;
		}
	}
}

static void add_place(struct buf *out, struct conf_mark at)
{
	buf_add_string(out, at.file ? at.file : "configuration");
	if (at.line > 0)
		buf_printf(out, ":%d:%d", at.line, at.column);
}

static void keep(
    struct conf_report *report, struct conf_mark at, const struct buf *line, size_t text_at)
{
	struct conf_complaint *c = arena_alloc(&report->arena, sizeof(*c));
	/* The file's name may live in an arena that is gone before the report is printed. */
	bool same_file = report->last && at.file && report->last->at.file &&
			 strcmp(report->last->at.file, at.file) == 0;
	if (same_file)
		at.file = report->last->at.file;
	else if (at.file)
		at.file = arena_string(&report->arena, at.file);
	c->at = at;
	c->order = report->errors + report->warnings;
	c->line = arena_string_of(&report->arena, line->data, line->len);
	c->text = c->line + text_at;
	if (report->last)
		report->last->next = c;
	else
		report->first = c;
	report->last = c;
	map_put(&report->seen, text_span(c->line, line->len), c);
}

static void complain(struct conf_report *report, struct conf_mark at, const char *severity,
    int *counter, const char *fmt, va_list args) __attribute__((format(printf, 5, 0)));

static void complain(struct conf_report *report, struct conf_mark at, const char *severity,
    int *counter, const char *fmt, va_list args)
{
	struct buf raw = BUF_INIT, line = BUF_INIT;
	buf_vprintf(&raw, fmt, args);
	add_place(&line, at);
	buf_printf(&line, ": %s: ", severity);
	size_t text_at = line.len;
	add_printable(&line, raw.data, raw.len);
	if (!map_get(&report->seen, buf_text(&line))) {
		if (conf_report_full(report))
			report->left_out++;
		else
			keep(report, at, &line, text_at);
		++*counter;
	}
	buf_free(&line);
	buf_free(&raw);
}

void conf_verror(struct conf_report *report, struct conf_mark at, const char *fmt, va_list args)
{
	complain(report, at, "error", &report->errors, fmt, args);
}

void conf_error(struct conf_report *report, struct conf_mark at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	conf_verror(report, at, fmt, args);
	va_end(args);
}

void conf_warning(struct conf_report *report, struct conf_mark at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	complain(report, at, "warning", &report->warnings, fmt, args);
	va_end(args);
}

static int compare(const void *a, const void *b)
{
	const struct conf_complaint *x = *(const struct conf_complaint *const *)a;
	const struct conf_complaint *y = *(const struct conf_complaint *const *)b;
	int files = strcmp(x->at.file ? x->at.file : "", y->at.file ? y->at.file : "");
	if (files)
		return files;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void conf_report_print(const struct conf_report *report, FILE *out)
{
	size_t count = report->seen.count, i = 0;
	const struct conf_complaint **sorted =
	    mem_array(count, sizeof(struct conf_complaint *));
	for (const struct conf_complaint *c = report->first; c; c = c->next)
		sorted[i++] = c;
	qsort(sorted, count, sizeof(struct conf_complaint *), compare);
	for (i = 0; i < count; i++)
		fprintf(out, "%s\n", sorted[i]->line);
	free(sorted);
	if (report->left_out > 0)
		fprintf(out, "%s: error: %d more complaints are not shown\n",
		    report->last->at.file ? report->last->at.file : "configuration",
		    report->left_out);
}

const char *conf_report_text(const struct conf_report *report)
{
	return report->first ? report->first->text : NULL;
}

const char *conf_quote(struct conf_report *report, const char *text)
{
	if (conf_report_full(report))
		return "";
	if (text[0] == '\0')
		return "an empty text";
	size_t len = strlen(text), at = 0;
	for (int shown = 0; at < len && shown < QUOTED_MAX; shown++) {
		size_t n = utf8_char(text + at, len - at);
		at += n ? n : 1;
	}
	return arena_printf(&report->arena, "`%.*s%s`", (int)at, text, at < len ? "..." : "");
}

const char *conf_nearest(const char *name, const char *const *candidates)
{
	size_t len = strlen(name);
	if (len > NAME_MAX_LENGTH)
		return NULL;
	unsigned best = (unsigned)(len > 5 ? len / 3 : 1) + 1;
	const char *nearest = NULL;
	for (; *candidates; candidates++) {
		if (text_equal_nocase(text_of(name), text_of(*candidates)))
			return *candidates;
		unsigned distance = text_distance(name, *candidates);
		if (distance < best && distance < len) {
			best = distance;
			nearest = *candidates;
		}
	}
	return nearest;
}

const char *conf_suggest(
    struct conf_report *report, const char *name, const char *const *candidates)
{
	const char *nearest = conf_report_full(report) ? NULL : conf_nearest(name, candidates);
	if (!nearest)
		return "";
	return arena_printf(&report->arena, " (did you mean `%s`?)", nearest);
}
