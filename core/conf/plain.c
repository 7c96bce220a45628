#include "conf/plain.h"

#include <string.h>

#include "base/text.h"

struct plain {
	struct arena *arena;
	const struct conf_node *where; /* of the first problem */
	const char *problem;
};

/* Recursion ends with the tree's depth, which is bounded. */
static bool convert(struct plain *p, const struct conf_node *node, struct ow_node *out);

bool conf_is_ambiguous(const struct conf_node *scalar)
{
	static const char *const words[] = {"True", "TRUE", "False", "FALSE", NULL};
	size_t i = 0;
	while (words[i] && strcmp(words[i], scalar->text) != 0)
		i++;
	return words[i] && !scalar->quoted;
}

enum ow_node_type conf_scalar_type(const struct conf_node *scalar)
{
	if (scalar->is_null)
		return OW_NODE_NULL;
	if (scalar->quoted)
		return OW_NODE_STRING;
	if (strcmp(scalar->text, "true") == 0 || strcmp(scalar->text, "false") == 0)
		return OW_NODE_BOOL;
	return text_is_json_number(text_of(scalar->text)) ? OW_NODE_NUMBER : OW_NODE_STRING;
}

static bool refuse(struct plain *p, const struct conf_node *node, const char *problem)
{
	p->where = node;
	p->problem = problem;
	return false;
}

static bool convert_scalar(struct plain *p, const struct conf_node *node, struct ow_node *out)
{
	if (node->broken)
		return refuse(p, node, NULL);
	if (conf_is_ambiguous(node))
		return refuse(p, node,
		    "has a value that could be a text or true or false: write it in small "
		    "letters, or in quotes");
	out->type = conf_scalar_type(node);
	out->text = out->type == OW_NODE_NULL ? NULL : arena_string(p->arena, node->text);
	return true;
}

static bool convert_children(struct plain *p, const struct conf_node *node, struct ow_node *out)
{
	const struct ow_node **end = &out->first;
	out->type = node->type == CONF_MAPPING ? OW_NODE_MAPPING : OW_NODE_LIST;
	conf_each(node, child)
	{
		struct ow_node *plain = arena_alloc(p->arena, sizeof(*plain));
		if (!convert(p, child, plain))
			return false;
		*end = plain;
		end = &plain->next;
	}
	return true;
}

static bool convert(struct plain *p, const struct conf_node *node, struct ow_node *out)
{
	memset(out, 0, sizeof(*out));
	out->name = node->key ? arena_string(p->arena, node->key) : NULL;
	if (node->type == CONF_SCALAR)
		return convert_scalar(p, node, out);
	return convert_children(p, node, out);
}

const struct ow_node *conf_plain(const struct conf_node *node, struct arena *arena,
    const struct conf_node **where, const char **problem)
{
	struct plain p = {.arena = arena};
	struct ow_node *out = arena_alloc(arena, sizeof(*out));
	if (convert(&p, node, out)) {
		out->name = NULL; /* of the option, which is known */
		return out;
	}
	*where = p.where;
	*problem = p.problem;
	return NULL;
}
