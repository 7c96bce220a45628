/*
 * A spool that does as it is told, for test_dead.py: stands for a daemon.
 *
 *   spool_keeper DIRECTORY    one JSON object a line in, one a line out
 *
 * {"put": EVENT} and {"dead": EVENT, "reason": R, "status": 422, "answer": TEXT} answer with
 * {"id": N}, {"take": N} with {"taken": [{"id", "mode", "body"}]}. EVENT: {"route", "key",
 * "history", "headers", "body" or "hex"}.
 */
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plugin/worker.h"
#include "spool/spool.h"

struct keeper {
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	struct spool *spool;
	json_t *answer; /* NULL: has not come */
};

static void done(int64_t id, const char *why, void *arg)
{
	struct keeper *k = arg;
	k->answer =
	    why ? json_pack("{s:s}", "why", why) : json_pack("{s:I}", "id", (json_int_t)id);
}

static void taken(const struct spool_event *events, size_t count, void *arg)
{
	struct keeper *k = arg;
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(list,
		    json_pack("{s:I, s:i, s:s%}", "id", (json_int_t)events[i].id, "mode",
			(int)events[i].mode, "body", events[i].body.data, events[i].body.len));
		spool_remove(k->spool, events[i].id);
	}
	k->answer = json_pack("{s:o}", "taken", list);
}

static struct ow_text text_at(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	return text_span(json_string_value(v), json_string_length(v));
}

static struct ow_text bytes_of(const json_t *o, char room[256])
{
	struct ow_text hex = text_at(o, "hex");
	for (size_t i = 0; i < hex.len / 2; i++)
		room[i] = (char)(text_hex_digit(hex.data[2 * i]) << 4 |
				 text_hex_digit(hex.data[2 * i + 1]));
	return hex.len ? text_span(room, hex.len / 2) : text_at(o, "body");
}

static void put(struct keeper *k, const json_t *line, const json_t *event, bool dead)
{
	char room[256];
	struct spool_event e = {.route = text_at(event, "route"),
	    .source = text_of("web"),
	    .key = text_at(event, "key"),
	    .path = text_of("/in"),
	    .headers = text_at(event, "headers"),
	    .body = bytes_of(event, room),
	    .arrived_ms = clock_wall(&k->clock)};
	struct ow_result answer = {.size = sizeof(answer),
	    .status = (int)json_integer_value(json_object_get(line, "status")),
	    .content_type = text_of("text/plain"),
	    .body = text_at(line, "answer")};
	struct spool_death death = {.reason = text_at(line, "reason"),
	    .history = text_at(event, "history"),
	    .answer = answer.status ? &answer : NULL};
	if (dead)
		spool_put_dead(k->spool, k->worker, &e, &death, done, k);
	else
		spool_put(k->spool, k->worker, &e, done, k);
}

static void obey(struct keeper *k, const json_t *line)
{
	const json_t *event;
	k->answer = NULL;
	if ((event = json_object_get(line, "put")))
		put(k, line, event, false);
	else if ((event = json_object_get(line, "dead")))
		put(k, line, event, true);
	else
		spool_take(k->spool, k->worker,
		    (size_t)json_integer_value(json_object_get(line, "take")), taken, k);
	while (!k->answer)
		event_base_loop(worker_base(k->worker), EVLOOP_ONCE);
	json_dumpf(k->answer, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(k->answer);
}

static bool open_spool(struct keeper *k, const char *directory)
{
	char why[SPOOL_WHY_SIZE];
	clock_init_system(&k->clock);
	k->common = (struct worker_common){
	    .clock = &k->clock, .metrics = metrics_new(1), .shared = shared_objects_new()};
	k->worker = worker_new(0, &k->common);
	k->spool = spool_open(&(struct spool_setup){.directory = directory,
				  .max_bytes = 1 << 30,
				  .dead_max_bytes = 1 << 30,
				  .dead_max_age_ms = INT64_C(1) << 40,
				  .clock = &k->clock,
				  .metrics = k->common.metrics,
				  .metrics_index = 1},
	    why);
	if (!k->spool)
		fprintf(stderr, "%s\n", why);
	return k->spool != NULL;
}

static void close_spool(struct keeper *k)
{
	spool_close(k->spool);
	worker_free(k->worker);
	shared_objects_free(k->common.shared);
	metrics_free(k->common.metrics);
}

int main(int argc, char **argv)
{
	struct keeper k = {.spool = NULL};
	char *text = NULL;
	size_t room = 0;
	bool good = argc == 2 && open_spool(&k, argv[1]);
	while (good && getline(&text, &room, stdin) > 0) {
		json_t *line = json_loads(text, 0, NULL);
		obey(&k, line);
		json_decref(line);
	}
	free(text);
	if (argc == 2)
		close_spool(&k);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
