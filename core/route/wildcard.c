#include "route/wildcard.h"

#include <string.h>

#include "base/text.h"

/* The pieces between the stars: of `a*b*` they are `a`, `b` and an empty one. */
struct wildcard {
	size_t count; /* one more than there are stars */
	struct ow_text pieces[];
};

/* Resolves the escapes of text into out; stars that are meant as such become NUL. */
static const char *unescape(const char *text, char *out, size_t *len, size_t *stars)
{
	*len = *stars = 0;
	for (const char *p = text; *p; p++) {
		if (p[0] == '*' && p[1] == '*')
			return "cannot have two `*` in a row: write one";
		if (*p == '\\' && p[1] != '*' && p[1] != '\\')
			return "can have a backslash only before `*` or another backslash";
		*stars += *p == '*';
		out[(*len)++] = (char)(*p == '\\' ? *++p : *p == '*' ? '\0' : *p);
	}
	return NULL;
}

const struct wildcard *wildcard_new(struct arena *arena, const char *text, const char **problem)
{
	size_t len, stars;
	char *plain = arena_alloc(arena, strlen(text) + 1);
	*problem = unescape(text, plain, &len, &stars);
	if (*problem)
		return NULL;
	struct wildcard *w =
	    arena_alloc(arena, sizeof(*w) + (stars + 1) * sizeof(w->pieces[0]));
	const char *p = plain, *end = plain + len;
	while (w->count <= stars) {
		const char *star = memchr(p, '\0', (size_t)(end - p));
		const char *to = star ? star : end;
		w->pieces[w->count++] = text_span(p, (size_t)(to - p));
		p = to + (star != NULL);
	}
	return w;
}

bool wildcard_matches(const struct wildcard *w, struct ow_text text)
{
	struct ow_text first = w->pieces[0], last = w->pieces[w->count - 1];
	if (w->count == 1)
		return text_equal(first, text);
	if (!text_begins_with(text, first) || text.len - first.len < last.len ||
	    !text_ends_with(text, last))
		return false;
	const char *p = text.data + first.len, *end = text.data + text.len - last.len;
	/* The leftmost place of each piece leaves the most room for those after it. */
	for (size_t i = 1; i + 1 < w->count; i++) {
		struct ow_text piece = w->pieces[i];
		p = memmem(p, (size_t)(end - p), piece.data, piece.len);
		if (!p)
			return false;
		p += piece.len;
	}
	return true;
}
