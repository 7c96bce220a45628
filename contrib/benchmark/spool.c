/*
 * What it costs to have events on disk before they are acknowledged: the spool, whose writer
 * makes one transaction of all that came while it waited for the disk, beside one transaction
 * for each event.
 *
 *	spool [DIRECTORY [ROUNDS [SECONDS]]]
 *
 * All take turns, round after round, and are compared with what one fsync for each event gave
 * in the same round. Each event is put, and removed when it is on disk, as if it had been
 * delivered at once. Prints Markdown. Fails if an event is not kept, never on time.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "plugin/worker.h"
#include "spool/rows.h"
#include "spool/spool.h"
#include "spool/spool_file.h"

#define ROUNDS_MAX 101
#define BODY_SIZE  419
#define SAMPLES	   2000000

/* So many events at a time; 0: one after the other, without the spool's thread. */
static const unsigned concurrencies[] = {0, 1, 64, 128, 256, 512};
#define CANDIDATES (sizeof(concurrencies) / sizeof(concurrencies[0]))

struct measured {
	double rate[ROUNDS_MAX], ratio[ROUNDS_MAX], together[ROUNDS_MAX];
	double median_ms[ROUNDS_MAX], p99_ms[ROUNDS_MAX];
};

static struct {
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	struct spool *spool;
	bool ended;
	unsigned under_way;
	int64_t begun_us;
	uint32_t *samples; /* microseconds */
	size_t count;
} run;

static char body[BODY_SIZE];

static struct spool_event make_event(void)
{
	return (struct spool_event){.route = text_of("cxone"),
	    .source = text_of("dataaction"),
	    .key = text_of("cxone:dedup:"
			   "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
	    .path = text_of("/webhook/dataaction"),
	    .headers = text_of("Content-Type: application/json\r\nUser-Agent: CXone\r\n"
			       "Content-Length: 419\r\nHost: hooks.example.com\r\n"),
	    .body = text_span(body, sizeof(body)),
	    .trace = text_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
	    .arrived_ms = clock_wall(&run.clock),
	    .claimed = true};
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "spool: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void sample(int64_t since_us)
{
	int64_t took = clock_mono_us(&run.clock) - since_us;
	if (run.count < SAMPLES)
		run.samples[run.count] = (uint32_t)(took < UINT32_MAX ? took : UINT32_MAX);
	run.count++;
}

/* ---- through the spool ---- */

static void put_next(int64_t *asked_us);

static void was_put(int64_t id, const char *why, void *arg)
{
	int64_t *asked_us = arg;
	if (why)
		fail("an event is not on disk", why);
	sample(*asked_us);
	spool_remove(run.spool, id);
	if (!run.ended) {
		put_next(asked_us);
		return;
	}
	free(asked_us);
	if (--run.under_way == 0)
		worker_stop(run.worker);
}

static void put_next(int64_t *asked_us)
{
	struct spool_event event = make_event();
	*asked_us = clock_mono_us(&run.clock);
	spool_put(run.spool, run.worker, &event, was_put, asked_us);
}

static void end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	run.ended = true;
}

/* Returns how many transactions there were. */
static int64_t run_spool(const char *directory, unsigned concurrency, int seconds)
{
	char why[SPOOL_WHY_SIZE];
	run.common = (struct worker_common){
	    .clock = &run.clock, .metrics = metrics_new(1), .shared = shared_objects_new()};
	run.worker = worker_new(0, &run.common);
	run.spool = spool_open(&(struct spool_setup){.directory = directory,
				   .max_bytes = INT64_MAX,
				   .dead_max_bytes = INT64_MAX,
				   .dead_max_age_ms = INT64_C(1) << 40,
				   .clock = &run.clock,
				   .metrics = run.common.metrics,
				   .metrics_index = 1},
	    why);
	if (!run.spool)
		fail("cannot begin", why);
	struct event *timer = event_new(worker_base(run.worker), -1, 0, end, NULL);
	event_add(timer, &(struct timeval){.tv_sec = seconds});
	run.under_way = concurrency;
	run.begun_us = clock_mono_us(&run.clock);
	for (unsigned i = 0; i < concurrency; i++)
		put_next(mem_alloc(sizeof(int64_t)));
	worker_run(run.worker);
	event_free(timer);
	spool_close(run.spool);
	int64_t transactions = metrics_total(run.common.metrics, "onceway_spool_batch", NULL);
	worker_free(run.worker);
	shared_objects_free(run.common.shared);
	metrics_free(run.common.metrics);
	return transactions;
}

/* ---- one transaction for each ---- */

static void check(int rc, const struct rows *rows)
{
	if (rc != SQLITE_OK)
		fail("an event is not on disk", rows_error(rows));
}

/* Its removal goes along with the next, so that there is one wait for each event. */
static int64_t run_alone(const char *directory, int seconds)
{
	char why[SPOOL_WHY_SIZE];
	struct tally tally = {.waiting = 0};
	int64_t id, before = 0;
	sqlite3 *db = spool_file_open(directory, why);
	if (!db)
		fail("cannot begin", why);
	struct rows *rows = rows_new(db);
	run.begun_us = clock_mono_us(&run.clock);
	int64_t until = run.begun_us + (int64_t)seconds * 1000000;
	while (clock_mono_us(&run.clock) < until) {
		int64_t asked_us = clock_mono_us(&run.clock);
		struct spool_event event = make_event();
		check(rows_begin(rows), rows);
		if (before)
			check(rows_remove(rows, before, &tally), rows);
		check(rows_put(rows, &event, clock_wall(&run.clock), &id, &tally), rows);
		check(rows_commit(rows), rows);
		before = id;
		sample(asked_us);
	}
	rows_free(rows);
	sqlite3_close(db);
	return (int64_t)run.count;
}

/* ---- rounds ---- */

static int compare_samples(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void measure(struct measured *m, size_t c, int round, int seconds, const char *above)
{
	char directory[256], command[300];
	snprintf(directory, sizeof(directory), "%s/onceway-bench-XXXXXX", above);
	if (!mkdtemp(directory))
		fail(above, "cannot make a directory there");
	run.ended = false;
	run.count = 0;
	int64_t transactions = concurrencies[c] == 0
				   ? run_alone(directory, seconds)
				   : run_spool(directory, concurrencies[c], seconds);
	double took = (double)(clock_mono_us(&run.clock) - run.begun_us) / 1e6;
	size_t samples = run.count < SAMPLES ? run.count : SAMPLES;
	if (samples == 0 || transactions == 0)
		fail("no event", "was put");
	qsort(run.samples, samples, sizeof(*run.samples), compare_samples);
	m[c].rate[round] = (double)run.count / took;
	m[c].ratio[round] = m[c].rate[round] / m[0].rate[round];
	m[c].together[round] = (double)run.count / (double)transactions;
	m[c].median_ms[round] = run.samples[samples / 2] / 1e3;
	m[c].p99_ms[round] = run.samples[samples * 99 / 100] / 1e3;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	if (system(command) != 0)
		fail(directory, "cannot be removed");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print_span(double *values, int rounds, int digits)
{
	qsort(values, (size_t)rounds, sizeof(*values), compare);
	printf(" %.*f (%.*f to %.*f) |", digits, values[rounds / 2], digits, values[0], digits,
	    values[rounds - 1]);
}

static void print_table(struct measured *m, int rounds)
{
	printf("| | events/s | of one fsync for each | events per fsync | median ms | p99 ms "
	       "|\n|---|---|---|---|---|---|\n");
	for (size_t c = 0; c < CANDIDATES; c++) {
		if (concurrencies[c] == 0)
			printf("| one transaction for each, no threads |");
		else
			printf("| the spool, %u at a time |", concurrencies[c]);
		print_span(m[c].rate, rounds, 0);
		print_span(m[c].ratio, rounds, 2);
		print_span(m[c].together, rounds, 1);
		print_span(m[c].median_ms, rounds, 2);
		print_span(m[c].p99_ms, rounds, 2);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	const char *above = argc > 1 ? argv[1] : "/var/tmp";
	int rounds = argc > 2 ? atoi(argv[2]) : 7;
	int seconds = argc > 3 ? atoi(argv[3]) : 3;
	if (rounds < 1 || rounds > ROUNDS_MAX || seconds < 1)
		fail("usage", "spool [DIRECTORY [ROUNDS [SECONDS]]]");
	static struct measured measured[CANDIDATES];
	memset(body, 'x', sizeof(body));
	clock_init_system(&run.clock);
	run.samples = mem_array(SAMPLES, sizeof(*run.samples));
	for (int round = 0; round < rounds; round++) {
		fprintf(stderr, "round %d of %d\n", round + 1, rounds);
		for (size_t c = 0; c < CANDIDATES; c++)
			measure(measured, c, round, seconds, above);
	}
	print_table(measured, rounds);
	free(run.samples);
	return EXIT_SUCCESS;
}
