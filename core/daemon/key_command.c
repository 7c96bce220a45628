#include "daemon/key_command.h"

#include <stdlib.h>
#include <string.h>

#include "base/conceal.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/visible.h"
#include "io/http_head.h"
#include "plugin/event.h"
#include "plugin/instance.h"
#include "plugin/key.h"

/* A route of the source in question. */
struct candidate {
	const struct route_settings *route;
	struct ow_instance *keyer; /* NULL: not asked */
	struct matcher *matcher;   /* NULL: it takes all */
};

/* Keyers alone: a worker that never runs, and the instances on it. */
struct bench {
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	const struct key_question *question;
	struct candidate *candidates; /* in the order of the file */
	size_t count;
	struct candidate *chosen; /* the only one with a keyer; NULL: by match */
};

static const struct route_settings *find_route(const struct settings *s, const char *name)
{
	const struct route_settings *r = s->routes;
	while (r && name && strcmp(r->name, name) != 0)
		r = r->next;
	if (!r)
		fprintf(stderr, "onceway: there is no route `%s` in %s\n", name, s->file);
	for (const struct route_settings *o = s->routes; r && !name && o; o = o->next) {
		if (o->source == r->source)
			continue;
		fprintf(stderr,
		    "onceway: there are several routes, of several sources: say which with "
		    "-r NAME\n");
		return NULL;
	}
	return r;
}

static bool make_keyer(struct bench *b, const struct settings *s, struct candidate *c)
{
	const struct component_settings *keyer = c->route->keyer;
	const char *why;
	c->keyer = instance_new(b->worker, keyer->component, keyer->name, keyer->conf, &why);
	if (!c->keyer) {
		struct buf text = BUF_INIT;
		buf_add_string(&text, why);
		conceal(&text, s->secrets);
		fprintf(stderr, "onceway: keyer of route `%s`: %s\n", keyer->name, text.data);
		buf_free(&text);
	}
	return c->keyer != NULL;
}

static void add_candidate(struct bench *b, const struct route_settings *r)
{
	b->candidates = mem_grow(b->candidates, b->count + 1, sizeof(*b->candidates));
	struct candidate *c = &b->candidates[b->count++];
	*c = (struct candidate){.route = r};
	if (r->match)
		c->matcher = matcher_new(r->match, worker_pointers(b->worker));
}

static bool bench_init(struct bench *b, const struct settings *s,
    const struct route_settings *route, const struct key_question *question)
{
	bool ok = true;
	clock_init_system(&b->clock);
	b->common = (struct worker_common){.clock = &b->clock,
	    .metrics = metrics_new(1),
	    .shared = shared_objects_new(),
	    .secrets = s->secrets};
	b->worker = worker_new(0, &b->common);
	b->question = question;
	for (const struct route_settings *r = s->routes; r; r = r->next)
		if (r->source == route->source)
			add_candidate(b, r);
	for (size_t i = 0; i < b->count; i++)
		if ((question->route || b->count == 1) && b->candidates[i].route == route)
			b->chosen = &b->candidates[i];
	for (size_t i = 0; i < b->count; i++)
		if (!b->chosen || b->chosen == &b->candidates[i])
			ok = make_keyer(b, s, &b->candidates[i]) && ok;
	return ok;
}

static void bench_fini(struct bench *b)
{
	for (size_t i = 0; i < b->count; i++) {
		instance_free(b->candidates[i].keyer);
		matcher_free(b->candidates[i].matcher);
	}
	free(b->candidates);
	worker_free(b->worker);
	shared_objects_free(b->common.shared);
	metrics_free(b->common.metrics);
}

/* ---- one event ---- */

static bool split_header(const char *text, struct ow_text *name, struct ow_text *value)
{
	const char *colon = strchr(text, ':');
	if (!colon || colon == text)
		return false;
	*name = text_span(text, (size_t)(colon - text));
	*value = text_trim(text_of(colon + 1));
	for (size_t i = 0; i < name->len; i++)
		if (!http_is_token(name->data[i]))
			return false;
	return http_is_all_text(*value);
}

bool key_header_is_good(const char *text)
{
	struct ow_text name, value;
	return split_header(text, &name, &value);
}

static struct ow_event *make_event(const struct bench *b, struct ow_text line)
{
	const struct key_question *q = b->question;
	struct candidate *any = b->chosen ? b->chosen : &b->candidates[0];
	struct ow_event *event = event_create(any->keyer);
	struct ow_text name, value;
	event_put_body(event, line.data, line.len);
	if (q->path)
		event_put_path(event, text_of(q->path));
	for (size_t i = 0; i < q->header_count; i++) {
		if (!split_header(q->headers[i], &name, &value))
			continue;
		char *n = mem_string_of(name.data, name.len);
		char *v = mem_string_of(value.data, value.len);
		event_put_header(event, n, v);
		free(n);
		free(v);
	}
	return event;
}

/* The route that takes the event; NULL: none. */
static const struct candidate *find_taker(const struct bench *b, const struct ow_event *event)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct candidate *c = &b->candidates[i];
		if (!c->matcher || matcher_ask(c->matcher, event) == MATCH_YES)
			return c;
	}
	return NULL;
}

static void print_text(FILE *out, const char *before, const char *name, struct ow_text value)
{
	fprintf(out, "%s%s%s", before, name, name[0] ? ": " : "");
	visible_print(out, value);
	fputc('\n', out);
}

static void print_explanation(const struct ow_key *key, FILE *out)
{
	for (const struct key_field *f = key->fields; f; f = f->next)
		print_text(out, "  field ", f->name, f->value);
	if (key->canonical.data)
		print_text(out, "  ", "canonical", key->canonical);
	if (key->full.data)
		print_text(out, "  ", "key", key_text(key));
	if (key->label.data)
		print_text(out, "  ", "label", key->label);
}

/* Only where there is more than one answer. */
static void print_route(const struct bench *b, const struct candidate *taker, FILE *out)
{
	if (b->count == 1 && !b->candidates[0].matcher)
		return;
	if (b->chosen && taker != b->chosen)
		fprintf(out, "  route: %s, but %s%s takes this event\n", b->chosen->route->name,
		    taker ? "route " : "none", taker ? taker->route->name : "");
	else if (taker)
		fprintf(out, "  route: %s\n", taker->route->name);
}

/* False after printing why there is no key. */
static bool find_key(
    const struct candidate *c, const struct ow_event *event, struct ow_key *key, FILE *out)
{
	struct json_error error;
	if (!event_is_json(event, &error)) {
		fprintf(out, "error: not %s: %s at byte %zu\n",
		    error.utf8 ? "UTF-8" : "valid JSON", error.problem, error.offset);
	} else if (!c) {
		fprintf(out, "error: no route takes this event\n");
	} else if (instance_ops(c->keyer)->keyer.key(instance_state(c->keyer), event, key) !=
		       OW_OK ||
		   !key->full.data) {
		fprintf(out, "error: %s %s\n",
		    key->invalid_field ? key->invalid_field : "the event",
		    key->invalid_problem ? key->invalid_problem : "has no key");
	} else {
		return true;
	}
	return false;
}

static bool print_key(const struct bench *b, struct ow_text line, FILE *out)
{
	struct ow_event *event = make_event(b, line);
	const struct candidate *taker = find_taker(b, event);
	struct ow_key key;
	bool explain = b->question->explain;
	key_init(&key, explain);
	bool good = find_key(b->chosen ? b->chosen : taker, event, &key, out);
	if (good)
		print_text(out, "", "", key.full);
	if (explain) {
		print_route(b, taker, out);
		print_explanation(&key, out);
	}
	key_fini(&key);
	event_release(event);
	return good;
}

int key_command(
    const struct settings *settings, const struct key_question *question, FILE *in, FILE *out)
{
	const struct route_settings *r = find_route(settings, question->route);
	struct bench b = {.count = 0};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	if (!r)
		return EXIT_FAILURE;
	bool ready = bench_init(&b, settings, r, question);
	int status = ready ? EXIT_SUCCESS : EXIT_FAILURE;
	while (ready && (len = getline(&line, &room, in)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		if (!print_key(&b, text_span(line, (size_t)len), out))
			status = EXIT_FAILURE;
	}
	free(line);
	bench_fini(&b);
	return status;
}
