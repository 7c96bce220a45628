#include "json/pointer.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/trie.h"

struct pointer_set {
	struct arena memory; /* of nodes, names and pointers */
	struct trie_node root;
	size_t count;
};

struct pointer_set *pointer_set_new(void)
{
	struct pointer_set *set = mem_zero(sizeof(*set));
	set->memory = ARENA_INIT;
	set->root.element = TRIE_NO_ELEMENT;
	return set;
}

void pointer_set_free(struct pointer_set *set)
{
	if (set)
		arena_free(&set->memory);
	free(set);
}

/* "~" stands only before 0 or 1. */
static bool well_formed(const char *text)
{
	if (text[0] != '\0' && text[0] != '/')
		return false;
	for (const char *p = text; *p; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

/* Resolves the escapes of one reference token; out has room for len bytes. */
static size_t unescape(const char *token, size_t len, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		out[n++] = token[i] != '~' ? token[i] : token[++i] == '0' ? '~' : '/';
	return n;
}

/* RFC 6901: digits without a leading zero. "-" names an element that is never there. */
static size_t read_element(struct ow_text name)
{
	int64_t n;
	if (name.len > 1 && name.data[0] == '0')
		return TRIE_NO_ELEMENT;
	return text_number(name, INT32_MAX, &n) ? (size_t)n : TRIE_NO_ELEMENT;
}

static struct trie_node *child_of(
    struct pointer_set *set, struct trie_node *node, struct ow_text name)
{
	struct trie_node **link = &node->child;
	while (*link && !text_equal((*link)->name, name))
		link = &(*link)->next;
	if (!*link) {
		struct trie_node *child = arena_alloc(&set->memory, sizeof(*child));
		child->name = name;
		child->element = read_element(name);
		*link = child;
	}
	return *link;
}

const struct ow_pointer *pointer_add(struct pointer_set *set, const char *text)
{
	if (!well_formed(text))
		return NULL;
	struct trie_node *node = &set->root;
	for (const char *p = text; *p == '/';) {
		size_t len = strcspn(++p, "/");
		char *name = arena_alloc(&set->memory, len + 1);
		node = child_of(set, node, text_span(name, unescape(p, len, name)));
		p += len;
	}
	/* Every place has exactly one text, so the same text has led to the same node. */
	if (!node->pointer) {
		struct ow_pointer *pointer = arena_alloc(&set->memory, sizeof(*pointer));
		pointer->text = arena_string(&set->memory, text);
		pointer->index = set->count++;
		node->pointer = pointer;
	}
	return node->pointer;
}

size_t pointer_count(const struct pointer_set *set)
{
	return set->count;
}

size_t pointer_index(const struct ow_pointer *pointer)
{
	return pointer->index;
}

const char *pointer_text(const struct ow_pointer *pointer)
{
	return pointer->text;
}

const struct trie_node *pointer_root(const struct pointer_set *set)
{
	return &set->root;
}
