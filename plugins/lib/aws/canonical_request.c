#include "lib/aws/canonical_request.h"

#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/uri.h"

static struct ow_text span(const char *begin, const char *end)
{
	return (struct ow_text){begin, (size_t)(end - begin)};
}

static const char *find(const char *from, const char *end, char c)
{
	const char *at = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
	return at ? at : end;
}

/* Behind the separator that was found, if one was. */
static const char *after(const char *separator, const char *end)
{
	return separator < end ? separator + 1 : end;
}

/* ---- escapes ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One form for what may be escaped in several ways: `%7e` and `~`, `%c3` and `%C3`. */
static void add_reescaped(struct draft *out, struct ow_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		int high = c == '%' && text.len - i > 2 ? hex_value(text.data[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.data[i + 2]) : -1;
		if (low >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		}
		uri_escape_char(out, c);
	}
}

/* ---- path ---- */

static void add_literal_path(struct draft *out, const char *at, const char *end)
{
	while (at < end) {
		const char *slash = find(at, end, '/');
		add_reescaped(out, span(at, slash));
		if (slash < end)
			draft_char(out, '/');
		at = after(slash, end);
	}
}

static bool is_dots(const char *begin, const char *end, size_t dots)
{
	return (size_t)(end - begin) == dots && memcmp(begin, "..", dots) == 0;
}

/* Takes the last segment off; at least the slash in front stays. */
static void go_up(struct draft *path)
{
	if (path->len > 1)
		path->len--; /* the slash behind the segment */
	while (path->len > 1 && path->data[path->len - 1] != '/')
		path->len--;
	path->data[path->len] = '\0';
}

/* RFC 3986, section 5.2.4; and of slashes in a row only one stays. */
static void resolve_path(struct draft *out, const char *at, const char *end)
{
	draft_char(out, '/');
	while (at < end) {
		const char *slash = find(at, end, '/');
		if (is_dots(at, slash, 2)) {
			go_up(out);
		} else if (at < slash && !is_dots(at, slash, 1)) {
			draft_add(out, span(at, slash));
			if (slash < end)
				draft_char(out, '/');
		}
		at = after(slash, end);
	}
}

static void add_path(struct draft *out, const char *at, const char *end, bool literal)
{
	struct draft path = DRAFT_EMPTY;
	if (at == end) {
		draft_char(out, '/');
	} else if (literal) {
		add_literal_path(out, at, end);
	} else {
		resolve_path(&path, at, end);
		for (size_t i = 0; i < path.len; i++)
			if (path.data[i] == '/')
				draft_char(out, '/');
			else
				uri_escape_char(out, path.data[i]);
	}
	draft_free(&path);
}

/* ---- query ---- */

struct parameter {
	struct ow_text name, value; /* as received, then the places of the escaped ones */
};

static struct ow_text escaped(struct draft *into, struct ow_text text)
{
	size_t before = into->len;
	add_reescaped(into, text);
	return (struct ow_text){NULL, into->len - before};
}

static int compare_texts(struct ow_text a, struct ow_text b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int order = compare_texts(x->name, y->name);
	return order ? order : compare_texts(x->value, y->value);
}

static size_t split_query(const char *at, const char *end, struct parameter *out)
{
	size_t count = 0;
	while (at < end) {
		const char *stop = find(at, end, '&'), *equals = find(at, stop, '=');
		const char *value = after(equals, stop);
		if (at < stop)
			out[count++] = (struct parameter){span(at, equals), span(value, stop)};
		at = after(stop, end);
	}
	return count;
}

static void add_query(struct draft *out, const char *at, const char *end)
{
	struct draft texts = DRAFT_EMPTY;
	struct parameter *all = alloc_zero((size_t)(end - at) / 2 + 1, sizeof(*all));
	size_t count = split_query(at, end, all);
	for (size_t i = 0; i < count; i++) {
		all[i].name = escaped(&texts, all[i].name);
		all[i].value = escaped(&texts, all[i].value);
	}
	/* Only now do the texts stay where they are. */
	const char *place = draft_text(&texts);
	for (size_t i = 0; i < count; i++) {
		all[i].name.data = place;
		all[i].value.data = place + all[i].name.len;
		place = all[i].value.data + all[i].value.len;
	}
	qsort(all, count, sizeof(*all), compare_parameters);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			draft_char(out, '&');
		draft_add(out, all[i].name);
		draft_char(out, '=');
		draft_add(out, all[i].value);
	}
	free(all);
	draft_free(&texts);
}

/* ---- headers ---- */

struct header {
	struct ow_text name, value;
	size_t index; /* where it stood: those of one name keep their order */
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const struct header *a, const struct header *b)
{
	return a->name.len == b->name.len &&
	       strncasecmp(a->name.data, b->name.data, a->name.len) == 0;
}

static int compare_headers(const void *a, const void *b)
{
	const struct header *x = a, *y = b;
	size_t shorter = x->name.len < y->name.len ? x->name.len : y->name.len;
	for (size_t i = 0; i < shorter; i++) {
		int order = lower(x->name.data[i]) - lower(y->name.data[i]);
		if (order)
			return order;
	}
	if (x->name.len != y->name.len)
		return x->name.len < y->name.len ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void add_name(struct draft *out, struct ow_text name)
{
	for (size_t i = 0; i < name.len; i++)
		draft_char(out, lower(name.data[i]));
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Trimmed, and of any white space inside one blank stays. */
static void add_value(struct draft *out, struct ow_text value)
{
	bool begun = false, blank = false;
	for (size_t i = 0; i < value.len; i++) {
		if (is_space(value.data[i])) {
			blank = begun;
			continue;
		}
		if (blank)
			draft_char(out, ' ');
		draft_char(out, value.data[i]);
		begun = true;
		blank = false;
	}
}

static void add_headers(
    const struct header *all, size_t count, struct draft *out, struct draft *names)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && same_name(&all[i - 1], &all[i])) {
			draft_char(out, ',');
		} else {
			if (i > 0) {
				draft_char(out, '\n');
				draft_char(names, ';');
			}
			add_name(out, all[i].name);
			add_name(names, all[i].name);
			draft_char(out, ':');
		}
		add_value(out, all[i].value);
	}
}

static struct header *sorted_headers(
    const struct sigv4_request *request, const struct sigv4_header *added, size_t count)
{
	size_t own = request->headers;
	struct header *all = alloc_zero(own + count + 1, sizeof(*all));
	for (size_t i = 0; i < own; i++)
		all[i] = (struct header){request->names[i], request->values[i], i};
	for (size_t i = 0; i < count; i++)
		all[own + i] = (struct header){{added[i].name, strlen(added[i].name)},
		    {added[i].value, strlen(added[i].value)}, own + i};
	qsort(all, own + count, sizeof(*all), compare_headers);
	return all;
}

void canonical_request_write(const struct sigv4_request *request,
    const struct sigv4_header *added, size_t count, const char *body_sha256, struct draft *out,
    struct draft *names)
{
	const char *target = request->target.data, *end = target + request->target.len;
	const char *question = find(target, end, '?');
	struct header *headers = sorted_headers(request, added, count);
	draft_printf(out, "%s\n", request->method);
	add_path(out, target, question, request->path_is_literal);
	draft_char(out, '\n');
	if (question < end)
		add_query(out, question + 1, end);
	draft_char(out, '\n');
	add_headers(headers, request->headers + count, out, names);
	draft_printf(out, "\n\n%s\n%s", draft_text(names), body_sha256);
	free(headers);
}
