/* Modules of tests/abi, one rule each: loaded, or refused with the exact words. */
#include "plugin/loader.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "conf/tree.h"
#include "tests/abi/parts.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/modules.h"

#define STRING(x)   #x
#define VALUE_OF(x) STRING(x)
#define ABI	    VALUE_OF(OW_ABI_MAJOR) "." VALUE_OF(OW_ABI_MINOR)

static struct arena arena;

static void start(void)
{
	modules_start();
	arena = ARENA_INIT;
}

static void stop(void)
{
	arena_free(&arena);
	modules_stop();
}

static void check_refused(const char *file, const char *format)
{
	const char *why = NULL;
	char expected[1200], copy[600];
	snprintf(copy, sizeof(copy), "%s", file);
	ck_assert_ptr_null(loader_open(copy, &arena, &why));
	ck_assert_ptr_nonnull(why);
	snprintf(expected, sizeof(expected), "%s%s", copy, format);
	ck_assert_str_eq(why, expected);
}

static struct module *load(const char *module)
{
	const char *why;
	struct module *m = loader_open(modules_add(module, NULL), &arena, &why);
	ck_assert_msg(m != NULL, "%s", why);
	return m;
}

/* ---- refused ---- */

#define BUG(text) ": plugin bug: " text "; tell its author"

static const struct refusal {
	const char *module, *text; /* what follows the file's name */
} refusals[] = {
    {"other_major",
	" was built for plugin ABI 2.3, this onceway has " ABI ": rebuild the plugin "
	"with this version's <onceway/plugin.h>"},
    {"needs_newer",
	" needs plugin ABI 1.42 or later, this onceway has " ABI ": upgrade onceway, "
	"or use an older release of the plugin"},
    {"no_symbol", " is not a Onceway plugin: it has no symbol `ow_module`; a plugin exports "
		  "it with OW_MODULE() of <onceway/plugin.h>"},
    {"wrong_magic", " is not a Onceway plugin: its magic is 0x12345678, not 0x4f6e6365; "
		    "rebuild it with <onceway/plugin.h>"},
    {"other_linked", " was built with libevent-2.2, this onceway with libevent-2.1: rebuild "
		     "the plugin with the same libraries"},
    {"unknown_linked", " was built with unknown libraries, this onceway with libevent-2.1: "
		       "rebuild the plugin with the same libraries"},
    {"nothing", BUG("it describes nothing")},
    {"no_components", BUG("it has no components")},
    {"unknown_kind", BUG("a component has the unknown kind 5")},
    {"bad_name", BUG("a component's name must be [a-z][a-z0-9_]*")},
    {"twice", BUG("component `parts` is there twice")},
    {"no_function", BUG("component `parts` lacks deliver")},
    {"option_range", BUG("component `parts`: option `count`: its range is inverted")},
    {"option_outside", BUG("component `parts`: option `text`: it lies outside of the "
			   "configuration struct")},
    {"option_help", BUG("component `parts`: option `text`: it has no help")},
    {"option_name", BUG("component `parts`: option `Text`: its name must be of the form "
			"[a-z][a-z0-9_]*")},
};

START_TEST(a_module_that_breaks_a_rule_is_refused)
{
	check_refused(modules_add(refusals[_i].module, NULL), refusals[_i].text);
}
END_TEST

START_TEST(other_pointers)
{
	char text[200];
	snprintf(text, sizeof(text),
	    " was built for 32-bit pointers, this onceway has %zu: rebuild it for this machine",
	    8 * sizeof(void *));
	if (sizeof(void *) != 4)
		check_refused(modules_add("other_pointers", NULL), text);
}
END_TEST

/* What is wrong with the value is said in the words of the configuration's own checks. */
START_TEST(a_default_that_does_not_parse)
{
	const char *why, *begin = ": plugin bug: component `parts`: option `wait`: its default "
				  "is refused: ";
	const char *file = modules_add("option_default", NULL);
	ck_assert_ptr_null(loader_open(file, &arena, &why));
	ck_assert_int_eq(strncmp(why, file, strlen(file)), 0);
	ck_assert_int_eq(strncmp(why + strlen(file), begin, strlen(begin)), 0);
	ck_assert_ptr_nonnull(strstr(why, "5 parsecs"));
}
END_TEST

/* ---- files ---- */

static void check_mode(mode_t mode, const char *octal)
{
	char path[600], text[1200];
	snprintf(path, sizeof(path), "%s", modules_add("whole", NULL));
	ck_assert_int_eq(chmod(path, mode), 0);
	snprintf(text, sizeof(text),
	    " can be written by others (mode %s): make it safe with `chmod go-w %s`", octal,
	    path);
	check_refused(path, text);
}

START_TEST(a_file_that_others_can_write_is_refused)
{
	check_mode(0664, "0664");
	check_mode(0646, "0646");
	check_mode(0777, "0777");
}
END_TEST

/* Only root can give files away, and who is not root cannot be given any. */
START_TEST(a_stranger_s_file_is_refused)
{
	char path[600], text[300];
	snprintf(path, sizeof(path), "%s", modules_add("whole", NULL));
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 4242, 4242), 0);
	snprintf(text, sizeof(text),
	    " belongs to user 4242: it must belong to root or to the user that runs onceway "
	    "(0)");
	check_refused(path, text);
}
END_TEST

START_TEST(what_is_not_a_file_is_refused)
{
	check_refused(modules_path("none.so"), ": No such file or directory");
	const char *dir = modules_path("directory.so");
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	check_refused(dir, " is not a file");
}
END_TEST

START_TEST(what_is_not_a_shared_object_is_refused)
{
	static const char text[] = "I am a poem, not a program; this line is long enough.\n";
	const char *why;
	const char *file = modules_write("poem.so", text, sizeof(text) - 1, 0644);
	ck_assert_ptr_null(loader_open(file, &arena, &why));
	/* The rest is the dynamic linker's. */
	ck_assert_int_eq(strncmp(why, file, strlen(file)), 0);
	ck_assert_int_eq(strncmp(why + strlen(file), " cannot be loaded: ", 19), 0);
	ck_assert_msg(!strstr(why + strlen(file), file), "it is named twice: %s", why);
	file = modules_write("empty.so", "", 0, 0644);
	ck_assert_ptr_null(loader_open(file, &arena, &why));
	ck_assert_int_eq(strncmp(why + strlen(file), " cannot be loaded: ", 19), 0);
}
END_TEST

/*
 * The linker maps what the headers promise: reading what the file does not have
 * would be the end of the process. At each length it is refused, or loaded whole.
 */
START_TEST(a_file_that_was_cut_short_is_refused)
{
	const char *whole = modules_add("whole", NULL);
	FILE *in = fopen(whole, "rb");
	ck_assert_ptr_nonnull(in);
	char *bytes = mem_alloc(1 << 22);
	size_t len = fread(bytes, 1, 1 << 22, in), refused = 0, lengths = 0;
	fclose(in);
	ck_assert_uint_lt(len, 1 << 22);
	for (size_t keep = 1; keep < len; keep += keep < 200 ? 1 : 1 + len / 60) {
		const char *why;
		char path[64], text[160];
		snprintf(path, sizeof(path), "cut%zu.so", keep);
		const char *file = modules_write(path, bytes, keep, 0644);
		struct module *m = loader_open(file, &arena, &why);
		snprintf(text, sizeof(text), " is cut short: it has %zu bytes of ", keep);
		lengths++;
		/* A sanitizer's module has what is not loaded (debug information) at its end.
		 */
		refused += !m && strstr(why, text) && strstr(why, "; copy or build it again");
		ck_assert_msg(m || keep < 4 || strstr(why, text), "%zu: %s", keep, why);
	}
	ck_assert_uint_ge(refused, 200);
	ck_assert_uint_gt(lengths, refused);
	free(bytes);
}
END_TEST

/* A program header may say anything. */
START_TEST(a_segment_that_cannot_be_is_refused)
{
	const char *whole = modules_add("whole", NULL), *why;
	FILE *in = fopen(whole, "rb");
	char *bytes = mem_alloc(1 << 22);
	size_t len = fread(bytes, 1, 1 << 22, in);
	fclose(in);
	ElfW(Ehdr) *head = (ElfW(Ehdr) *)(void *)bytes;
	ElfW(Phdr) *segment = (ElfW(Phdr) *)(void *)(bytes + head->e_phoff);
	while (segment->p_type != PT_LOAD)
		segment++;
	segment->p_filesz = (ElfW(Xword)) - 1;
	segment->p_offset = 4096;
	const char *file = modules_write("huge.so", bytes, len, 0644);
	ck_assert_ptr_null(loader_open(file, &arena, &why));
	ck_assert_ptr_nonnull(strstr(why, "huge.so is cut short: it has "));
	head->e_phoff = (ElfW(Off)) - 8;
	file = modules_write("far.so", bytes, len, 0644);
	ck_assert_ptr_null(loader_open(file, &arena, &why));
	ck_assert_ptr_nonnull(strstr(why, "far.so is cut short: it has "));
	free(bytes);
}
END_TEST

/* ---- loaded ---- */

START_TEST(a_module_that_keeps_all_rules)
{
	struct module *m = load("whole");
	ck_assert_str_eq(m->file, modules_path("whole.so"));
	ck_assert_str_eq(m->about.name, "parts");
	ck_assert_str_eq(m->about.version, "1.0");
	ck_assert_str_eq(m->about.license, "Apache-2.0");
	ck_assert_ptr_nonnull(m->components);
	ck_assert_ptr_null(m->components->next);
	ck_assert_ptr_eq(m->components->module, m);
	ck_assert_str_eq(m->components->description.name, "parts");
	ck_assert_int_eq(m->components->description.kind, OW_SINK);
	ck_assert_ptr_null(m->components->description.check);
}
END_TEST

/* Reads all options of the module's sink from a configuration, as a user writes it. */
static void check_options(const struct module *m)
{
	static const char text[] = "{number: 5, text: cold}";
	struct conf_report report;
	struct parts_conf conf = {0};
	conf_report_init(&report);
	struct conf_node *node =
	    conf_tree_parse("test", text, sizeof(text) - 1, &arena, &report);
	struct conf_check check = {
	    .table = m->components->table, .what = "sink", .arena = &arena, .report = &report};
	ck_assert_uint_eq(m->components->description.conf_size, sizeof(conf));
	bool good = conf_check_options(&check, node, (struct conf_mark){.file = "test"}, &conf);
	ck_assert_msg(good, "%s", conf_report_text(&report));
	ck_assert_int_eq(conf.number, 5);
	ck_assert_str_eq(conf.text, "cold");
	ck_assert(conf.flag); /* by default */
	conf_report_free(&report);
}

START_TEST(a_module_of_a_later_minor)
{
	struct module *m = load("newer");
	ck_assert_int_eq(m->about.abi.minor, 7);
	ck_assert_str_eq(m->about.version, "7.0");
	ck_assert_ptr_nonnull(m->components->description.create);
	check_options(m);
}
END_TEST

START_TEST(a_module_with_shorter_options)
{
	struct ow_option option;
	struct module *m = load("older");
	check_options(m);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(conf_table_at(m->components->table, i, &option));
		ck_assert_ptr_null(option.since);
	}
	ck_assert(!conf_table_at(m->components->table, 3, &option));
}
END_TEST

/* ---- tables of functions, member by member ---- */

static void some_function(void)
{
}

/* A component whose table has size bytes of functions, but for the one at `without`. */
static const char *take_with_table(enum ow_kind kind, size_t size, size_t without)
{
	static struct {
		uint32_t size;
		char bytes[1000];
	} table;
	void (*function)(void) = some_function;
	void (*none)(void) = NULL;
	const char *why;
	memset(&table, 0, sizeof(table));
	char *bytes = (char *)&table;
	/* The keyer's two numbers are no functions, but are not looked at either. */
	for (size_t at = sizeof(void *); at + sizeof(function) <= size; at += sizeof(function))
		memcpy(bytes + at, at == without ? &none : &function, sizeof(function));
	table.size = (uint32_t)size;
	const struct ow_component component = {.kind = (uint32_t)kind,
	    .name = "parts",
	    .summary = "x",
	    .create = parts_create,
	    .destroy = parts_destroy,
	    .ops = &table};
	const struct ow_component *const components[] = {&component, NULL};
	const struct ow_module about = {.abi = {.magic = OW_ABI_MAGIC,
					    .major = OW_ABI_MAJOR,
					    .pointer_bits = 8 * sizeof(void *),
					    .linked = OW_ABI_LINKED},
	    .module_size = sizeof(about),
	    .component_size = sizeof(component),
	    .option_size = sizeof(struct ow_option),
	    .name = "parts",
	    .version = "1",
	    .license = "x",
	    .components = components};
	return loader_take("here", &about, &arena, &why) ? NULL : why;
}

#define MEMBER(kind, type, member, needed)                                                     \
	{                                                                                      \
		kind, sizeof(struct type), offsetof(struct type, member), #member, needed      \
	}

static const struct member {
	enum ow_kind kind;
	size_t size, offset;
	const char *name;
	bool needed;
} members[] = {
    MEMBER(OW_SOURCE, ow_source_ops, settle, true),
    MEMBER(OW_KEYER, ow_keyer_ops, key, true),
    MEMBER(OW_KEYER, ow_keyer_ops, reply, false),
    MEMBER(OW_STORE, ow_store_ops, claim, true),
    MEMBER(OW_STORE, ow_store_ops, renew, true),
    MEMBER(OW_STORE, ow_store_ops, commit, true),
    MEMBER(OW_STORE, ow_store_ops, release, true),
    MEMBER(OW_STORE, ow_store_ops, cancel, true),
    MEMBER(OW_STORE, ow_store_ops, count_duplicate, false),
    MEMBER(OW_STORE, ow_store_ops, keys, true),
    MEMBER(OW_STORE, ow_store_ops, ready, false),
    MEMBER(OW_SINK, ow_sink_ops, deliver, true),
    MEMBER(OW_SINK, ow_sink_ops, cancel, true),
    MEMBER(OW_SINK, ow_sink_ops, policy, false),
    MEMBER(OW_SINK, ow_sink_ops, ready, false),
};

START_TEST(each_function_that_is_needed_is_asked_for)
{
	const struct member *m = &members[_i];
	char expected[100];
	const char *why = take_with_table(m->kind, m->size, m->offset);
	if (!m->needed) {
		ck_assert_ptr_null(why);
		return;
	}
	snprintf(expected, sizeof(expected),
	    "here: plugin bug: component `parts` lacks %s; tell its author", m->name);
	ck_assert_ptr_nonnull(why);
	ck_assert_str_eq(why, expected);
}
END_TEST

START_TEST(a_table_of_functions_is_whole_or_larger)
{
	/* As they were at first: what was added later may be absent. */
	static const size_t sizes[] = {[OW_SOURCE] = offsetof(struct ow_source_ops, nature),
	    [OW_KEYER] = sizeof(struct ow_keyer_ops),
	    [OW_STORE] = sizeof(struct ow_store_ops),
	    [OW_SINK] = sizeof(struct ow_sink_ops)};
	for (int kind = OW_SOURCE; kind <= OW_SINK; kind++) {
		ck_assert_ptr_null(take_with_table((enum ow_kind)kind, sizes[kind], 0));
		ck_assert_ptr_null(take_with_table((enum ow_kind)kind, sizes[kind] + 64, 0));
		ck_assert_str_eq(
		    take_with_table((enum ow_kind)kind, sizes[kind] - sizeof(void *), 0),
		    "here: plugin bug: component `parts` lacks a whole table of functions; "
		    "tell its author");
		ck_assert_ptr_nonnull(take_with_table((enum ow_kind)kind, 0, 0));
	}
}
END_TEST

/* ---- sizes of the module's own parts ---- */

static const char *take_about(struct ow_module about)
{
	static const struct ow_component component = {.kind = OW_SINK, .name = "parts", PARTS};
	static const struct ow_component *const components[] = {&component, NULL};
	const char *why;
	about.abi = (struct ow_abi){.magic = OW_ABI_MAGIC,
	    .major = OW_ABI_MAJOR,
	    .pointer_bits = 8 * sizeof(void *),
	    .linked = OW_ABI_LINKED};
	about.components = components;
	return loader_take("here", &about, &arena, &why) ? NULL : why;
}

START_TEST(a_module_whose_parts_are_too_small)
{
	const struct ow_module good = {.module_size = sizeof(good),
	    .component_size = sizeof(struct ow_component),
	    .option_size = sizeof(struct ow_option),
	    .name = "parts",
	    .version = "1",
	    .license = "x"};
	struct ow_module m = good;
	ck_assert_ptr_null(take_about(m));
	m.module_size = offsetof(struct ow_module, components);
	ck_assert_ptr_nonnull(strstr(take_about(m), "its module has only "));
	m = good, m.component_size = offsetof(struct ow_component, ops);
	ck_assert_ptr_nonnull(strstr(take_about(m), "its components have only "));
	m = good, m.option_size = 0;
	ck_assert_ptr_nonnull(strstr(take_about(m), "its options have 0 bytes"));
	m = good, m.option_size = sizeof(struct ow_option) + 1; /* would be misaligned */
	ck_assert_ptr_nonnull(strstr(take_about(m), "its options have "));
	m = good, m.name = "Parts";
	ck_assert_ptr_nonnull(strstr(take_about(m), "its name must be "));
	m = good, m.version = NULL;
	ck_assert_ptr_nonnull(strstr(take_about(m), "it has no version or no license"));
}
END_TEST

START_TEST(kinds_have_names)
{
	ck_assert_str_eq(component_kind_name(OW_SOURCE), "source");
	ck_assert_str_eq(component_kind_name(OW_SINK), "sink");
	ck_assert_ptr_null(component_kind_name(0));
	ck_assert_ptr_null(component_kind_name(5));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/loader");
	TCase *t = tcase_create("modules");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, a_module_that_breaks_a_rule_is_refused, 0, COUNT(refusals));
	tcase_add_test(t, other_pointers);
	tcase_add_test(t, a_default_that_does_not_parse);
	tcase_add_test(t, a_file_that_others_can_write_is_refused);
	tcase_add_test(t, a_stranger_s_file_is_refused);
	tcase_add_test(t, what_is_not_a_file_is_refused);
	tcase_add_test(t, what_is_not_a_shared_object_is_refused);
	tcase_add_test(t, a_file_that_was_cut_short_is_refused);
	tcase_add_test(t, a_segment_that_cannot_be_is_refused);
	tcase_add_test(t, a_module_that_keeps_all_rules);
	tcase_add_test(t, a_module_of_a_later_minor);
	tcase_add_test(t, a_module_with_shorter_options);
	tcase_add_loop_test(t, each_function_that_is_needed_is_asked_for, 0, COUNT(members));
	tcase_add_test(t, a_table_of_functions_is_whole_or_larger);
	tcase_add_test(t, a_module_whose_parts_are_too_small);
	tcase_add_test(t, kinds_have_names);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
