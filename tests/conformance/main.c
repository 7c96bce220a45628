/*
 * onceway-conformance: does a plugin keep its contract?
 *
 * The plugin is loaded by the daemon's own loader, configured by the daemon's
 * own rules, and put on workers as the daemon has them. See doc/conformance.md.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "conformance/harness.h"
#include "conformance/subject.h"
#include "conformance/suites.h"

#define EXIT_USAGE  2
#define DIRS_MAX    16
#define LIMIT_S	    120
#define LIMIT_S_MAX 3600

struct arguments {
	const char *dirs[DIRS_MAX + 1];
	size_t dir_count, header_count;
	struct subject subject;
	const char *file, *kind, *name, *only;
	int64_t limit_s;
	bool list;
};

static void print_usage(FILE *out)
{
	fprintf(out,
	    "Usage: onceway-conformance [OPTIONS] [FILE.so] KIND NAME\n\n"
	    "Tests whether the plugin NAME (of KIND source, keyer, store or sink) keeps the\n"
	    "contract of <onceway/plugin.h>. Prints one line a test (TAP); for a failure also\n"
	    "what was expected, what came, and the sentence it breaks. Exit status 0: no test\n"
	    "failed.\n\n"
	    "  FILE.so                 the plugin's file; else it is looked for by its name\n"
	    "      --plugin-dir DIR    look for plugins here first; may be repeated\n"
	    "  -o, --options FILE      YAML: the plugin's options; else its own example.\n"
	    "                          ${DIR}: an empty directory; ${PEER}: host:port of an\n"
	    "                          HTTP peer that answers, hangs or fails as a test needs\n"
	    "      --events FILE       events, one JSON document a line; keyers need some\n"
	    "                          that have a key, sources take the first\n"
	    "      --path PATH         where requests for a source go; else its option `path`\n"
	    "      --header 'N: V'     a header of these requests; may be repeated\n"
	    "      --only TEST         this test alone\n"
	    "      --list              the tests of KIND, and what each stands on\n"
	    "      --seed N            of what is random; printed with each run\n"
	    "      --limit SECONDS     time for one test (%d)\n"
	    "  -h, --help              this text\n",
	    LIMIT_S);
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "onceway-conformance: %s%s%s%s; see `onceway-conformance --help`\n",
	    what, which ? " `" : "", which ? which : "", which ? "`" : "");
	return EXIT_USAGE;
}

static const struct test *suite_of(enum ow_kind kind)
{
	static const struct test *const suites[] = {
	    NULL, source_tests, keyer_tests, store_tests, sink_tests};
	return suites[kind];
}

/* OW_SOURCE and so on; 0: there is no such kind. */
static uint32_t kind_of(const char *name)
{
	for (uint32_t kind = OW_SOURCE; component_kind_name(kind); kind++)
		if (strcmp(component_kind_name(kind), name) == 0)
			return kind;
	return 0;
}

static int take_number(const char *text, int64_t max, int64_t *out, const char *name)
{
	return text_number(text_of(text), max, out)
		   ? 0
		   : usage_error("not a number that will do:", name);
}

static int take_option(struct arguments *a, int letter)
{
	int64_t number;
	int status;
	switch (letter) {
	case 'o':
		a->subject.options_file = optarg;
		return 0;
	case 'e':
		a->subject.events_file = optarg;
		return 0;
	case 'p':
		a->subject.path = optarg;
		return 0;
	case 'y':
		a->only = optarg;
		return 0;
	case 'l':
		a->list = true;
		return 0;
	case 's':
		status = take_number(optarg, INT64_MAX, &number, "--seed");
		a->subject.seed = (uint64_t)number;
		return status;
	case 't':
		status = take_number(optarg, LIMIT_S_MAX, &a->limit_s, "--limit");
		return status || a->limit_s > 0 ? status
						: usage_error("no time at all:", "--limit");
	case 'H':
		if (!strchr(optarg, ':'))
			return usage_error("not `NAME: VALUE`:", "--header");
		if (a->header_count == SUBJECT_HEADERS_MAX)
			return usage_error("too many --header", NULL);
		a->subject.headers[a->header_count++] = optarg;
		return 0;
	default:
		if (a->dir_count == DIRS_MAX)
			return usage_error("too many --plugin-dir", NULL);
		a->dirs[a->dir_count++] = optarg;
		return 0;
	}
}

static int take_operands(struct arguments *a, int count, char **operands)
{
	if (count > 0 && (strchr(operands[0], '/') || strstr(operands[0], ".so"))) {
		a->file = operands[0];
		operands++;
		count--;
	}
	if (count > 0)
		a->kind = operands[0];
	if (count > 1)
		a->name = operands[1];
	if (count > 2)
		return usage_error("one word too many:", operands[2]);
	if (!a->kind || !kind_of(a->kind))
		return usage_error("say what to test: source, keyer, store or sink", a->kind);
	if (!a->name && !a->list)
		return usage_error("say which", a->kind);
	return 0;
}

static bool has_test(enum ow_kind kind, const char *name)
{
	const struct test *t = suite_of(kind);
	while (t->name && strcmp(t->name, name) != 0)
		t++;
	return t->name;
}

static int check_readable(const char *file)
{
	FILE *f = file ? fopen(file, "rb") : NULL;
	if (file && !f) {
		fprintf(stderr, "onceway-conformance: %s: %s\n", file, strerror(errno));
		return EXIT_USAGE;
	}
	if (f)
		fclose(f);
	return 0;
}

/* What the command line names is there: a test, files. */
static int check_named(const struct arguments *a)
{
	if (a->only && !has_test((enum ow_kind)kind_of(a->kind), a->only))
		return usage_error("no such test (--list names them):", a->only);
	int status = check_readable(a->subject.options_file);
	return status != 0 ? status : check_readable(a->subject.events_file);
}

/* -1: go on. */
static int read_arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {{"options", required_argument, NULL, 'o'},
	    {"events", required_argument, NULL, 'e'}, {"path", required_argument, NULL, 'p'},
	    {"header", required_argument, NULL, 'H'}, {"only", required_argument, NULL, 'y'},
	    {"list", no_argument, NULL, 'l'}, {"seed", required_argument, NULL, 's'},
	    {"limit", required_argument, NULL, 't'},
	    {"plugin-dir", required_argument, NULL, 'P'}, {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	int letter, status;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		if (letter == 'h') {
			print_usage(stdout);
			return EXIT_SUCCESS;
		}
		if (letter == ':')
			return usage_error("a value is missing after", argv[optind - 1]);
		if (letter == '?')
			return usage_error("unknown option", argv[optind - 1]);
		status = take_option(a, letter);
		if (status != 0)
			return status;
	}
	status = take_operands(a, argc - optind, argv + optind);
	if (status == 0)
		status = check_named(a);
	return status != 0 ? status : -1;
}

static int list_tests(const struct arguments *a)
{
	for (const struct test *t = suite_of((enum ow_kind)kind_of(a->kind)); t->name; t++)
		printf("%-20s %s\n%-20s \"%s\"\n", t->name, t->what, "", t->rule);
	return EXIT_SUCCESS;
}

static const struct component *find_in_file(
    const struct arguments *a, struct arena *arena, const char **why)
{
	const struct module *m = loader_open(a->file, arena, why);
	for (const struct component *c = m ? m->components : NULL; c; c = c->next)
		if (c->description.kind == kind_of(a->kind) &&
		    strcmp(c->description.name, a->name) == 0)
			return c;
	if (m)
		*why = arena_printf(arena, "%s has no %s `%s`", a->file, a->kind, a->name);
	return NULL;
}

int main(int argc, char **argv)
{
	struct arguments a = {.limit_s = LIMIT_S};
	struct arena arena = ARENA_INIT;
	struct registry *registry = NULL;
	const char *why = NULL;
	bool good = false;
	random_system(&a.subject.seed, 4);
	int status = read_arguments(&a, argc, argv);
	if (status >= 0)
		return status;
	if (a.list)
		return list_tests(&a);
	if (a.file)
		a.subject.component = find_in_file(&a, &arena, &why);
	else {
		registry = registry_new(a.dirs);
		a.subject.component =
		    registry_find(registry, (enum ow_kind)kind_of(a.kind), a.name, &why);
	}
	if (!a.subject.component) {
		fprintf(stderr, "onceway-conformance: %s\n", why);
	} else if (subject_configure(&a.subject, NULL, "/nonexistent", &arena, stderr)) {
		/* Options that are no good would make every test fail: they are told once. */
		const struct harness harness = {
		    .tests = suite_of((enum ow_kind)kind_of(a.kind)),
		    .subject = &a.subject,
		    .only = a.only,
		    .limit_ms = a.limit_s * 1000};
		printf("# %s %s from %s, seed %llu\n", a.kind, a.name,
		    a.subject.component->module->file, (unsigned long long)a.subject.seed);
		good = harness_run(&harness);
	}
	registry_free(registry);
	arena_free(&arena);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
