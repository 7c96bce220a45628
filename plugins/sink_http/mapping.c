#include "sink_http/mapping.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "sink_http/template.h"

/* A step of writing the document: text as it is, or what a template gives. */
struct step {
	struct draft literal;
	struct template_text *t; /* owned; NULL: a literal */
};

struct mapping {
	struct step *steps;
	size_t count;
};

/* Reads a body; with a report it is looked at only. */
struct reading {
	struct mapping *m;
	const struct ow_report *report;
	struct draft path; /* of the node: "body/contact/id" */
};

static struct step *add_step(struct mapping *m, struct template_text *t)
{
	m->steps = alloc_resize(m->steps, (m->count + 1) * sizeof(*m->steps));
	struct step *step = &m->steps[m->count++];
	*step = (struct step){.literal = DRAFT_EMPTY, .t = t};
	return step;
}

/* The literal that is being written. */
static struct draft *literal(struct mapping *m)
{
	bool goes_on = m->count > 0 && !m->steps[m->count - 1].t;
	return &(goes_on ? &m->steps[m->count - 1] : add_step(m, NULL))->literal;
}

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- reading ---- */

/* Recursion ends with the depth of a configuration, which is bounded. */
static void read_node(struct reading *r, const struct ow_node *node);

static void read_string(struct reading *r, const char *s)
{
	struct template_problem problem;
	struct template_text *t = template_parse(s, TEMPLATE_STRING, &problem);
	if (!t) {
		if (r->report)
			template_complain(r->report, draft_text(&r->path), s, &problem);
		return;
	}
	bool quoted = !template_only_field(t);
	if (quoted)
		draft_char(literal(r->m), '"');
	add_step(r->m, t);
	if (quoted)
		draft_char(literal(r->m), '"');
}

/* A part of a JSON pointer. */
static void add_part(struct draft *path, const char *name)
{
	draft_char(path, '/');
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			draft_string(path, *name == '~' ? "~0" : "~1");
		else
			draft_char(path, *name);
	}
}

/* `id: {/data/id}` is a mapping for YAML: hardly what was meant. */
static bool lacks_quotes(const struct ow_node *child)
{
	return child->type == OW_NODE_NULL &&
	       (child->name[0] == '/' || strncmp(child->name, "header:", 7) == 0);
}

static void check_name(const struct reading *r, const struct ow_node *child)
{
	const char *problem = NULL;
	if (strpbrk(child->name, "{}"))
		problem = "is a name with a brace: fields can only stand in values";
	else if (lacks_quotes(child))
		problem = "is a name without a value: a field is written in quotes, \"{/a/b}\"";
	if (r->report && problem)
		r->report->complain(r->report, draft_text(&r->path), "%s", problem);
}

static void read_child(struct reading *r, const struct ow_node *child, size_t index)
{
	size_t len = r->path.len;
	char number[24];
	snprintf(number, sizeof(number), "%zu", index);
	add_part(&r->path, child->name ? child->name : number);
	if (index > 0)
		draft_char(literal(r->m), ',');
	if (child->name) {
		check_name(r, child);
		draft_char(literal(r->m), '"');
		json_add_escaped(literal(r->m), text(child->name));
		draft_string(literal(r->m), "\":");
	}
	read_node(r, child);
	r->path.len = len;
	r->path.data[len] = '\0';
}

static void read_children(struct reading *r, const struct ow_node *node)
{
	bool list = node->type == OW_NODE_LIST;
	size_t index = 0;
	draft_char(literal(r->m), list ? '[' : '{');
	for (const struct ow_node *child = node->first; child; child = child->next)
		read_child(r, child, index++);
	draft_char(literal(r->m), list ? ']' : '}');
}

static void read_node(struct reading *r, const struct ow_node *node)
{
	switch (node->type) {
	case OW_NODE_NULL:
		draft_string(literal(r->m), "null");
		return;
	case OW_NODE_BOOL:
	case OW_NODE_NUMBER:
		draft_string(literal(r->m), node->text);
		return;
	case OW_NODE_STRING:
		read_string(r, node->text);
		return;
	default:
		read_children(r, node);
	}
}

static struct mapping *read_body(const struct ow_node *body, const struct ow_report *report)
{
	struct reading r = {
	    .m = alloc_zero(1, sizeof(struct mapping)), .report = report, .path = DRAFT_EMPTY};
	draft_string(&r.path, "body");
	read_node(&r, body);
	draft_free(&r.path);
	return r.m;
}

void mapping_check(const struct ow_node *body, const struct ow_report *report)
{
	struct mapping *m = read_body(body, report);
	bool scalar = body->type != OW_NODE_MAPPING && body->type != OW_NODE_LIST;
	bool field = m->count == 1 && m->steps[0].t && template_only_field(m->steps[0].t);
	/* What is no template has been told already. */
	if (scalar && !field && m->count > 0)
		report->complain(report, "body",
		    "must be a mapping, a list, or one field such as \"{/a/b}\"");
	mapping_free(m);
}

struct mapping *mapping_new(
    const struct ow_node *body, const struct ow_host *host, struct ow_instance *self)
{
	struct mapping *m = read_body(body, NULL);
	for (size_t i = 0; i < m->count; i++)
		if (m->steps[i].t)
			template_bind(m->steps[i].t, host, self);
	return m;
}

void mapping_free(struct mapping *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++) {
		template_free(m->steps[i].t);
		draft_free(&m->steps[i].literal);
	}
	free(m->steps);
	free(m);
}

/* ---- rendering ---- */

static bool run_step(const struct step *step, const struct occasion *occasion,
    struct draft *out, struct refusal *refusal)
{
	const struct field *only = step->t ? template_only_field(step->t) : NULL;
	if (only)
		return field_add_json(only, occasion, out, refusal);
	if (step->t)
		return template_render(step->t, occasion, out, refusal);
	draft_add(out, (struct ow_text){step->literal.data, step->literal.len});
	return true;
}

bool mapping_render(const struct mapping *m, const struct occasion *occasion, size_t max,
    struct draft *out, struct refusal *refusal)
{
	size_t from = out->len;
	for (size_t i = 0; i < m->count; i++) {
		if (!run_step(&m->steps[i], occasion, out, refusal))
			return false;
		if (out->len - from > max)
			return refuse(refusal, "the body would have more than %zu bytes", max);
	}
	return true;
}
