#include "conf/syntax.h"

#include "tests/unit/conf/fixture.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define TAB	  "a tab cannot indent a line: use spaces"
#define QUOTE	  "the text that begins here has no closing quote"
#define COLON	  "a `:` cannot stand here: check the indentation, or put the text in quotes"
#define TAG	  "tags are not used here: put a text that begins with `!` in quotes"
#define DIRECTIVE "directives are not used here: put a text that begins with `%` in quotes"
#define KEY                                                                                    \
	"expected a key: check the quotes and the indentation of the mapping that begins at "
#define BRACES                                                                                 \
	"put the text with `${...}` in quotes: between `{ }` and `[ ]` YAML takes its braces " \
	"for a mapping"

static const struct {
	const char *yaml, *place, *text;
} mistakes[] = {
    {"a:\n\tb: 1\n", "2:1", TAB},
    {"a: 1\n\tb: 1\n", "2:1", TAB},
    {"a: >\n\tb\n", "2:1", TAB},
    {"a: b: c\n", "1:5", COLON},
    {"a: 1\n  b: 2\n", "2:4", COLON},
    {"a:b\nc: 1\n", "2:2", COLON},
    {"a:\n  b: 1\n c: 2\n", "3:2", KEY "1:1"},
    {"a:\n  - b: 'it's'\n", "2:12", KEY "2:5"},
    {"a: \"x\" y\n", "1:8", KEY "1:1"},
    {"é: \"é\" x\n", "1:8", KEY "1:1"},
    {"a: 1\n- b\n", "2:1", KEY "1:1"},
    {"a:\n  - b\n  c: 1\n", "3:3",
	"expected `- `: check the indentation of the list that begins "
	"at 2:3"},
    {"a: [1, 2\nb: 3\n", "2:2", "expected `,` or the `]` of the list that begins at 1:4"},
    {"a: {x: 1\nb: 3\n", "2:2", "expected `,` or the `}` of the mapping that begins at 1:4"},
    {"a: {x: ${Y}}\n", "1:8", BRACES},
    {"é: [\"é\", ${Y:-z}]\n", "1:10", BRACES},
    {"a: \"abc\n", "1:4", QUOTE},
    {"a: 'abc\nb: 1\n", "1:4", QUOTE},
    {"a: \"b\n---\n", "1:4", QUOTE},
    {"a: @x\n", "1:4", "a text cannot begin with `@`: put it in quotes"},
    {"a: `x`\n", "1:4", "a text cannot begin with ```: put it in quotes"},
    {"a: %x\n", "1:4", "a text cannot begin with `%`: put it in quotes"},
    {"a: 1\nb\nc: 1\n", "2:1", "expected `key: value`: a `:` is missing"},
    {"a: \"\\q\"\n", "1:5",
	"no such escape: write `\\\\` for a backslash, or use single quotes"},
    {"a: \"\\xzz\"\n", "1:7", "expected hexadecimal digits after `\\x`, `\\u` or `\\U`"},
    {"a: \"\\uD800\"\n", "1:7", "this escape is not a character"},
    {"a: ]\n", "1:4",
	"expected a value: a text that begins with a punctuation mark needs quotes"},
    {"a: - b\n", "1:4", "a list cannot begin here: begin it on a line of its own"},
    {"a: ? b\n", "1:4", "a `?` cannot stand here: put the text in quotes"},
    {"a: *\n", "1:5",
	"expected a name after `&` or `*`: a text that begins with one of them needs quotes"},
    {"a: !x!y 1\n", "1:4", TAG},
    {"a: !<\n", "1:4", TAG},
    {"a: |x\n  b\n", "1:5", "nothing can follow `|` or `>` on its line"},
    {"%FOO\na: 1\n", "1:1", DIRECTIVE},
    {"%YAML x\n---\na: 1\n", "1:1", DIRECTIVE},
    {"%TAG x\n---\na: 1\n", "1:1", DIRECTIVE},
    {"%YAML 3.0\n---\na: 1\n", "1:1", "the YAML version must be 1.1 or 1.2"},
    {"  a: 1\nb: 2\n", "2:1",
	"expected the end of the file: check the indentation of this line"},
    {"a: |0\n  b\n", "1:5",
	"YAML: found an indentation indicator equal to 0 while scanning a "
	"block scalar"},
    {"é: 1\nb: \x01\n", "2:4",
	"the character U+0001 is not allowed: write it as an escape in double quotes"},
    {"a: \xc2\x80", "1:4",
	"the character U+0080 is not allowed: write it as an escape in double quotes"},
    {"é: é \xff\n", "1:6", "the file is not UTF-8 from this byte on"},
    {"a: \xe2\x82", "1:4", "the file is not UTF-8 from this byte on"},
    {"\xfe\xff", "1:1", "the file is not UTF-8 from this byte on"},
};

START_TEST(says_what_is_wrong_and_where)
{
	struct fixture f;
	fixture_open(&f);
	ck_assert_ptr_null(fixture_parse(&f, mistakes[_i].yaml));
	const char *expected = arena_printf(
	    &f.arena, "f.yaml:%s: error: %s\n", mistakes[_i].place, mistakes[_i].text);
	ck_assert_str_eq(fixture_printed(&f), expected);
	fixture_close(&f);
}
END_TEST

START_TEST(marks_behind_a_byte_order_mark)
{
	struct fixture f;
	fixture_open(&f);
	ck_assert_ptr_null(fixture_parse(&f, "\xef\xbb\xbf@\n"));
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:1:1: error: a text cannot begin with `@`: put it in quotes\n");
	fixture_close(&f);
}
END_TEST

/* libyaml compares each with all before it. */
START_TEST(refuses_many_tag_directives)
{
	struct fixture f;
	fixture_open(&f);
	char yaml[40 * 20] = "";
	for (int i = 0; i < 40; i++)
		sprintf(yaml + strlen(yaml), "%%TAG !a%d! x\n", i);
	ck_assert_ptr_null(fixture_parse(&f, yaml));
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:33:1: error: too many `%TAG`: directives are not used here\n");
	fixture_close(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/syntax");
	TCase *t = tcase_create("syntax");
	tcase_add_loop_test(t, says_what_is_wrong_and_where, 0, COUNT(mistakes));
	tcase_add_test(t, marks_behind_a_byte_order_mark);
	tcase_add_test(t, refuses_many_tag_directives);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
