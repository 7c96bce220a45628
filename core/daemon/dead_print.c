#include "daemon/dead_print.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "daemon/visible.h"
#include "io/base64.h"

/* ---- JSON ---- */

/* Bytes that are no UTF-8 become U+FFFD. */
static json_t *json_of(struct ow_text t)
{
	struct buf b = BUF_INIT;
	buf_add_json(&b, t);
	json_t *out = json_loadb(b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	buf_free(&b);
	return out;
}

static json_t *json_time(int64_t ms)
{
	char text[32];
	clock_format(ms, text);
	return json_string(text);
}

/* Under name if it is text, else under name_base64. */
static void put_bytes(json_t *to, const char *name, struct ow_text bytes)
{
	struct buf b = BUF_INIT;
	if (utf8_check(bytes.data, bytes.len) == bytes.len) {
		json_object_set_new(to, name, json_of(bytes));
		return;
	}
	base64_add(&b, bytes);
	json_t *value = json_stringn(b.data, b.len);
	buf_clear(&b);
	buf_printf(&b, "%s_base64", name);
	json_object_set_new(to, b.data, value);
	buf_free(&b);
}

static json_t *read_history(const struct dead_letter *l)
{
	json_t *out = json_loadb(l->history.data, l->history.len, 0, NULL);
	if (json_is_array(out))
		return out;
	json_decref(out);
	return json_array();
}

/* An attempt as it is told: its time as text. */
static json_t *json_attempts(const struct dead_letter *l)
{
	json_t *history = read_history(l), *attempt;
	size_t i;
	json_array_foreach(history, i, attempt)
	{
		json_t *at = json_object_get(attempt, "at");
		if (json_is_integer(at))
			json_object_set_new(attempt, "at", json_time(json_integer_value(at)));
	}
	return history;
}

/* "Name: value\r\n" each, as [name, value] each: names may come twice. */
static json_t *json_headers(struct ow_text headers)
{
	json_t *out = json_array();
	while (headers.len > 0) {
		const char *end = memchr(headers.data, '\n', headers.len);
		size_t len = end ? (size_t)(end - headers.data) + 1 : headers.len;
		struct ow_text line = text_span(headers.data, len);
		while (line.len > 0 && strchr("\r\n", line.data[line.len - 1]))
			line.len--;
		const char *colon = memchr(line.data, ':', line.len);
		size_t name = colon ? (size_t)(colon - line.data) : line.len;
		struct ow_text value =
		    colon ? text_span(colon + 1, line.len - name - 1) : text_span(line.data, 0);
		json_array_append_new(
		    out, json_pack("[o, o]", json_of(text_span(line.data, name)),
			     json_of(text_trim(value))));
		headers.data += len;
		headers.len -= len;
	}
	return out;
}

static json_t *json_answer(const struct dead_letter *l)
{
	if (!l->answered)
		return json_null();
	json_t *out = json_pack(
	    "{s:i, s:o}", "status", l->answer_status, "content_type", json_of(l->answer_type));
	put_bytes(out, "body", l->answer_body);
	return out;
}

static json_t *json_letter(const struct dead_letter *l, bool whole)
{
	json_t *attempts = json_attempts(l);
	json_t *out = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "id",
	    (json_int_t)l->id, "route", json_of(l->route), "source", json_of(l->source), "key",
	    json_of(l->key), "reason", json_of(l->reason), "arrived", json_time(l->arrived_ms),
	    "died", json_time(l->died_ms), "bytes", (json_int_t)l->bytes, "attempts",
	    (json_int_t)json_array_size(attempts));
	if (!whole) {
		json_decref(attempts);
		return out;
	}
	json_object_set_new(out, "history", attempts);
	json_object_set_new(out, "answer", json_answer(l));
	json_object_set_new(out, "trace", json_of(l->trace));
	json_object_set_new(out, "path", json_of(l->path));
	json_object_set_new(out, "headers", json_headers(l->headers));
	put_bytes(out, "body", l->body);
	return out;
}

static void print_json(const struct dead_printer *p, const struct dead_letter *l)
{
	json_t *letter = json_letter(l, p->whole);
	fputs(p->count > 0 ? ",\n" : "\n", p->out);
	json_dumpf(letter, p->out, p->whole ? JSON_INDENT(2) : 0);
	json_decref(letter);
}

/* ---- text ---- */

static void print_line(const struct dead_printer *p, const struct dead_letter *l)
{
	char died[32];
	json_t *history = read_history(l);
	clock_format(l->died_ms, died);
	fprintf(p->out, "%8" PRId64 "  %s  %5zu  ", l->id, died, json_array_size(history));
	visible_print(p->out, l->route);
	fputs("  ", p->out);
	visible_print(p->out, l->key.len ? l->key : text_of("-"));
	fputs("  ", p->out);
	visible_print(p->out, l->reason);
	fputc('\n', p->out);
	json_decref(history);
}

static void print_field(FILE *out, const char *name, struct ow_text value)
{
	fprintf(out, "  %-8s  ", name);
	visible_print(out, value.len ? value : text_of("-"));
	fputc('\n', out);
}

static void print_attempts(FILE *out, const struct dead_letter *l)
{
	json_t *history = json_attempts(l), *attempt;
	size_t i;
	fprintf(out, "  %-8s  %zu\n", "attempts", json_array_size(history));
	json_array_foreach(history, i, attempt)
	{
		static const char *const names[] = {"at", "code", "why"};
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			fputs(n ? "  " : "    ", out);
			visible_print(out,
			    text_of(json_string_value(json_object_get(attempt, names[n]))));
		}
		fputc('\n', out);
	}
	json_decref(history);
}

/* Text as it is, anything else in base64. */
static void print_bytes(FILE *out, const char *name, struct ow_text bytes)
{
	struct buf b = BUF_INIT;
	bool text = utf8_check(bytes.data, bytes.len) == bytes.len;
	fprintf(out, "  %s (%zu bytes%s)\n", name, bytes.len, text ? "" : ", in base64");
	if (!text) {
		base64_add(&b, bytes);
		bytes = buf_text(&b);
	}
	visible_print_lines(out, bytes);
	if (bytes.len > 0 && bytes.data[bytes.len - 1] != '\n')
		fputc('\n', out);
	buf_free(&b);
}

static void print_headers(FILE *out, struct ow_text headers)
{
	json_t *list = json_headers(headers), *pair;
	size_t i;
	fputs("  headers\n", out);
	json_array_foreach(list, i, pair)
	{
		fputs("    ", out);
		visible_print(out, text_of(json_string_value(json_array_get(pair, 0))));
		fputs(": ", out);
		visible_print(out, text_of(json_string_value(json_array_get(pair, 1))));
		fputc('\n', out);
	}
	json_decref(list);
}

static void print_whole(const struct dead_printer *p, const struct dead_letter *l)
{
	FILE *out = p->out;
	char time[32];
	fprintf(out, "%sdead letter %" PRId64 "\n", p->count ? "\n" : "", l->id);
	print_field(out, "route", l->route);
	print_field(out, "source", l->source);
	print_field(out, "key", l->key);
	clock_format(l->arrived_ms, time);
	print_field(out, "arrived", text_of(time));
	clock_format(l->died_ms, time);
	print_field(out, "died", text_of(time));
	print_field(out, "reason", l->reason);
	print_attempts(out, l);
	print_field(out, "trace", l->trace);
	print_field(out, "path", l->path);
	print_headers(out, l->headers);
	print_bytes(out, "body", l->body);
	if (!l->answered)
		return;
	fprintf(out, "  answer    %d%s", l->answer_status, l->answer_type.len ? " " : "");
	visible_print(out, l->answer_type);
	fputc('\n', out);
	print_bytes(out, "answer's body", l->answer_body);
}

/* ---- all ---- */

void dead_print_begin(struct dead_printer *p)
{
	if (p->json)
		fputc('[', p->out);
}

void dead_print(const struct dead_letter *letter, void *arg)
{
	struct dead_printer *p = arg;
	if (p->json)
		print_json(p, letter);
	else if (p->whole)
		print_whole(p, letter);
	else {
		if (p->count == 0)
			fprintf(p->out, "%8s  %-24s  %5s  %s\n", "ID", "DIED", "TRIES",
			    "ROUTE  KEY  REASON");
		print_line(p, letter);
	}
	p->bytes += letter->bytes;
	p->count++;
}

void dead_print_end(struct dead_printer *p)
{
	if (p->json)
		fputs(p->count > 0 ? "\n]\n" : "]\n", p->out);
	else if (!p->whole)
		fprintf(p->out, "%" PRId64 " dead letter%s, %" PRId64 " KiB\n", p->count,
		    p->count == 1 ? "" : "s", (p->bytes + 1023) / 1024);
}
