/*
 * Tests a plugin without Onceway: loads the file, as the core does, and gives
 * it a host table of our own.
 *
 *   test_sink_spool ./sink_spool.so
 */
#include <onceway/plugin.h>

#include <dirent.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(                                                               \
			    stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);    \
			exit(1);                                                               \
		}                                                                              \
	} while (0)

/* The plugin's own struct begins like this; see sink_spool.c. */
struct conf {
	const char *directory;
	const char *suffix;
	bool sync;
	struct ow_retry retry;
};

/* ---- the host ---- */

struct ow_event {
	struct ow_text body;
};

struct ow_op {
	int finished;
	enum ow_rc rc;
	char why[300];
};

static uint64_t counted;
static int complaints;

static struct ow_text host_body(const struct ow_event *event)
{
	return event->body;
}

static void host_deliver_done(struct ow_op *op, const struct ow_delivery *d)
{
	op->finished++;
	op->rc = d->rc;
	snprintf(op->why, sizeof(op->why), "%s", d->why ? d->why : "");
}

static struct ow_counter *host_counter(struct ow_instance *self, const char *name,
    const char *help, const char *label, struct ow_text value)
{
	(void)self, (void)help, (void)label, (void)value;
	CHECK(strcmp(name, "spool_bytes_total") == 0);
	return NULL;
}

static void host_count(struct ow_counter *counter, uint64_t n)
{
	(void)counter;
	counted += n;
}

static const struct ow_host host = {
    .size = sizeof(host),
    .major = OW_ABI_MAJOR,
    .minor = OW_ABI_MINOR,
    .event_body = host_body,
    .deliver_done = host_deliver_done,
    .counter = host_counter,
    .count = host_count,
};

static void complain(const struct ow_report *report, const char *option, const char *fmt, ...)
{
	(void)report, (void)option, (void)fmt;
	complaints++;
}

/* ---- the tests ---- */

static const struct ow_component *sink;
static const struct ow_sink_ops *ops;
static char directory[] = "/tmp/test-spool-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[400];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static struct ow_op deliver(void *state, const char *key, const char *body)
{
	struct ow_event event = {{body, strlen(body)}};
	struct ow_attempt attempt = {
	    .size = sizeof(attempt), .number = 1, .key = {key, strlen(key)}};
	struct ow_op op = {.finished = 0};
	ops->deliver(state, &op, &event, &attempt);
	CHECK(op.finished == 1);
	return op;
}

static void check_file(const char *name, const char *body)
{
	char text[100] = "";
	FILE *f = fopen(path_of(name), "r");
	CHECK(f);
	CHECK(fread(text, 1, sizeof(text) - 1, f) == strlen(body));
	CHECK(strcmp(text, body) == 0);
	fclose(f);
}

static int count_files(void)
{
	int count = 0;
	struct dirent *entry;
	DIR *d = opendir(directory);
	CHECK(d);
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			count++;
			CHECK(unlinkat(dirfd(d), entry->d_name, 0) == 0);
		}
	closedir(d);
	return count;
}

static void test_deliver(void *state)
{
	CHECK(deliver(state, "x:1", "{\"a\":1}").rc == OW_OK);
	check_file("x:1.json", "{\"a\":1}");
	/* A second copy of an event replaces the first: no harm done. */
	CHECK(deliver(state, "x:1", "{\"a\":2}").rc == OW_OK);
	check_file("x:1.json", "{\"a\":2}");
	CHECK(counted == 14);
	CHECK(deliver(state, "../../etc/x y.", "z").rc == OW_OK);
	check_file("%2E%2E%2F%2E%2E%2Fetc%2Fx%20y%2E.json", "z");
	CHECK(count_files() == 2);
}

static void test_failures(void *state)
{
	char key[300];
	const char *why = "";
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	CHECK(deliver(state, key, "x").rc == OW_REJECT);
	CHECK(ops->ready(state, &why));
	CHECK(rmdir(directory) == 0);
	struct ow_op op = deliver(state, "x:2", "x");
	CHECK(op.rc == OW_FAIL);
	CHECK(strstr(op.why, directory) && strstr(op.why, "No such file"));
	CHECK(!ops->ready(state, &why));
	CHECK(strstr(why, directory));
	CHECK(mkdir(directory, 0700) == 0);
	CHECK(ops->ready(state, &why));
}

static void test_check(struct conf conf)
{
	struct ow_report report = {.size = sizeof(report), .complain = complain};
	sink->check(&conf, &report);
	CHECK(complaints == 0);
	conf.directory = "relative";
	conf.suffix = "/x";
	sink->check(&conf, &report);
	CHECK(complaints == 2);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	void *handle = dlopen(argv[1], RTLD_NOW);
	CHECK(handle);
	ow_module_fn *getter = NULL;
	*(void **)&getter = dlsym(handle, OW_MODULE_ENTRY);
	CHECK(getter);
	const struct ow_module *module = getter();
	CHECK(module->abi.magic == OW_ABI_MAGIC);
	sink = module->components[0];
	ops = sink->ops;
	CHECK(sink->kind == OW_SINK && sink->conf_size == sizeof(struct conf));

	CHECK(mkdtemp(directory));
	struct conf conf = {.directory = directory, .suffix = ".json", .sync = true};
	const char *why = NULL;
	void *state = sink->create(&host, NULL, &conf, &why);
	CHECK(state);
	test_deliver(state);
	test_failures(state);
	test_check(conf);
	sink->destroy(state);
	CHECK(rmdir(directory) == 0);
	dlclose(handle);
	puts("ok");
	return 0;
}
