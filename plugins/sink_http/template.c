#include "sink_http/template.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/hex.h"
#include "lib/uri.h"

/* A piece is a field, or text as it is. */
struct piece {
	bool is_field;
	struct field field;
	struct draft literal;
};

struct template_text {
	enum template_place place;
	struct piece *pieces;
	size_t count;
};

/* ---- parsing ---- */

static struct piece *add_piece(struct template_text *t, bool is_field)
{
	t->pieces = alloc_resize(t->pieces, (t->count + 1) * sizeof(*t->pieces));
	struct piece *piece = &t->pieces[t->count++];
	*piece = (struct piece){.is_field = is_field, .literal = DRAFT_EMPTY};
	return piece;
}

static void add_literal(struct template_text *t, char c)
{
	struct piece *last = t->count ? &t->pieces[t->count - 1] : NULL;
	if (!last || last->is_field)
		last = add_piece(t, false);
	draft_char(&last->literal, c);
}

/* `%{/a}` would make an escape of the first characters of a value. */
static bool ends_in_escape(const struct template_text *t)
{
	const struct piece *last = t->count ? &t->pieces[t->count - 1] : NULL;
	if (t->place != TEMPLATE_TARGET || !last || last->is_field)
		return false;
	size_t len = last->literal.len;
	return (len >= 1 && last->literal.data[len - 1] == '%') ||
	       (len >= 2 && last->literal.data[len - 2] == '%');
}

/* at is behind the opening brace. Returns what is behind the closing one, or NULL. */
static const char *parse_field(
    struct template_text *t, const char *at, struct template_problem *problem)
{
	const char *end = strchr(at, '}');
	struct field field;
	problem->what = "the brace is not closed: write {/a/b}, or {{ for a brace";
	if (!end)
		return NULL;
	problem->what = "a field cannot follow a `%`: write %25 for a percent sign";
	if (ends_in_escape(t))
		return NULL;
	problem->what = field_parse((struct ow_text){at, (size_t)(end - at)}, &field);
	if (problem->what)
		return NULL;
	add_piece(t, true)->field = field;
	return end + 1;
}

/* One character or one field. Returns what is behind it, or NULL. */
static const char *parse_next(
    struct template_text *t, const char *at, struct template_problem *problem)
{
	bool brace = *at == '{' || *at == '}';
	if (*at == '{' && at[1] != '{')
		return parse_field(t, at + 1, problem);
	problem->what = "the brace closes nothing: write }} for a brace";
	if (*at == '}' && at[1] != '}')
		return NULL;
	add_literal(t, *at);
	return at + (brace ? 2 : 1);
}

struct template_text *template_parse(
    const char *text, enum template_place place, struct template_problem *problem)
{
	struct template_text *t = alloc_zero(1, sizeof(*t));
	t->place = place;
	for (const char *at = text; *at;) {
		problem->at = (size_t)(at - text);
		at = parse_next(t, at, problem);
		if (!at) {
			template_free(t);
			return NULL;
		}
	}
	return t;
}

void template_complain(const struct ow_report *report, const char *option, const char *text,
    const struct template_problem *problem)
{
	size_t character = 1;
	for (size_t i = 0; i < problem->at; i++)
		character += ((unsigned char)text[i] & 0xc0) != 0x80;
	report->complain(
	    report, option, "is wrong from character %zu on: %s", character, problem->what);
}

void template_bind(
    struct template_text *t, const struct ow_host *host, struct ow_instance *self)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->pieces[i].is_field)
			field_bind(&t->pieces[i].field, host, self);
}

void template_free(struct template_text *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		field_fini(&t->pieces[i].field);
		draft_free(&t->pieces[i].literal);
	}
	free(t->pieces);
	free(t);
}

bool template_has_fields(const struct template_text *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->pieces[i].is_field)
			return true;
	return false;
}

const struct field *template_only_field(const struct template_text *t)
{
	return t->count == 1 && t->pieces[0].is_field ? &t->pieces[0].field : NULL;
}

/* ---- URLs ---- */

/* The character at *i, which moves on; an escape is one. */
static char decoded(struct ow_text t, size_t *i)
{
	char c = t.data[(*i)++];
	if (c != '%' || t.len - *i < 2)
		return c;
	int high = hex_value(t.data[*i]), low = hex_value(t.data[*i + 1]);
	if (high < 0 || low < 0)
		return c;
	*i += 2;
	return (char)(high * 16 + low);
}

/*
 * Some servers take an encoded slash for one, a backslash too, and what is behind a
 * semicolon for no part of the name. In none of their eyes may a segment be `.` or
 * `..`, or nothing.
 */
static bool is_sound_segment(struct ow_text segment)
{
	size_t dots = 0, others = 0, parts = 0;
	for (size_t i = 0; i < segment.len;) {
		char c = decoded(segment, &i);
		if (c == '/' || c == '\\' || c == ';') {
			bool nothing = c == ';' && parts + dots == 0;
			if (others == 0 && (dots == 1 || dots == 2 || nothing))
				return false;
			parts++;
			dots = others = 0;
		} else if (c == '.') {
			dots++;
		} else {
			others++;
		}
	}
	return others > 0 || (dots != 1 && dots != 2 && dots + parts > 0);
}

/* A target that is being written. */
struct target {
	struct draft *out;
	size_t segment; /* where the last one begins */
	bool filled;	/* it has a field in it */
	bool query;
};

static bool end_segment(struct target *to, struct refusal *refusal)
{
	struct ow_text segment = {
	    draft_text(to->out) + to->segment, to->out->len - to->segment};
	if (to->filled && !to->query && !is_sound_segment(segment))
		return refuse(refusal,
		    "a part of the URL's path would be empty, `.` or `..` with its fields");
	to->filled = false;
	return true;
}

static bool add_target_literal(
    struct target *to, const struct draft *literal, struct refusal *refusal)
{
	for (size_t i = 0; i < literal->len; i++) {
		char c = literal->data[i];
		bool ends = !to->query && (c == '/' || c == '?');
		if (ends && !end_segment(to, refusal))
			return false;
		to->query |= c == '?';
		draft_char(to->out, c);
		if (ends)
			to->segment = to->out->len;
	}
	return true;
}

static bool render_target(const struct template_text *t, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal)
{
	struct target to = {.out = out, .segment = out->len};
	for (size_t i = 0; i < t->count; i++) {
		const struct piece *piece = &t->pieces[i];
		struct ow_text value;
		if (!piece->is_field) {
			if (!add_target_literal(&to, &piece->literal, refusal))
				return false;
			continue;
		}
		if (!field_text(&piece->field, occasion, &value, refusal))
			return false;
		if (value.len > TEMPLATE_LINE_MAX)
			return refuse(refusal, "%s is too long for a URL", piece->field.name);
		uri_escape(out, value);
		to.filled = true;
	}
	return end_segment(&to, refusal);
}

/* ---- headers ---- */

/* Also those of ISO 8859-1, which are two bytes in UTF-8. */
static bool has_control(struct ow_text value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];
		unsigned char next = i + 1 < value.len ? (unsigned char)value.data[i + 1] : 0;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return true;
	}
	return false;
}

static bool add_header_value(
    const struct field *field, struct ow_text value, struct draft *out, struct refusal *refusal)
{
	if (value.len > TEMPLATE_LINE_MAX)
		return refuse(refusal, "%s is too long for a header", field->name);
	if (has_control(value))
		return refuse(refusal, "%s has a control character, which no header may have",
		    field->name);
	draft_add(out, value);
	return true;
}

/* ---- rendering ---- */

static bool render_text(const struct template_text *t, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct piece *piece = &t->pieces[i];
		bool is_header = t->place == TEMPLATE_HEADER;
		struct ow_text value = {piece->literal.data, piece->literal.len};
		if (piece->is_field && !field_text(&piece->field, occasion, &value, refusal))
			return false;
		if (!is_header)
			json_add_escaped(out, value);
		else if (!piece->is_field)
			draft_add(out, value);
		else if (!add_header_value(&piece->field, value, out, refusal))
			return false;
	}
	return true;
}

bool template_render(const struct template_text *t, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal)
{
	size_t from = out->len;
	if (t->place == TEMPLATE_STRING)
		return render_text(t, occasion, out, refusal);
	bool good = t->place == TEMPLATE_TARGET ? render_target(t, occasion, out, refusal)
						: render_text(t, occasion, out, refusal);
	if (good && out->len - from > TEMPLATE_LINE_MAX)
		return refuse(refusal, "the %s would have more than %d bytes",
		    t->place == TEMPLATE_TARGET ? "URL" : "header", TEMPLATE_LINE_MAX);
	return good;
}
