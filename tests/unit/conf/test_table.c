#include "conf/table.h"

#include <string.h>

#include "tests/unit/conf/sample.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(reads_a_table)
{
	struct ow_option o;
	size_t count = 0;
	while (conf_table_at(sample_table, count, &o))
		count++;
	ck_assert_uint_eq(count, sizeof(sample_options) / sizeof(sample_options[0]) - 1);
	ck_assert(conf_table_at(sample_table, 3, &o));
	ck_assert_str_eq(o.name, "attempts");
	ck_assert_str_eq(o.unit, "attempts");
	ck_assert(!conf_table_at((struct conf_table){NULL, 0}, 0, &o));
	ck_assert(conf_table_at((struct conf_table){sample_options, 0}, 1, &o));
	ck_assert_str_eq(o.name, "name");
}
END_TEST

/* A plugin built with a later header: its entries have a tail that we do not know. */
START_TEST(reads_a_newer_table)
{
	static const struct {
		struct ow_option option;
		uint64_t tail;
	} newer[] = {
	    {{.name = "a", .since = "9"}, UINT64_MAX},
	    {{.name = "b"}, UINT64_MAX},
	    {{.name = NULL}, UINT64_MAX},
	};
	struct conf_table table = {&newer[0].option, sizeof(newer[0])};
	struct ow_option o;
	ck_assert(conf_table_at(table, 0, &o));
	ck_assert_str_eq(o.since, "9");
	ck_assert(conf_table_at(table, 1, &o));
	ck_assert_str_eq(o.name, "b");
	ck_assert(!conf_table_at(table, 2, &o));
}
END_TEST

/* And with an earlier one: what it lacks is zero, not the next entry's bytes. */
START_TEST(reads_an_older_table)
{
	struct older {
		const char *name;
		uint16_t type, flags;
		uint32_t offset;
	};
	static const struct older older[] = {
	    {"a", OW_T_INT, 1, 8}, {"b", OW_T_BOOL, 0, 16}, {0}};
	struct conf_table table = {
	    (const struct ow_option *)(const void *)older, sizeof(older[0])};
	struct ow_option o;
	memset(&o, 0xff, sizeof(o));
	ck_assert(conf_table_at(table, 0, &o));
	ck_assert_str_eq(o.name, "a");
	ck_assert_uint_eq(o.offset, 8);
	ck_assert_ptr_null(o.dflt);
	ck_assert_ptr_null(o.help);
	ck_assert(conf_table_at(table, 1, &o));
	ck_assert_uint_eq(o.type, OW_T_BOOL);
	ck_assert(!conf_table_at(table, 2, &o));
}
END_TEST

START_TEST(sample_is_sound)
{
	struct arena arena = ARENA_INIT;
	ck_assert_pstr_eq(conf_table_lint(sample_table, sizeof(struct sample), &arena), NULL);
	ck_assert_ptr_null(conf_table_lint((struct conf_table){NULL, 0}, 0, &arena));
	arena_free(&arena);
}
END_TEST

struct small {
	int64_t number, other;
	const char *text;
	int choice;
};

static const char *const choices[] = {"a", "b", NULL};
static const char *const none[] = {NULL};

#define HELP   .help = "Helps."
#define NUMBER .type = OW_T_INT, .offset = offsetof(struct small, number), HELP
#define TEXT   .type = OW_T_STRING, .offset = offsetof(struct small, text), HELP
#define LIST   .type = OW_T_LIST, HELP

static const struct {
	struct ow_option options[2];
	const char *complaint;
} bad[] = {
    {{{.name = "", NUMBER}}, "option ``: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "Max", NUMBER}}, "option `Max`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "1a", NUMBER}}, "option `1a`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "a-b", NUMBER}}, "option `a-b`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "a.", NUMBER}}, "option `a.`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = ".a", NUMBER}}, "option `.a`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "a..b", NUMBER}}, "option `a..b`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "a._b", NUMBER}}, "option `a._b`: its name must be of the form [a-z][a-z0-9_]*"},
    {{{.name = "a", .type = 0, HELP}}, "option `a`: its type is not known"},
    {{{.name = "a", .type = 99, HELP}}, "option `a`: its type is not known"},
    {{{.name = "a", .type = CONF_T_TREE, HELP}}, "option `a`: its type is not known"},
    {{{.name = "a", .type = OW_T_INT, .offset = sizeof(struct small) - 7, HELP}},
	"option `a`: it lies outside of the configuration struct"},
    {{{.name = "a", .type = OW_T_INT, .offset = UINT32_MAX, HELP}},
	"option `a`: it lies outside of the configuration struct"},
    {{{.name = "a", .type = OW_T_INT, .offset = 4, HELP}}, "option `a`: it is not aligned"},
    {{{.name = "a", .type = OW_T_INT}}, "option `a`: it has no help"},
    {{{.name = "a", .type = OW_T_INT, .help = ""}}, "option `a`: it has no help"},
    {{{.name = "a", .type = OW_T_INT, .help = "Help"}},
	"option `a`: its help must end with a full stop"},
    {{{.name = "a", .type = OW_T_INT, .help = "Helps\x1b[31m."}},
	"option `a`: its texts must be printable UTF-8"},
    {{{.name = "a", .type = OW_T_STRING, .dflt = "\xff", HELP}},
	"option `a`: its texts must be printable UTF-8"},
    {{{.name = "a", NUMBER, .min = 2, .max = 1}}, "option `a`: its range is inverted"},
    {{{.name = "a", NUMBER, .min = 1}}, "option `a`: its range is inverted"},
    {{{.name = "a", TEXT, .max = 1}}, "option `a`: its type has no range"},
    {{{.name = "a", TEXT, .choices = choices}}, "option `a`: its type has no choices"},
    {{{.name = "a", .type = OW_T_ENUM, HELP}}, "option `a`: it has no choices"},
    {{{.name = "a", .type = OW_T_ENUM, .choices = none, HELP}},
	"option `a`: it has no choices"},
    {{{.name = "a", .type = OW_T_REFERENCE, HELP}}, "option `a`: it has no choices"},
    {{{.name = "a", .type = OW_T_URL, .choices = none, HELP}}, "option `a`: it has no choices"},
    {{{.name = "a", .type = OW_T_ADDRESS, .choices = none, HELP}},
	"option `a`: it has no choices"},
    {{{.name = "a", .type = OW_T_ADDRESS, .choices = choices, .dflt = "c", HELP}},
	"option `a`: its default is refused: default: option `a` must be an address such as "
	"127.0.0.1:8080, [::1]:8080 or name:8080, or `a`, `b`, not `c`"},
    {{{.name = "a", NUMBER, .choices = none, .max = 1}}, "option `a`: it has no choices"},
    {{{.name = "a", NUMBER, .choices = choices}},
	"option `a`: it has words, and its range is not from 0 or above"},
    {{{.name = "a", NUMBER, .choices = choices, .min = -2, .max = 1}},
	"option `a`: it has words, and its range is not from 0 or above"},
    {{{.name = "a", NUMBER, .flags = OW_O_REQUIRED, .dflt = "1"}},
	"option `a`: it is required and yet has a default"},
    {{{.name = "a", NUMBER, .flags = OW_O_SECRET, .dflt = "1"}},
	"option `a`: it is secret and yet has a default"},
    {{{.name = "a", .type = OW_T_SECRET, .dflt = "x", HELP}},
	"option `a`: it is secret and yet has a default"},
    {{{.name = "a", NUMBER, .dflt = "x"}}, "option `a`: its default is refused: default: "
					   "option `a` must be a whole number such as 8 "
					   "or 1024, not `x`"},
    {{{.name = "a", NUMBER, .dflt = "5", .min = 6, .max = 7}},
	"option `a`: its default is refused: default: option `a` must be between 6 and 7, not "
	"5"},
    {{{.name = "a", .type = OW_T_ENUM, .choices = choices, .dflt = "c", HELP}},
	"option `a`: its default is refused: default: option `a` must be one of `a`, `b`, not "
	"`c`"},
    {{{.name = "a", LIST, .dflt = "[x"}}, "option `a`: its default is refused: expected `,` or "
					  "the `]` of the list that begins at "
					  "1:10"},
    {{{.name = "a", LIST, .dflt = ""}},
	"option `a`: its default is refused: default: option `a` must be a list, not nothing"},
    {{{.name = "a", LIST, .dflt = "[]", .min = 1, .max = 2}},
	"option `a`: its default is refused: default: option `a` must have between 1 and 2 "
	"items, "
	"not 0"},
    {{{.name = "a", .type = OW_T_PAIRS, .dflt = "x", HELP}},
	"option `a`: its default is refused: default: option `a` must be a mapping (`name: "
	"value`), "
	"not a text"},
    {{{.name = "a", NUMBER}, {.name = "a", TEXT}}, "option `a`: it is there twice"},
    {{{.name = "a", NUMBER}, {.name = "a.b", TEXT}},
	"option `a.b`: it is an option and a group, with `a`"},
    {{{.name = "a.b", NUMBER}, {.name = "a", TEXT}},
	"option `a`: it is an option and a group, with `a.b`"},
    {{{.name = "a.b", TEXT}, {.name = "a", .type = OW_T_LIST, HELP}},
	"option `a`: it is an option and a group, with `a.b`"},
    {{{.name = "a", LIST}, {.name = "b", .type = OW_T_INT, .offset = 8, HELP}},
	"option `b`: it overlaps with `a`"},
    {{{.name = "a", NUMBER}, {.name = "b", NUMBER}}, "option `b`: it overlaps with `a`"},
};

START_TEST(finds_bugs)
{
	struct arena arena = ARENA_INIT;
	struct ow_option options[3] = {bad[_i].options[0], bad[_i].options[1], OW_OPTION_END};
	struct conf_table table = {options, sizeof(options[0])};
	ck_assert_pstr_eq(
	    conf_table_lint(table, sizeof(struct small), &arena), bad[_i].complaint);
	arena_free(&arena);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/table");
	TCase *t = tcase_create("table");
	tcase_add_test(t, reads_a_table);
	tcase_add_test(t, reads_a_newer_table);
	tcase_add_test(t, reads_an_older_table);
	tcase_add_test(t, sample_is_sound);
	tcase_add_loop_test(t, finds_bugs, 0, COUNT(bad));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
