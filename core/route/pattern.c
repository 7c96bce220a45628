#include "route/pattern.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/items.h"
#include "json/scan.h"

/*
 * One place in an event. The event's own members are found by the worker's
 * scan; those of an object inside an array by a scan of that object, for which
 * each place that has fields has a pointer set: of everything below it.
 */
struct place {
	struct place *next; /* of the same fields */
	const char *path;   /* JSON pointer from the root */
	size_t index;	    /* among all places */
	unsigned level;	    /* 0: the root */
	/* in the sets of the places above, the root's first; `level` of them */
	const struct ow_pointer **pointers;
	struct leaf *leaf; /* or, if NULL: */
	struct pattern_fields *fields;
	struct pointer_set *below;
};

struct pattern_fields {
	struct pattern_fields *next; /* alternative of the same group */
	struct pattern *pattern;
	unsigned depth;
	struct place *of, **chain; /* of what, with all above it; chain[of->level] is `of` */
	struct place *first;
	struct pattern_group *groups;
};

struct pattern_group {
	struct pattern_group *next;
	struct pattern_fields *in, *first;
};

struct pattern {
	struct arena arena;
	struct place *root;
	struct place **places; /* by index */
	size_t count;
};

/* ---- building ---- */

static struct place *place_new(struct pattern *p, const char *path, unsigned level)
{
	struct place *place = arena_alloc(&p->arena, sizeof(*place));
	place->path = path;
	place->level = level;
	place->index = p->count++;
	p->places = mem_grow(p->places, p->count, sizeof(*p->places));
	p->places[place->index] = place;
	return place;
}

/* in: the fields around them, NULL for the root's. */
static struct pattern_fields *fields_new(
    struct pattern *p, struct place *of, const struct pattern_fields *in)
{
	struct pattern_fields *fields = arena_alloc(&p->arena, sizeof(*fields));
	fields->pattern = p;
	fields->of = of;
	fields->depth = in ? in->depth + 1 : 1;
	fields->chain = arena_alloc(&p->arena, (of->level + 1) * sizeof(*fields->chain));
	for (unsigned i = 0; in && i < of->level; i++)
		fields->chain[i] = in->chain[i];
	fields->chain[of->level] = of;
	return fields;
}

struct pattern *pattern_new(void)
{
	struct pattern *p = mem_zero(sizeof(*p));
	p->root = place_new(p, "", 0);
	p->root->below = pointer_set_new();
	p->root->fields = fields_new(p, p->root, NULL);
	return p;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		pointer_set_free(p->places[i]->below);
		if (p->places[i]->leaf)
			leaf_fini(p->places[i]->leaf);
	}
	free(p->places);
	arena_free(&p->arena);
	free(p);
}

struct pattern_fields *pattern_root(struct pattern *p)
{
	return p->root->fields;
}

unsigned pattern_depth(const struct pattern_fields *fields)
{
	return fields->depth;
}

/* PATH/NAME, as RFC 6901 writes it. */
static const char *extend(struct arena *arena, const char *path, const char *name)
{
	struct buf out = BUF_INIT;
	buf_add_string(&out, path);
	buf_add_char(&out, '/');
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			buf_add_string(&out, *name == '~' ? "~0" : "~1");
		else
			buf_add_char(&out, *name);
	}
	const char *extended = arena_string_of(arena, out.data, out.len);
	buf_free(&out);
	return extended;
}

static struct place *add_place(struct pattern_fields *in, const char *name)
{
	struct pattern *p = in->pattern;
	const char *path = extend(&p->arena, in->of->path, name);
	struct place *place = place_new(p, path, in->of->level + 1);
	place->pointers = arena_alloc(&p->arena, place->level * sizeof(struct ow_pointer *));
	for (unsigned i = 0; i < place->level; i++) {
		const struct place *above = in->chain[i];
		place->pointers[i] = pointer_add(above->below, path + strlen(above->path));
	}
	struct place **last = &in->first;
	while (*last)
		last = &(*last)->next;
	*last = place;
	return place;
}

struct pattern_fields *pattern_add_object(struct pattern_fields *in, const char *name)
{
	struct place *place = add_place(in, name);
	place->below = pointer_set_new();
	place->fields = fields_new(in->pattern, place, in);
	return place->fields;
}

struct leaf *pattern_add_leaf(struct pattern_fields *in, const char *name)
{
	struct place *place = add_place(in, name);
	place->leaf = leaf_new(&in->pattern->arena);
	return place->leaf;
}

struct pattern_group *pattern_add_group(struct pattern_fields *in)
{
	struct pattern_group *group = arena_alloc(&in->pattern->arena, sizeof(*group));
	group->in = in;
	group->next = in->groups;
	in->groups = group;
	return group;
}

struct pattern_fields *pattern_add_alternative(struct pattern_group *group)
{
	const struct pattern_fields *in = group->in;
	struct pattern_fields *fields = fields_new(in->pattern, in->of, in);
	fields->next = group->first;
	group->first = fields;
	return fields;
}

struct pattern_places {
	const struct pattern *pattern;
	const struct ow_pointer *at[]; /* by the places' index, in the worker's set */
};

struct pattern_places *pattern_places_new(const struct pattern *p, struct pointer_set *pointers)
{
	struct pattern_places *places =
	    mem_zero(sizeof(*places) + p->count * sizeof(places->at[0]));
	places->pattern = p;
	for (size_t i = 0; i < p->count; i++)
		places->at[i] = pointer_add(pointers, p->places[i]->path);
	return places;
}

void pattern_places_free(struct pattern_places *places)
{
	free(places);
}

/* ---- looking ---- */

/* Where members are looked up: in the event, or in an object inside an array of it. */
struct frame {
	const struct pattern_places *places;
	const struct ow_event *event;
	const struct ow_json *values; /* NULL: the event's own */
	unsigned level;		      /* of the place whose array the object is in */
};

static bool find(const struct frame *f, const struct place *place, struct ow_json *value)
{
	if (!f->values)
		return event_get_json(f->event, f->places->at[place->index], value);
	*value = f->values[pointer_index(place->pointers[f->level])];
	return value->type != 0;
}

static bool scalar_matches(const struct leaf *leaf, const struct ow_json *value)
{
	struct scalar scalar = {.type = value->type, .text = value->raw};
	if (value->type != OW_JSON_STRING)
		return leaf_matches(leaf, &scalar);
	scalar.text = text_span(value->raw.data + 1, value->raw.len - 2);
	if (json_string_plain(value->raw))
		return leaf_matches(leaf, &scalar);
	char *decoded = mem_alloc(json_string_room(value->raw));
	scalar.text = text_span(decoded, json_string_decode(value->raw, decoded));
	bool matches = leaf_matches(leaf, &scalar);
	free(decoded);
	return matches;
}

/* What holds no values is as good as not there: an empty array, objects alone. */
static bool value_matches(const struct leaf *leaf, const struct ow_json *value)
{
	struct ow_json item;
	bool none = true;
	if (value->type == OW_JSON_OBJECT)
		return leaf_matches_absent(leaf);
	if (value->type != OW_JSON_ARRAY)
		return scalar_matches(leaf, value);
	struct json_items items = json_items(value->raw);
	while (json_items_next(&items, &item)) {
		if (item.type == OW_JSON_OBJECT)
			continue;
		none = false;
		if (scalar_matches(leaf, &item))
			return true;
	}
	return none && leaf_matches_absent(leaf);
}

static bool fields_match(const struct pattern_fields *fields, const struct frame *f);

/* f NULL: there is no such object, so nothing is in it. */
static bool place_matches(const struct place *place, const struct frame *f);

static bool object_matches(const struct place *place, struct ow_text raw,
    struct ow_json *values, const struct frame *f)
{
	struct frame inner = {f->places, f->event, values, place->level};
	struct json_error error;
	return json_scan(raw, place->below, values, &error) &&
	       fields_match(place->fields, &inner);
}

/* An array where an object is wanted: one of those in it must match by itself. */
static bool array_matches(
    const struct place *place, const struct ow_json *array, const struct frame *f)
{
	struct json_items items = json_items(array->raw);
	struct ow_json *values = NULL, item;
	bool matches = false;
	while (!matches && json_items_next(&items, &item)) {
		if (item.type != OW_JSON_OBJECT)
			continue;
		if (!values)
			values = mem_array(pointer_count(place->below), sizeof(*values));
		matches = object_matches(place, item.raw, values, f);
	}
	if (!values)
		return fields_match(place->fields, NULL);
	free(values);
	return matches;
}

static bool place_matches(const struct place *place, const struct frame *f)
{
	struct ow_json value;
	bool there = f && find(f, place, &value);
	if (place->leaf)
		return there ? value_matches(place->leaf, &value)
			     : leaf_matches_absent(place->leaf);
	if (there && value.type == OW_JSON_ARRAY)
		return array_matches(place, &value, f);
	/* Where it is no object, the scan has found nothing below it. */
	return fields_match(place->fields, f);
}

/* Recursion, by way of alternatives too, ends with the depth of the pattern. */
static bool group_matches(const struct pattern_group *group, const struct frame *f)
{
	const struct pattern_fields *alternative = group->first;
	while (alternative && !fields_match(alternative, f))
		alternative = alternative->next;
	return alternative != NULL;
}

static bool fields_match(const struct pattern_fields *fields, const struct frame *f)
{
	for (const struct place *place = fields->first; place; place = place->next)
		if (!place_matches(place, f))
			return false;
	for (const struct pattern_group *g = fields->groups; g; g = g->next)
		if (!group_matches(g, f))
			return false;
	return true;
}

bool pattern_matches(const struct pattern_places *places, const struct ow_event *event)
{
	struct frame f = {.places = places, .event = event};
	return place_matches(places->pattern->root, &f);
}
