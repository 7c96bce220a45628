#include "route/match.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

struct header {
	struct header *next;
	const char *name;
	struct leaf *leaf;
};

struct match {
	struct arena arena;
	struct leaf *path; /* NULL: any */
	struct header *headers;
	struct pattern *event; /* NULL: any */
};

struct match *match_new(void)
{
	struct match *m = mem_zero(sizeof(*m));
	m->arena = ARENA_INIT;
	return m;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	if (m->path)
		leaf_fini(m->path);
	for (struct header *h = m->headers; h; h = h->next)
		leaf_fini(h->leaf);
	pattern_free(m->event);
	arena_free(&m->arena);
	free(m);
}

struct leaf *match_add_path(struct match *m)
{
	m->path = leaf_new(&m->arena);
	return m->path;
}

struct leaf *match_add_header(struct match *m, const char *name)
{
	struct header *h = arena_alloc(&m->arena, sizeof(*h));
	h->name = arena_string(&m->arena, name);
	h->leaf = leaf_new(&m->arena);
	h->next = m->headers;
	m->headers = h;
	return h->leaf;
}

struct pattern *match_add_event(struct match *m)
{
	m->event = pattern_new();
	return m->event;
}

struct matcher {
	const struct match *match;
	struct pattern_places *places; /* NULL: no field is looked at */
};

struct matcher *matcher_new(const struct match *m, struct pointer_set *pointers)
{
	struct matcher *matcher = mem_zero(sizeof(*matcher));
	matcher->match = m;
	if (m->event)
		matcher->places = pattern_places_new(m->event, pointers);
	return matcher;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	pattern_places_free(m->places);
	free(m);
}

static bool text_matches(const struct leaf *leaf, struct ow_text text)
{
	return leaf_matches(leaf, &(struct scalar){OW_JSON_STRING, text, true});
}

static bool headers_match(const struct header *h, const struct ow_event *event)
{
	for (; h; h = h->next) {
		struct ow_text value = event_get_header(event, h->name);
		if (value.data ? !text_matches(h->leaf, value) : !leaf_matches_absent(h->leaf))
			return false;
	}
	return true;
}

enum match_answer matcher_ask(const struct matcher *matcher, const struct ow_event *event)
{
	const struct match *m = matcher->match;
	struct json_error error;
	if ((m->path && !text_matches(m->path, event_get_path(event))) ||
	    !headers_match(m->headers, event))
		return MATCH_NO;
	if (!m->event)
		return MATCH_YES;
	if (!event_is_json(event, &error))
		return MATCH_UNREADABLE;
	return pattern_matches(matcher->places, event) ? MATCH_YES : MATCH_NO;
}
