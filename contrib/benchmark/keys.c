/*
 * What many keys cost the memory store: bytes for each, the longest call while
 * it grows and while a tenth of them expires, a checkpoint with claims going on
 * beside it, and the way back from the file.
 *
 *	keys [KEYS [DIRECTORY]]
 *
 * The store runs as it does in the daemon, thread and file included, on a host
 * that does nothing but what it asks for: time stands still unless it is moved
 * here, so that timers fall due when the program wants it. Prints Markdown.
 * Fails if a key is lost, never on time.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <onceway/plugin.h>

#define TIMERS_MAX 8
#define POSTS_MAX  8
#define LOCK_MS	   60000
#define WINDOW_MS  86400000
#define SHORT_MS   600000 /* the window of each tenth key */

extern ow_module_fn ow_module;

struct ow_timer {
	void (*fn)(void *arg);
	void *arg;
	int64_t due; /* -1: not set */
};

struct ow_counter {
	int64_t value;
};

struct ow_op {
	bool finished;
	enum ow_rc rc;
	enum ow_claim_state state;
	char why[300];
};

struct ow_instance {
	int unused;
};

static struct {
	int64_t mono_ms;
	struct ow_timer timers[TIMERS_MAX];
	struct ow_counter counters[32];
	size_t counter_count;
	struct ow_counter *bytes;
	void *shared;
	void (*free_shared)(void *object);
	pthread_mutex_t lock;
	struct {
		void (*fn)(void *arg);
		void *arg;
	} posts[POSTS_MAX];
	size_t post_count;
} host_state = {.mono_ms = 1000, .lock = PTHREAD_MUTEX_INITIALIZER};

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "keys: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_FAILURE);
}

/* ---- the host ---- */

static void host_log(struct ow_instance *self, enum ow_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void host_log(struct ow_instance *self, enum ow_level level, const char *fmt, ...)
{
	va_list args;
	(void)self;
	if (level > OW_LOG_WARNING)
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
}

static int64_t host_mono_ms(struct ow_instance *self)
{
	(void)self;
	return host_state.mono_ms;
}

static int64_t host_wall_ms(struct ow_instance *self)
{
	(void)self;
	return 1767225600000 + host_state.mono_ms;
}

static void host_random(struct ow_instance *self, void *out, size_t len)
{
	(void)self;
	memset(out, 0x5a, len);
}

static void host_post(struct ow_instance *self, void (*fn)(void *arg), void *arg)
{
	(void)self;
	pthread_mutex_lock(&host_state.lock);
	if (host_state.post_count == POSTS_MAX)
		fail("too many posts");
	host_state.posts[host_state.post_count].fn = fn;
	host_state.posts[host_state.post_count++].arg = arg;
	pthread_mutex_unlock(&host_state.lock);
}

/* True if there was one. */
static bool run_posts(void)
{
	bool any = false;
	for (;;) {
		pthread_mutex_lock(&host_state.lock);
		bool more = host_state.post_count > 0;
		void (*fn)(void *arg) = NULL;
		void *arg = NULL;
		if (more) {
			fn = host_state.posts[0].fn;
			arg = host_state.posts[0].arg;
			memmove(host_state.posts, host_state.posts + 1,
			    --host_state.post_count * sizeof(host_state.posts[0]));
		}
		pthread_mutex_unlock(&host_state.lock);
		if (!more)
			return any;
		fn(arg);
		any = true;
	}
}

static void *host_shared(struct ow_instance *self, void *(*make)(void *arg), void *arg,
    void (*free_fn)(void *object))
{
	(void)self;
	if (!host_state.shared)
		host_state.shared = make(arg);
	host_state.free_shared = free_fn;
	return host_state.shared;
}

static struct ow_timer *host_timer_new(
    struct ow_instance *self, void (*fn)(void *arg), void *arg)
{
	(void)self;
	for (size_t i = 0; i < TIMERS_MAX; i++) {
		struct ow_timer *timer = &host_state.timers[i];
		if (!timer->fn) {
			*timer = (struct ow_timer){fn, arg, -1};
			return timer;
		}
	}
	fail("too many timers");
}

static void host_timer_set(struct ow_timer *timer, int64_t ms)
{
	timer->due = ms < 0 ? -1 : host_state.mono_ms + ms;
}

static void host_timer_free(struct ow_timer *timer)
{
	if (timer)
		timer->fn = NULL;
}

static struct ow_counter *host_gauge(
    struct ow_instance *self, const char *name, const char *help)
{
	struct ow_counter *counter = &host_state.counters[host_state.counter_count++ % 32];
	(void)self, (void)help;
	if (strcmp(name, "store_bytes") == 0)
		host_state.bytes = counter;
	return counter;
}

static struct ow_counter *host_counter(struct ow_instance *self, const char *name,
    const char *help, const char *label, struct ow_text value)
{
	(void)label, (void)value;
	return host_gauge(self, name, help);
}

static void host_count(struct ow_counter *counter, uint64_t n)
{
	counter->value += (int64_t)n;
}

static void host_gauge_set(struct ow_counter *gauge, int64_t value)
{
	gauge->value = value;
}

static void host_op_done(struct ow_op *op, enum ow_rc rc, const char *why)
{
	op->finished = true;
	op->rc = rc;
	snprintf(op->why, sizeof(op->why), "%s", why ? why : "");
}

static void host_claim_done(struct ow_op *op, const struct ow_claim_answer *answer)
{
	op->finished = true;
	op->rc = answer->rc;
	op->state = answer->state;
	if (answer->rc != OW_OK)
		snprintf(op->why, sizeof(op->why), "%s", answer->why);
}

static const struct ow_host host = {.size = sizeof(host),
    .major = OW_ABI_MAJOR,
    .minor = OW_ABI_MINOR,
    .log = host_log,
    .wall_ms = host_wall_ms,
    .mono_ms = host_mono_ms,
    .random = host_random,
    .post = host_post,
    .shared = host_shared,
    .timer_new = host_timer_new,
    .timer_set = host_timer_set,
    .timer_free = host_timer_free,
    .counter = host_counter,
    .count = host_count,
    .gauge = host_gauge,
    .gauge_set = host_gauge_set,
    .op_done = host_op_done,
    .claim_done = host_claim_done};

/* ---- measuring ---- */

/* The longest of many calls, by the clock and by the processor's time they used. */
struct longest {
	int64_t wall_ns, cpu_ns;
	uint64_t calls;
	int64_t from_wall, from_cpu;
};

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void call_begins(struct longest *l)
{
	l->from_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	l->from_wall = clock_ns(CLOCK_MONOTONIC);
}

static void call_ended(struct longest *l)
{
	int64_t wall = clock_ns(CLOCK_MONOTONIC) - l->from_wall;
	int64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - l->from_cpu;
	l->wall_ns = wall > l->wall_ns ? wall : l->wall_ns;
	l->cpu_ns = cpu > l->cpu_ns ? cpu : l->cpu_ns;
	l->calls++;
}

static void row(const char *what, const struct longest *l)
{
	printf("| %s | %" PRIu64 " | %.2f | %.2f |\n", what, l->calls, (double)l->cpu_ns / 1e6,
	    (double)l->wall_ns / 1e6);
}

static double seconds_since(int64_t began)
{
	return (double)(clock_ns(CLOCK_MONOTONIC) - began) / 1e9;
}

static size_t resident_bytes(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- the store ---- */

static const struct ow_component *component;
static const struct ow_store_ops *ops;
static void *state;

/* A value in the configuration struct, where its option says it is. */
static void set(void *conf, const char *name, const void *value, size_t size)
{
	for (const struct ow_option *o = component->options; o->name; o++) {
		if (strcmp(o->name, name) == 0) {
			memcpy((char *)conf + o->offset, value, size);
			return;
		}
	}
	fail("the store has no option %s", name);
}

static void *configure(int64_t keys, const char *path)
{
	void *conf = calloc(1, component->conf_size);
	int64_t max_keys = keys * 2, max_bytes = (int64_t)1 << 40, interval_ms = 3600000;
	set(conf, "max_keys", &max_keys, sizeof(max_keys));
	set(conf, "max_bytes", &max_bytes, sizeof(max_bytes));
	set(conf, "checkpoint", &path, sizeof(path));
	set(conf, "checkpoint_interval", &interval_ms, sizeof(interval_ms));
	return conf;
}

static void wait_for(const struct ow_op *op)
{
	while (!op->finished) {
		run_posts();
		usleep(1000);
	}
	if (op->rc != OW_OK)
		fail("%s", op->why);
}

static double start(const void *conf)
{
	static struct ow_instance self;
	struct ow_op op = {.finished = false};
	const char *why = "";
	int64_t began = clock_ns(CLOCK_MONOTONIC);
	state = component->create(&host, &self, conf, &why);
	component->start(state, &op);
	wait_for(&op);
	return seconds_since(began);
}

static double stop(void)
{
	struct ow_op op = {.finished = false};
	int64_t began = clock_ns(CLOCK_MONOTONIC);
	component->drain(state, &op);
	wait_for(&op);
	double seconds = seconds_since(began);
	component->destroy(state);
	host_state.free_shared(host_state.shared);
	host_state.shared = NULL;
	return seconds;
}

/* As the cxone keyer makes them: a prefix of 12 bytes and 64 hex digits. */
static struct ow_text key_of(char buffer[80], uint64_t number)
{
	uint64_t mixed = number * 0x9e3779b97f4a7c15u;
	snprintf(buffer, 80,
	    "cxone:dedup:%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, mixed,
	    mixed ^ number, ~mixed, number);
	return (struct ow_text){buffer, 76};
}

static enum ow_claim_state claim(uint64_t number, struct longest *l, bool commit)
{
	static const unsigned char token[OW_TOKEN_SIZE] = {1};
	char buffer[80];
	struct ow_claim c = {.size = sizeof(c),
	    .key = key_of(buffer, number),
	    .token = token,
	    .lock_ms = LOCK_MS,
	    .window_ms = number % 10 == 0 ? SHORT_MS : WINDOW_MS};
	struct ow_result result = {.size = sizeof(result), .status = 200};
	struct ow_op op = {.finished = false};
	call_begins(l);
	ops->claim(state, &op, &c);
	call_ended(l);
	if (op.rc != OW_OK)
		fail("%s", op.why);
	enum ow_claim_state found = op.state;
	if (commit && found == OW_CLAIM_NEW) {
		call_begins(l);
		ops->commit(state, &op, &c, &result);
		call_ended(l);
	}
	return found;
}

/* Moves the clock by a millisecond and runs what falls due. */
static void tick(struct longest *l)
{
	host_state.mono_ms++;
	for (size_t i = 0; i < TIMERS_MAX; i++) {
		struct ow_timer *timer = &host_state.timers[i];
		if (!timer->fn || timer->due < 0 || timer->due > host_state.mono_ms)
			continue;
		timer->due = -1;
		call_begins(l);
		timer->fn(timer->arg);
		call_ended(l);
	}
}

/* ---- what is measured ---- */

static void fill(uint64_t keys, struct longest *l)
{
	size_t before = resident_bytes();
	struct longest timers = {.wall_ns = 0};
	int64_t began = clock_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < keys; i++)
		if (claim(i, l, true) != OW_CLAIM_NEW)
			fail("key %" PRIu64 " is there already", i);
	double seconds = seconds_since(began);
	for (int i = 0; i < 1100; i++)
		tick(&timers);
	printf("%" PRIu64 " keys of 76 bytes without results: %.1f bytes a key besides the key "
	       "(`onceway_store_bytes`),\n%.1f by the resident size of the process; filled in "
	       "%.1f s, clocks included.\n\n",
	    keys, (double)host_state.bytes->value / (double)keys - 76,
	    (double)(resident_bytes() - before) / (double)keys - 76, seconds);
}

/* Each tenth key ends in the same minute; 20 claims a millisecond go on. */
static void expire(uint64_t keys, struct longest *claims, struct longest *timers)
{
	int64_t began = 0;
	uint64_t left = keys - (keys + 9) / 10, random = 1;
	host_state.mono_ms += SHORT_MS - 2000;
	for (began = host_state.mono_ms; ops->keys(state) > (int64_t)left; tick(timers)) {
		for (int i = 0; i < 20; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t number = (random >> 20) % keys;
			if (number % 10 != 0 && claim(number, claims, false) != OW_CLAIM_DONE)
				fail("key %" PRIu64 " is lost", number);
		}
		if (host_state.mono_ms - began > SHORT_MS)
			fail("expired keys stay");
	}
	printf("%" PRIu64
	       " keys expired and were removed within %.1f s of the store's clock.\n\n",
	    keys - left, (double)(host_state.mono_ms - began - 2000) / 1000);
}

/* Claims of known and of new keys, until `until` says so. */
static uint64_t go_on(uint64_t keys, uint64_t first_new, struct longest *l, double seconds)
{
	uint64_t random = 7, next = first_new;
	int64_t began = clock_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 0;; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		claim(i % 4 == 0 ? next++ * 10 + 1 : (random >> 20) % keys, l, true);
		/* What the thread has to say is the end of the checkpoint. */
		if (i % 256 == 0 &&
		    (seconds > 0 ? seconds_since(began) > seconds : run_posts()))
			return next;
	}
}

static double save(uint64_t keys, uint64_t first_new, struct longest *l)
{
	struct longest timers = {.wall_ns = 0};
	int64_t began = clock_ns(CLOCK_MONOTONIC);
	host_state.mono_ms += 3600000;
	tick(&timers);
	go_on(keys, first_new, l, 0);
	return seconds_since(began);
}

int main(int argc, char **argv)
{
	uint64_t keys = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	char directory[200], path[220], beside[240];
	struct longest filling = {.calls = 0}, expiring = {.calls = 0}, sweeping = {.calls = 0};
	struct longest alone = {.calls = 0}, saving = {.calls = 0}, afterwards = {.calls = 0};
	struct stat st;
	snprintf(directory, sizeof(directory), "%s/onceway-keys-XXXXXX",
	    argc > 2 ? argv[2] : "/var/tmp");
	if (keys < 1000 || !mkdtemp(directory))
		fail("usage: keys [KEYS [DIRECTORY]], at least 1000 keys");
	snprintf(path, sizeof(path), "%s/keys", directory);
	snprintf(beside, sizeof(beside), "%s.lock", path);
	component = OW_MODULE_SYMBOL()->components[0];
	ops = component->ops;
	void *conf = configure((int64_t)keys, path);

	start(conf);
	fill(keys, &filling);
	expire(keys, &expiring, &sweeping);
	call_begins(&afterwards);
	void *volatile others = malloc(16384);
	call_ended(&afterwards);
	free(others);
	uint64_t next = go_on(keys, keys, &alone, 3);
	double save_s = save(keys, next, &saving);
	if (stat(path, &st) != 0)
		fail("there is no checkpoint");
	int64_t written = ops->keys(state);
	double last_s = stop();
	double load_s = start(conf);
	int64_t read = ops->keys(state);
	if (read < (int64_t)(keys - (keys + 9) / 10))
		fail("%" PRId64 " of %" PRId64 " keys came back", read, written);

	printf("| longest call | calls | ms, processor | ms, clock |\n|---|---:|---:|---:|\n");
	row("claim or commit while filling", &filling);
	row("claim while a tenth expires", &expiring);
	row("timer while a tenth expires", &sweeping);
	row("anybody's `malloc(16384)` after that", &afterwards);
	row("claim or commit, nothing else", &alone);
	row("claim or commit during a checkpoint", &saving);
	printf("\n| checkpoint | |\n|---|---:|\n| with claims beside it, s | %.1f |\n"
	       "| at shutdown, s | %.1f |\n| restored at start, s | %.1f |\n"
	       "| keys | %" PRId64 " |\n| file, MB | %.0f |\n",
	    save_s, last_s, load_s, read, (double)st.st_size / 1e6);
	stop();
	unlink(path);
	unlink(beside);
	rmdir(directory);
	free(conf);
	return EXIT_SUCCESS;
}
