/*
 * The tree behind a pointer set, for the scanner alone. Each node stands for
 * one place in a document; its children are the wanted members (or elements)
 * there. Built by pointer_add(), only read afterwards.
 */
#ifndef JSON_TRIE_H
#define JSON_TRIE_H

#include <stdbool.h>

#include "json/pointer.h"

#define TRIE_NO_ELEMENT SIZE_MAX

struct ow_pointer {
	const char *text;
	size_t index;
};

struct trie_node {
	struct ow_text name;	 /* of the member, escapes resolved */
	size_t element;		 /* the name read as an array index, or TRIE_NO_ELEMENT */
	struct trie_node *child; /* first one */
	struct trie_node *next;	 /* sibling */
	const struct ow_pointer *pointer; /* the pointer that ends here, or NULL */
};

/* The node of the whole document. */
const struct trie_node *pointer_root(const struct pointer_set *set);

#endif
