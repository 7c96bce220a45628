/* Which file a component comes from, and what is said when there is none. */
#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/main.h"
#include "tests/unit/plugin/modules.h"

static struct registry *registry;
static char empty_dir[200];

static void start(void)
{
	modules_start();
	snprintf(empty_dir, sizeof(empty_dir), "%s/none", modules_dir);
	setenv("ONCEWAY_PLUGIN_DIR", empty_dir, 1);
	registry = registry_new((const char *const[]){modules_dir, NULL});
}

static void stop(void)
{
	registry_free(registry);
	registry_free(NULL);
	modules_stop();
}

static const struct component *find(enum ow_kind kind, const char *name, const char **why)
{
	*why = "untouched";
	const struct component *c = registry_find(registry, kind, name, why);
	ck_assert(c == NULL || *why == NULL);
	return c;
}

/* The first one that was loaded from a file; plugins may be linked in too. */
static const struct module *first_loaded(void)
{
	const struct module *m = registry_modules(registry);
	while (m && strcmp(m->file, "built in") == 0)
		m = m->next;
	return m;
}

static void check_file(const struct component *c, const char *file)
{
	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(c->module->file, modules_path(file));
}

START_TEST(by_the_name_of_the_file)
{
	const char *why;
	modules_add("whole", "sink_parts");
	const struct component *c = find(OW_SINK, "parts", &why);
	check_file(c, "sink_parts.so");
	ck_assert_ptr_eq(find(OW_SINK, "parts", &why), c);
	ck_assert_ptr_eq(first_loaded(), c->module);
}
END_TEST

START_TEST(in_a_file_of_another_name)
{
	const char *why;
	modules_add("whole", "anything");
	check_file(find(OW_SINK, "parts", &why), "anything.so");
}
END_TEST

START_TEST(several_in_one_file)
{
	const char *why;
	modules_add("frozen/frozen", NULL);
	for (int kind = OW_SOURCE; kind <= OW_SINK; kind++)
		check_file(find((enum ow_kind)kind, "frozen", &why), "frozen.so");
	ck_assert_ptr_null(first_loaded()->next);
}
END_TEST

START_TEST(a_missing_one_says_where_was_looked)
{
	const char *why;
	char expected[600];
	ck_assert_ptr_null(find(OW_STORE, "nowhere", &why));
	snprintf(expected, sizeof(expected),
	    "there is no store plugin `nowhere` (looked in %s, %s)", modules_dir, empty_dir);
	ck_assert_str_eq(why, expected);
	/* A component of that name, but of another kind, does not count. */
	modules_add("whole", "sink_parts");
	ck_assert_ptr_null(find(OW_STORE, "parts", &why));
	ck_assert_ptr_null(strstr(why, "refused"));
}
END_TEST

START_TEST(a_refused_file_of_that_name_says_why)
{
	const char *why;
	modules_add("other_major", "sink_parts");
	ck_assert_ptr_null(find(OW_SINK, "parts", &why));
	ck_assert_int_eq(
	    strncmp(why, modules_path("sink_parts.so"), strlen(modules_path("sink_parts.so"))),
	    0);
	ck_assert_ptr_nonnull(strstr(why, "plugin ABI 2.3, this onceway has "));
}
END_TEST

/* It may well be the one that has the component. */
START_TEST(a_refused_file_of_another_name_is_named_too)
{
	const char *why;
	modules_add("other_major", "bundle");
	ck_assert_ptr_null(find(OW_SINK, "parts", &why));
	ck_assert_int_eq(strncmp(why, "there is no sink plugin `parts` (looked in ", 43), 0);
	const char *refused = strstr(why, "; refused: ");
	ck_assert_ptr_nonnull(refused);
	ck_assert_ptr_nonnull(strstr(refused, modules_path("bundle.so")));
}
END_TEST

START_TEST(a_name_is_not_a_path)
{
	const char *why;
	ck_assert_int_eq(mkdir(modules_path("sink_deep"), 0755), 0);
	modules_add("whole", "sink_deep/parts");
	ck_assert_ptr_null(find(OW_SINK, "deep/parts", &why));
	ck_assert_ptr_null(first_loaded());
	ck_assert_ptr_null(find(OW_SINK, "", &why));
	ck_assert_ptr_null(find(OW_SINK, "Parts", &why));
	ck_assert_int_eq(strncmp(why, "there is no sink plugin `Parts` (looked in ", 43), 0);
	unlink(modules_path("sink_deep/parts.so"));
}
END_TEST

static char refused[4096];

static void note(const char *why, void *arg)
{
	ck_assert_ptr_eq(arg, refused);
	strncat(refused, why, sizeof(refused) - strlen(refused) - 2);
	strcat(refused, "\n");
}

START_TEST(two_files_with_one_component)
{
	char expected[1200], first[600];
	modules_add("whole", "a");
	modules_add("whole", "b");
	modules_write("not-looked-at.txt", "x", 1, 0644);
	refused[0] = '\0';
	registry_load_all(registry, note, refused);
	snprintf(first, sizeof(first), "%s", modules_path("a.so"));
	snprintf(expected, sizeof(expected),
	    "%s has a sink `parts`, which %s has too: remove one of the two\n",
	    modules_path("b.so"), first);
	ck_assert_str_eq(refused, expected);
	const char *why;
	check_file(find(OW_SINK, "parts", &why), "a.so");
	/* The clash is no reason why another one is missing. */
	ck_assert_ptr_null(find(OW_SINK, "other", &why));
	ck_assert_ptr_null(strstr(why, "refused"));
}
END_TEST

START_TEST(all_there_is_and_all_that_is_refused)
{
	modules_add("newer", NULL);
	modules_add("nothing", NULL);
	modules_add("frozen/frozen", NULL);
	refused[0] = '\0';
	registry_load_all(registry, note, refused);
	ck_assert_ptr_nonnull(strstr(refused, "nothing.so: plugin bug: it describes nothing"));
	const struct module *m = first_loaded();
	ck_assert_str_eq(m->about.name, "frozen"); /* sorted by file name */
	ck_assert_str_eq(m->next->about.name, "newer");
	ck_assert_ptr_null(m->next->next);
	registry_load_all(registry, NULL, NULL); /* again: nothing is loaded twice */
	ck_assert_ptr_null(m->next->next);
}
END_TEST

START_TEST(directories_in_their_order)
{
	char first[300];
	const char *why;
	snprintf(first, sizeof(first), "%s", modules_dir);
	modules_add("whole", "sink_parts");
	setenv("ONCEWAY_PLUGIN_DIR", first, 1);
	registry_free(registry);
	registry = registry_new(NULL);
	ck_assert_str_eq(registry_default_dir(), first);
	check_file(find(OW_SINK, "parts", &why), "sink_parts.so");
	unsetenv("ONCEWAY_PLUGIN_DIR");
	ck_assert_str_ne(registry_default_dir(), first);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/registry");
	TCase *t = tcase_create("registry");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, by_the_name_of_the_file);
	tcase_add_test(t, in_a_file_of_another_name);
	tcase_add_test(t, several_in_one_file);
	tcase_add_test(t, a_missing_one_says_where_was_looked);
	tcase_add_test(t, a_refused_file_of_that_name_says_why);
	tcase_add_test(t, a_refused_file_of_another_name_is_named_too);
	tcase_add_test(t, a_name_is_not_a_path);
	tcase_add_test(t, two_files_with_one_component);
	tcase_add_test(t, all_there_is_and_all_that_is_refused);
	tcase_add_test(t, directories_in_their_order);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
