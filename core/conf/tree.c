/*
 * libyaml's events become nodes on a stack of our own: its document loader
 * keeps neither the marks of keys nor a bound on aliases.
 */
#include "conf/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "conf/expand.h"
#include "conf/syntax.h"

#define MIB	     ((size_t)1024 * 1024)
#define FILE_MAX     MIB
#define ALIASED_MAX  MIB
#define EXPANDED_MAX MIB
/* What a node counts towards ALIASED_MAX besides its text. */
#define NODE_WEIGHT 16

/* What `&name` stands for, and how much an alias of it adds. */
struct anchor {
	struct conf_node *node;
	size_t weight;
	int height;
	bool complete; /* an alias inside the anchored node itself would be endless */
};

/* A mapping or list that is not finished. */
struct frame {
	struct conf_node *node, *last;
	struct anchor *anchor;
	size_t weight;
	int height; /* levels below and with this one */
	/* mapping only */
	struct map keys;	     /* key to the child that has it */
	const struct conf_node *key; /* the next node is its value */
	bool wants_value;	     /* also of a key that was refused (key is NULL) */
	const struct conf_node *merge;
};

struct builder {
	struct arena *arena;
	struct conf_report *report;
	const char *file;
	struct conf_node *root;
	struct frame stack[CONF_DEPTH_MAX];
	int depth;
	struct map anchors;
	size_t aliased, expanded;
	bool stop; /* after a complaint that makes the rest unusable */
};

static struct conf_mark mark_of(const struct builder *b, const yaml_event_t *event)
{
	return (struct conf_mark){
	    b->file, (int)event->start_mark.line + 1, (int)event->start_mark.column + 1};
}

static struct conf_node *node_new(
    struct builder *b, enum conf_type type, const yaml_event_t *event)
{
	struct conf_node *node = arena_alloc(b->arena, sizeof(*node));
	node->type = type;
	node->mark = mark_of(b, event);
	return node;
}

static void append(struct frame *f, struct conf_node *child)
{
	if (f->last)
		f->last->next = child;
	else
		f->node->first = child;
	f->last = child;
	f->node->count++;
}

/* ---- Mappings ---- */

static bool is_merge(const struct conf_node *key)
{
	return !key->quoted && strcmp(key->text, "<<") == 0;
}

static void take_key(struct builder *b, struct frame *f, struct conf_node *key, bool is_alias)
{
	f->wants_value = true;
	f->key = NULL;
	if (is_alias)
		conf_error(b->report, key->mark, "an alias cannot be a key: write the key out");
	else if (key->type != CONF_SCALAR)
		conf_error(
		    b->report, key->mark, "a key must be a text, not %s", conf_type_name(key));
	else if (key->text[0] == '\0' && !key->broken)
		conf_error(b->report, key->mark, "a key must not be empty");
	else if (!key->broken)
		f->key = key;
}

static void take_merge(
    struct builder *b, struct frame *f, const struct conf_node *value, bool is_alias)
{
	if (f->merge)
		conf_error(b->report, f->key->mark, "`<<` stands twice in this mapping");
	else if (value->broken)
		return;
	else if (!is_alias || value->type != CONF_MAPPING)
		conf_error(b->report, value->mark,
		    "`<<` takes one alias of a mapping, as in `<<: *name`");
	else
		f->merge = value;
}

static void take_value(
    struct builder *b, struct frame *f, struct conf_node *value, bool is_alias)
{
	f->wants_value = false;
	if (!f->key)
		return;
	if (is_merge(f->key)) {
		take_merge(b, f, value, is_alias);
		return;
	}
	struct ow_text key = text_of(f->key->text);
	const struct conf_node *before = map_get(&f->keys, key);
	if (before) {
		conf_error(b->report, f->key->mark,
		    "%s stands twice in this mapping: first in line %d",
		    conf_quote(b->report, f->key->text), before->key_mark.line);
		return;
	}
	value->key = f->key->text;
	value->key_mark = f->key->mark;
	map_put(&f->keys, key, value);
	append(f, value);
}

/* `<<`: what the mapping does not have itself, where it was written. */
static void merge(struct builder *b, struct frame *f)
{
	conf_each(f->merge, theirs)
	{
		if (map_get(&f->keys, text_of(theirs->key)))
			continue;
		struct conf_node *copy = arena_copy(b->arena, theirs, sizeof(*theirs));
		copy->next = NULL;
		append(f, copy);
	}
}

/* ---- Nodes ---- */

static void add(struct builder *b, struct conf_node *node, bool is_alias)
{
	if (b->depth == 0) {
		b->root = node;
		return;
	}
	struct frame *f = &b->stack[b->depth - 1];
	if (f->node->type == CONF_SEQUENCE)
		append(f, node);
	else if (f->wants_value)
		take_value(b, f, node, is_alias);
	else
		take_key(b, f, node, is_alias);
}

static bool in_key_place(const struct builder *b)
{
	const struct frame *f = b->depth ? &b->stack[b->depth - 1] : NULL;
	return f && f->node->type == CONF_MAPPING && !f->wants_value;
}

static void add_weight(struct builder *b, size_t weight, int height)
{
	if (b->depth == 0)
		return;
	struct frame *f = &b->stack[b->depth - 1];
	f->weight += weight;
	if (f->height < height + 1)
		f->height = height + 1;
}

static void refuse_tag(struct builder *b, const yaml_char_t *tag, const yaml_event_t *event)
{
	if (tag)
		conf_error(b->report, mark_of(b, event),
		    "tags are not used here: put a text that begins with `!` in quotes");
}

static struct anchor *note_anchor(
    struct builder *b, const yaml_char_t *name, struct conf_node *node)
{
	if (!name)
		return NULL;
	struct anchor *anchor = arena_alloc(b->arena, sizeof(*anchor));
	anchor->node = node;
	map_put(&b->anchors, text_of(arena_string(b->arena, (const char *)name)), anchor);
	return anchor;
}

static void complete_anchor(struct anchor *anchor, size_t weight, int height)
{
	if (!anchor)
		return;
	anchor->weight = weight;
	anchor->height = height;
	anchor->complete = true;
}

/* ---- Events ---- */

static void expand(struct builder *b, struct conf_node *node)
{
	const char *text =
	    conf_expand(node->text, node->mark, b->arena, b->report, &node->secret);
	if (!text) {
		node->broken = true;
		node->text = "";
		return;
	}
	if (text != node->text)
		b->expanded += strlen(text);
	node->text = text;
	if (b->expanded > EXPANDED_MAX) {
		conf_error(
		    b->report, node->mark, "`${...}` puts more than 1MiB into this file");
		b->stop = true;
	}
}

static bool means_null(const char *text)
{
	return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
	       strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static void scalar(struct builder *b, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct conf_node *node = node_new(b, CONF_SCALAR, event);
	refuse_tag(b, event->data.scalar.tag, event);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_string_of(b->arena, value, len);
	if (memchr(value, '\0', len)) {
		conf_error(b->report, node->mark, "a text cannot hold a NUL character");
		node->broken = true;
		node->text = "";
	}
	node->is_null = !node->quoted && means_null(node->text);
	if (!in_key_place(b))
		expand(b, node);
	struct anchor *anchor = note_anchor(b, event->data.scalar.anchor, node);
	size_t weight = NODE_WEIGHT + strlen(node->text);
	complete_anchor(anchor, weight, 0);
	add_weight(b, weight, 0);
	add(b, node, false);
}

static void too_deep(struct builder *b, const yaml_event_t *event)
{
	conf_error(
	    b->report, mark_of(b, event), "nested more than %d levels deep", CONF_DEPTH_MAX);
	b->stop = true;
}

static void collection_start(struct builder *b, enum conf_type type, const yaml_char_t *anchor,
    const yaml_char_t *tag, const yaml_event_t *event)
{
	if (b->depth == CONF_DEPTH_MAX) {
		too_deep(b, event);
		return;
	}
	struct conf_node *node = node_new(b, type, event);
	refuse_tag(b, tag, event);
	add(b, node, false);
	b->stack[b->depth++] = (struct frame){.node = node,
	    .anchor = note_anchor(b, anchor, node),
	    .weight = NODE_WEIGHT,
	    .height = 1};
}

static void collection_end(struct builder *b)
{
	struct frame *f = &b->stack[b->depth - 1];
	if (f->merge)
		merge(b, f);
	complete_anchor(f->anchor, f->weight, f->height);
	map_free(&f->keys);
	b->depth--;
	add_weight(b, f->weight, f->height);
}

/* A null node in place of what an alias could not give. */
static struct conf_node *broken_alias(struct builder *b, const yaml_event_t *event)
{
	struct conf_node *node = node_new(b, CONF_SCALAR, event);
	node->text = "";
	node->is_null = node->broken = true;
	return node;
}

static void alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct conf_mark at = mark_of(b, event);
	const struct anchor *anchor = map_get(&b->anchors, text_of(name));
	struct conf_node *node;
	if (!anchor) {
		conf_error(b->report, at, "`*%.64s` has no `&%.64s` before it", name, name);
		node = broken_alias(b, event);
	} else if (!anchor->complete) {
		conf_error(
		    b->report, at, "`*%.64s` stands inside of `&%.64s` itself", name, name);
		node = broken_alias(b, event);
	} else if (b->depth + anchor->height > CONF_DEPTH_MAX) {
		too_deep(b, event);
		return;
	} else {
		node = arena_copy(b->arena, anchor->node, sizeof(*node));
		node->mark = at;
		node->next = NULL;
		node->key = NULL;
		add_weight(b, anchor->weight, anchor->height);
		b->aliased += anchor->weight;
	}
	if (b->aliased > ALIASED_MAX) {
		conf_error(b->report, at, "aliases add more than 1MiB to this file");
		b->stop = true;
	}
	add(b, node, true);
}

static void handle(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		scalar(b, event);
		break;
	case YAML_ALIAS_EVENT:
		alias(b, event);
		break;
	case YAML_MAPPING_START_EVENT:
		collection_start(b, CONF_MAPPING, event->data.mapping_start.anchor,
		    event->data.mapping_start.tag, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		collection_start(b, CONF_SEQUENCE, event->data.sequence_start.anchor,
		    event->data.sequence_start.tag, event);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		collection_end(b);
		break;
	default:
		break;
	}
}

/* One event; false at the end of the document, or when there is no use in going on. */
static bool step(struct builder *b, yaml_parser_t *parser, struct ow_text text)
{
	yaml_event_t event;
	if (!yaml_parser_parse(parser, &event)) {
		conf_syntax_error(parser, b->file, text.data, text.len, b->report);
		b->stop = true;
		return false;
	}
	bool more = event.type != YAML_STREAM_END_EVENT;
	if (event.type == YAML_DOCUMENT_START_EVENT && b->root) {
		conf_error(b->report, mark_of(b, &event),
		    "a second document begins here: a configuration is one document");
		more = false;
	} else {
		handle(b, &event);
	}
	yaml_event_delete(&event);
	return more && !b->stop;
}

static struct conf_node *usable_root(struct builder *b)
{
	struct conf_node *root = b->stop ? NULL : b->root;
	if (b->stop || (root && root->broken))
		return NULL;
	if (!root || root->is_null) {
		conf_error(
		    b->report, (struct conf_mark){b->file, 0, 0}, "there is nothing in it");
		return NULL;
	}
	if (root->type != CONF_MAPPING) {
		conf_error(b->report, root->mark, "expected a mapping (`name: value`), not %s",
		    conf_type_name(root));
		return NULL;
	}
	return root;
}

struct conf_node *conf_tree_parse(const char *name, const char *text, size_t len,
    struct arena *arena, struct conf_report *report)
{
	struct builder b = {.arena = arena, .report = report, .file = name};
	yaml_parser_t parser;
	if (len > FILE_MAX) {
		conf_error(report, (struct conf_mark){name, 0, 0}, "it has more than 1MiB");
		return NULL;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (!conf_syntax_precheck(name, text, len, report))
		return NULL;
	if (!yaml_parser_initialize(&parser)) {
		conf_error(report, (struct conf_mark){name, 0, 0}, "out of memory");
		return NULL;
	}
	/* Without this libyaml would take a file that begins with FE FF for UTF-16. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (step(&b, &parser, text_span(text, len)))
		;
	struct conf_node *root = usable_root(&b);
	while (b.depth > 0)
		map_free(&b.stack[--b.depth].keys);
	map_free(&b.anchors);
	yaml_parser_delete(&parser);
	return root;
}

/* Reads to the end, or one byte more than is allowed. Returns 0 or an errno. */
static int read_file(int fd, struct buf *out)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	while (out->len <= FILE_MAX) {
		buf_reserve(out, 64 * 1024);
		ssize_t n = read(fd, out->data + out->len, 64 * 1024);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0)
			break;
		if (n > 0)
			out->len += (size_t)n;
	}
	return 0;
}

struct conf_node *conf_tree_load(
    const char *file, struct arena *arena, struct conf_report *report)
{
	struct buf text = BUF_INIT;
	struct conf_node *root = NULL;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int error = fd < 0 ? errno : read_file(fd, &text);
	if (error)
		conf_error(report, (struct conf_mark){file, 0, 0}, "cannot read it: %s",
		    strerror(error));
	else
		root = conf_tree_parse(file, text.data, text.len, arena, report);
	if (fd >= 0)
		close(fd);
	buf_free(&text);
	return root;
}

struct conf_node *conf_get(const struct conf_node *node, const char *key)
{
	if (!node || node->type != CONF_MAPPING)
		return NULL;
	conf_each(node, child)
	{
		if (strcmp(child->key, key) == 0)
			return child;
	}
	return NULL;
}

const char *conf_type_name(const struct conf_node *node)
{
	if (!node || node->is_null)
		return "nothing";
	return node->type == CONF_MAPPING    ? "a mapping"
	       : node->type == CONF_SEQUENCE ? "a list"
					     : "a text";
}
