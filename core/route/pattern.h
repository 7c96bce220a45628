/*
 * Event patterns: what a JSON body must be like, in the form of Amazon
 * EventBridge. A pattern is a tree of fields with the shape of the events that
 * it takes; each of its leaves says what the field there may be.
 *
 * Where the event has an array of objects, one of them must have all that the
 * pattern asks for at that place; an array of values will do if one of them
 * does. Arrays in arrays count as one.
 *
 * Built when the configuration is read, only looked at afterwards: all workers
 * share it. Nothing is allocated for an event but where it has arrays of
 * objects or strings with escapes, and no recursion goes deeper than
 * PATTERN_DEPTH_MAX.
 */
#ifndef ROUTE_PATTERN_H
#define ROUTE_PATTERN_H

#include "plugin/event.h"
#include "route/leaf.h"
#include "json/pointer.h"

#define PATTERN_DEPTH_MAX 16 /* levels, of fields and of alternatives together */

struct pattern;

/* What all of must hold in one object: its fields, and one of each group of alternatives. */
struct pattern_fields;

struct pattern *pattern_new(void);
void pattern_free(struct pattern *p); /* NULL is fine */

/* ---- building ---- */

/* The fields of the event itself. */
struct pattern_fields *pattern_root(struct pattern *p);
/* At what level fields are: those of the event at 1, alternatives one below what they are in.
 */
unsigned pattern_depth(const struct pattern_fields *fields);
/* A field that is an object; its fields. in is above level PATTERN_DEPTH_MAX. */
struct pattern_fields *pattern_add_object(struct pattern_fields *in, const char *name);
/* A field with a value. */
struct leaf *pattern_add_leaf(struct pattern_fields *in, const char *name);
/* Alternatives (`$or`), one of which must hold besides the fields of `in`. */
struct pattern_group *pattern_add_group(struct pattern_fields *in);
struct pattern_fields *pattern_add_alternative(struct pattern_group *group);

/* ---- looking ---- */

/* What a worker's scanner looks for, for a pattern. */
struct pattern_places;

/* The pattern is complete. pointers and pattern are borrowed and outlive the places. */
struct pattern_places *pattern_places_new(
    const struct pattern *p, struct pointer_set *pointers);
void pattern_places_free(struct pattern_places *places); /* NULL is fine */

/* The event's body is valid JSON, and the places are of its worker. */
bool pattern_matches(const struct pattern_places *places, const struct ow_event *event);

#endif
