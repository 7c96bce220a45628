#include "daemon/key_command.h"

#include <stdlib.h>
#include <string.h>

#include "base/conceal.h"
#include "base/log.h"
#include "base/text.h"
#include "plugin/event.h"
#include "plugin/instance.h"
#include "plugin/key.h"

/* A keyer alone: a worker that never runs, and the instance on it. */
struct bench {
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	struct ow_instance *keyer;
};

static const struct route_settings *find_route(const struct settings *s, const char *name)
{
	if (!name && s->routes->next) {
		fprintf(stderr, "onceway: there are several routes: say which with -r NAME\n");
		return NULL;
	}
	for (const struct route_settings *r = s->routes; r; r = r->next)
		if (!name || strcmp(r->name, name) == 0)
			return r;
	fprintf(stderr, "onceway: there is no route `%s` in %s\n", name, s->file);
	return NULL;
}

static bool bench_init(
    struct bench *b, const struct settings *s, const struct component_settings *keyer)
{
	const char *why;
	clock_init_system(&b->clock);
	b->common = (struct worker_common){.clock = &b->clock,
	    .metrics = metrics_new(1),
	    .shared = shared_objects_new(),
	    .secrets = s->secrets};
	b->worker = worker_new(0, &b->common);
	b->keyer = instance_new(b->worker, keyer->component, keyer->name, keyer->conf, &why);
	if (!b->keyer) {
		struct buf text = BUF_INIT;
		buf_add_string(&text, why);
		conceal(&text, s->secrets);
		fprintf(stderr, "onceway: keyer of route `%s`: %s\n", keyer->name, text.data);
		buf_free(&text);
	}
	return b->keyer != NULL;
}

static void bench_fini(struct bench *b)
{
	instance_free(b->keyer);
	worker_free(b->worker);
	shared_objects_free(b->common.shared);
	metrics_free(b->common.metrics);
}

/* One line; control characters must not reach the terminal. */
static void print_text(FILE *out, const char *before, const char *name, struct ow_text value)
{
	fprintf(out, "%s%s%s", before, name, name[0] ? ": " : "");
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];
		if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
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

static bool print_key(struct bench *b, struct ow_text line, bool explain, FILE *out)
{
	struct ow_event *event = event_create(b->keyer);
	struct json_error error;
	struct ow_key key;
	bool good = false;
	key_init(&key, explain);
	event_put_body(event, line.data, line.len);
	if (!event_is_json(event, &error)) {
		fprintf(out, "error: not %s: %s at byte %zu\n",
		    error.utf8 ? "UTF-8" : "valid JSON", error.problem, error.offset);
	} else if (instance_ops(b->keyer)->keyer.key(instance_state(b->keyer), event, &key) !=
		       OW_OK ||
		   !key.full.data) {
		fprintf(out, "error: %s %s\n",
		    key.invalid_field ? key.invalid_field : "the event",
		    key.invalid_problem ? key.invalid_problem : "has no key");
	} else {
		print_text(out, "", "", key.full);
		good = true;
	}
	if (explain)
		print_explanation(&key, out);
	key_fini(&key);
	event_release(event);
	return good;
}

int key_command(
    const struct settings *settings, const char *route, bool explain, FILE *in, FILE *out)
{
	const struct route_settings *r = find_route(settings, route);
	struct bench b = {.keyer = NULL};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int status = EXIT_SUCCESS;
	if (!r)
		return EXIT_FAILURE;
	if (!bench_init(&b, settings, r->keyer))
		status = EXIT_FAILURE;
	while (b.keyer && (len = getline(&line, &room, in)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		if (!print_key(&b, text_span(line, (size_t)len), explain, out))
			status = EXIT_FAILURE;
	}
	free(line);
	bench_fini(&b);
	return status;
}
