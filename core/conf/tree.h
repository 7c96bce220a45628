/*
 * A YAML document as a tree that keeps the mark of every node to the end, so
 * that a complaint made long after parsing still points at its line.
 *
 * Only what a configuration needs: one document; mappings with unique plain
 * keys; no tags. Anchors and aliases are resolved (an alias is the same node
 * again, with the alias's own mark), and so is `<<: *alias`, which adds the
 * members of a mapping that are not written out, behind those that are.
 *
 * Bounded: a file has at most 1 MiB, 64 levels, and at most 1 MiB more by way
 * of aliases and again by way of ${...}.
 */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/report.h"

/* Also holds where aliases stand inside aliases. */
#define CONF_DEPTH_MAX 64

enum conf_type {
	CONF_SCALAR = 1,
	CONF_MAPPING,
	CONF_SEQUENCE
};

struct conf_node {
	enum conf_type type;
	struct conf_mark mark;
	/* scalar: after ${...} expansion; NULL-terminated, no NUL inside */
	const char *text;
	bool quoted;  /* written in quotes or as a block: never null */
	bool secret;  /* its text came from a variable or a file: do not show it in messages */
	bool is_null; /* plain `~`, `null` or nothing at all */
	bool broken;  /* a complaint about it was made; text is empty: make no further one */
	/* mapping and sequence: children in the order written */
	struct conf_node *first, *next; /* next: sibling */
	size_t count;
	const char *key; /* of a mapping's child */
	struct conf_mark key_mark;
};

/*
 * Reads and expands a file. Complaints go to report. Returns the root (always
 * a mapping), allocated from arena, or NULL if there is no usable tree; other
 * complaints may still have been made when it is not NULL. Marks borrow file.
 */
struct conf_node *conf_tree_load(
    const char *file, struct arena *arena, struct conf_report *report);
/* The same from memory; name stands for the file. Used for defaults, examples, tests. */
struct conf_node *conf_tree_parse(const char *name, const char *text, size_t len,
    struct arena *arena, struct conf_report *report);

/* A mapping's child of that name, or NULL. node may be NULL. */
struct conf_node *conf_get(const struct conf_node *node, const char *key);

/* "a mapping", "a list", "a text", "nothing" (null, or no node at all): for messages. */
const char *conf_type_name(const struct conf_node *node);

#define conf_each(node, child)                                                                 \
	for (struct conf_node *child = (node) ? (node)->first : NULL; child;                   \
	     child = child->next)

#endif
