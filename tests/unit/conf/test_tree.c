#include "conf/tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/unit/conf/fixture.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- What comes out ---- */

static void dump_scalar(struct buf *out, const struct conf_node *node)
{
	if (node->broken)
		buf_add_char(out, '!');
	else if (node->is_null)
		buf_add_char(out, '~');
	else
		buf_printf(out, node->quoted ? "'%s'" : "%s", node->text);
	if (node->secret)
		buf_add_char(out, '$');
}

/* The tree in YAML's flow style, with the place of every key and node behind an @. */
static void dump(struct buf *out, const struct conf_node *node)
{
	size_t seen = 0;
	bool mapping = node->type == CONF_MAPPING;
	if (node->type == CONF_SCALAR) {
		dump_scalar(out, node);
	} else {
		buf_add_char(out, mapping ? '{' : '[');
		conf_each(node, child)
		{
			buf_add_string(out, seen++ ? ", " : "");
			ck_assert_str_eq(child->mark.file, "f.yaml");
			ck_assert_int_eq(mapping, child->key != NULL);
			if (mapping)
				buf_printf(out, "%s@%d:%d: ", child->key, child->key_mark.line,
				    child->key_mark.column);
			dump(out, child);
		}
		buf_add_char(out, mapping ? '}' : ']');
		ck_assert_uint_eq(seen, node->count);
	}
	buf_printf(out, "@%d:%d", node->mark.line, node->mark.column);
}

#define TAG(place)                                                                             \
	"f.yaml:" place                                                                        \
	": error: tags are not used here: put a text that begins with `!` in quotes\n"

static const struct {
	const char *yaml, *tree, *complaints;
} documents[] = {
    {"a: 1\n", "{a@1:1: 1@1:4}@1:1", ""},
    {"a:\n  b: [x, \"y\", 'z']\n  c: {}\n",
	"{a@1:1: {b@2:3: [x@2:7, 'y'@2:10, 'z'@2:15]@2:6, c@3:3: {}@3:6}@2:3}@1:1", ""},
    {"é: \"ü\" # x\nb: {ö: 1, x: 2}\n",
	"{é@1:1: 'ü'@1:4, b@2:1: {ö@2:5: 1@2:8, x@2:11: "
	"2@2:14}@2:4}@1:1",
	""},
    {"\xef\xbb\xbf"
     "a: 1\r\nb: 2\r\n",
	"{a@1:1: 1@1:4, b@2:1: 2@2:4}@1:1", ""},
    {"%YAML 1.2\n---\na: 1\n...\n", "{a@3:1: 1@3:4}@3:1", ""},
    {"a:\nb: ~\nc: null\nd: NULL\ne: 'null'\nf: ''\ng: nil\n",
	"{a@1:1: ~@1:3, b@2:1: ~@2:4, c@3:1: ~@3:4, d@4:1: ~@4:4, e@5:1: 'null'@5:4, "
	"f@6:1: ''@6:4, g@7:1: nil@7:4}@1:1",
	""},
    {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{a@1:1: 'x\ny\n'@1:4, b@4:1: 'x y'@4:4}@1:1", ""},
    {"'a b': 1\n? c\n: 2\n\"${OW_X}\": 3\n",
	"{a b@1:1: 1@1:8, c@2:3: 2@3:3, ${OW_X}@4:1: 3@4:12}@1:1", ""},
    {"a: ${OW_X}\nb: [\"${OW_X}\", '$${y}', \"<${OW_Z:-}>\"]\nc: |\n  ${OW_X}\n",
	"{a@1:1: ex$@1:4, b@2:1: ['ex'$@2:5, '${y}'@2:16, '<>'@2:25]@2:4, "
	"c@3:1: 'ex\n'$@3:4}@1:1",
	""},
    /* Mappings. */
    {"a: 1\nb: 2\na: 3\n", "{a@1:1: 1@1:4, b@2:1: 2@2:4}@1:1",
	"f.yaml:3:1: error: `a` stands twice in this mapping: first in line 1\n"},
    {"a: {x: 1, \"x\": '${OW_UNSET}', y: 2}\n",
	"{a@1:1: {x@1:5: 1@1:8, y@1:31: 2@1:34}@1:4}@1:1",
	"f.yaml:1:11: error: `x` stands twice in this mapping: first in line 1\n"
	"f.yaml:1:16: error: variable `OW_UNSET` is not set: set it, or give a default: "
	"`${OW_UNSET:-default}`\n"},
    {"? [x, y]\n: {z: 1}\n? {a: 1}\n: 2\nb: 3\n", "{b@5:1: 3@5:4}@1:1",
	"f.yaml:1:3: error: a key must be a text, not a list\n"
	"f.yaml:3:3: error: a key must be a text, not a mapping\n"},
    {"'': 1\n? \n: 2\n\"a\\0b\": 3\nx: \"a\\0b\"\nnull: 4\n",
	"{x@5:1: !@5:4, null@6:1: 4@6:7}@1:1",
	"f.yaml:1:1: error: a key must not be empty\n"
	"f.yaml:2:2: error: a key must not be empty\n"
	"f.yaml:4:1: error: a text cannot hold a NUL character\n"
	"f.yaml:5:4: error: a text cannot hold a NUL character\n"},
    {"a: !!str 1\nb: !x {c: !y [!z 1]}\n!k d: 1\n",
	"{a@1:1: 1@1:4, b@2:1: {c@2:8: [1@2:15]@2:11}@2:4, d@3:1: 1@3:7}@1:1",
	TAG("1:4") TAG("2:4") TAG("2:11") TAG("2:15") TAG("3:1")},
    /* Documents. */
    {"a: 1\n---\nb: 2\n---\nc: 3\n", "{a@1:1: 1@1:4}@1:1",
	"f.yaml:2:1: error: a second document begins here: a configuration is one document\n"},
    {"", NULL, "f.yaml: error: there is nothing in it\n"},
    {"# only this\n\n", NULL, "f.yaml: error: there is nothing in it\n"},
    {"---\n", NULL, "f.yaml: error: there is nothing in it\n"},
    {"- a\n- ${OW_UNSET:x}\n", NULL,
	"f.yaml:1:1: error: expected a mapping (`name: value`), not a list\n"
	"f.yaml:2:3: error: `${...}` is not understood: write `${NAME}`, `${NAME:-default}` or "
	"`${file:/path}`; `$${` stands for a literal `${`\n"},
    {"just text\n", NULL,
	"f.yaml:1:1: error: expected a mapping (`name: value`), not a text\n"},
    /* Aliases. */
    {"a: &x {b: 1}\nc: *x\nd: [*x, *x]\n",
	"{a@1:1: {b@1:8: 1@1:11}@1:4, c@2:1: {b@1:8: 1@1:11}@2:4, d@3:1: [{b@1:8: 1@1:11}@3:5, "
	"{b@1:8: 1@1:11}@3:9]@3:4}@1:1",
	""},
    {"a: &x ${OW_X}\nb: *x\n", "{a@1:1: ex$@1:4, b@2:1: ex$@2:4}@1:1", ""},
    {"a: &x 1\nb: &x 2\nc: *x\n", "{a@1:1: 1@1:4, b@2:1: 2@2:4, c@3:1: 2@3:4}@1:1", ""},
    {"a: *x\nb: &x 1\n", "{a@1:1: !@1:4, b@2:1: 1@2:4}@1:1",
	"f.yaml:1:4: error: `*x` has no `&x` before it\n"},
    {"a: &x [1, *x]\n", "{a@1:1: [1@1:8, !@1:11]@1:4}@1:1",
	"f.yaml:1:11: error: `*x` stands inside of `&x` itself\n"},
    {"a: &x y\n*x : 1\n", "{a@1:1: y@1:4}@1:1",
	"f.yaml:2:1: error: an alias cannot be a key: write the key out\n"},
    {"*x\n", NULL, "f.yaml:1:1: error: `*x` has no `&x` before it\n"},
    /* Merging. */
    {"a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x, e: 4}\n",
	"{a@1:1: {b@1:8: 1@1:11, c@1:14: 2@1:17}@1:4, d@2:1: {c@2:5: 3@2:8, e@2:19: 4@2:22, "
	"b@1:8: 1@1:11}@2:4}@1:1",
	""},
    {"a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y}\n",
	"{a@1:1: {b@1:8: 1@1:11}@1:4, c@2:1: {d@2:16: 2@2:19, b@1:8: 1@1:11}@2:4, "
	"e@3:1: {d@2:16: 2@2:19, b@1:8: 1@1:11}@3:4}@1:1",
	""},
    {"a: {'<<': 1}\n", "{a@1:1: {<<@1:5: 1@1:11}@1:4}@1:1", ""},
    {"a: &x {b: 1}\nc: {<<: [*x]}\nd: {<<: {b: 2}}\ne: {<<: 1}\n",
	"{a@1:1: {b@1:8: 1@1:11}@1:4, c@2:1: {}@2:4, d@3:1: {}@3:4, e@4:1: {}@4:4}@1:1",
	"f.yaml:2:9: error: `<<` takes one alias of a mapping, as in `<<: *name`\n"
	"f.yaml:3:9: error: `<<` takes one alias of a mapping, as in `<<: *name`\n"
	"f.yaml:4:9: error: `<<` takes one alias of a mapping, as in `<<: *name`\n"},
    {"a: &x {b: 1}\nc: &y 1\nd: {<<: *x, <<: *x}\ne: {<<: *y}\nf: {<<: *z}\n",
	"{a@1:1: {b@1:8: 1@1:11}@1:4, c@2:1: 1@2:4, d@3:1: {b@1:8: 1@1:11}@3:4, e@4:1: {}@4:4, "
	"f@5:1: {}@5:4}@1:1",
	"f.yaml:3:13: error: `<<` stands twice in this mapping\n"
	"f.yaml:4:9: error: `<<` takes one alias of a mapping, as in `<<: *name`\n"
	"f.yaml:5:9: error: `*z` has no `&z` before it\n"},
    {"a: &x {b: 1, <<: *x}\n", "{a@1:1: {b@1:8: 1@1:11}@1:4}@1:1",
	"f.yaml:1:18: error: `*x` stands inside of `&x` itself\n"},
    /* An error of YAML itself ends it; what was found before is told too. */
    {"a: ${OW_UNSET}\nb: [1, 2\nc: 3\n", NULL,
	"f.yaml:1:4: error: variable `OW_UNSET` is not set: set it, or give a default: "
	"`${OW_UNSET:-default}`\n"
	"f.yaml:3:2: error: expected `,` or the `]` of the list that begins at 2:4\n"},
};

START_TEST(builds_a_tree)
{
	struct fixture f;
	struct buf out = BUF_INIT;
	fixture_open(&f);
	setenv("OW_X", "ex", 1);
	unsetenv("OW_UNSET");
	const struct conf_node *root = fixture_parse(&f, documents[_i].yaml);
	if (root)
		dump(&out, root);
	ck_assert_str_eq(fixture_printed(&f), documents[_i].complaints);
	ck_assert_pstr_eq(root ? out.data : NULL, documents[_i].tree);
	buf_free(&out);
	fixture_close(&f);
}
END_TEST

/* ---- Bounds ---- */

static const char *nested(struct arena *arena, const char *before, int levels)
{
	struct buf out = BUF_INIT;
	buf_add_string(&out, before);
	for (int i = 0; i < levels; i++)
		buf_add_char(&out, '[');
	for (int i = 0; i < levels; i++)
		buf_add_char(&out, ']');
	buf_add_char(&out, '\n');
	const char *text = arena_string(arena, out.data);
	buf_free(&out);
	return text;
}

static void expect_refused(struct fixture *f, const char *yaml, const char *complaint)
{
	ck_assert_ptr_null(fixture_parse(f, yaml));
	ck_assert_str_eq(fixture_printed(f), complaint);
}

START_TEST(bounds_nesting)
{
	struct fixture f;
	fixture_open(&f);
	ck_assert_ptr_nonnull(fixture_parse(&f, nested(&f.arena, "a: ", CONF_DEPTH_MAX - 1)));
	ck_assert_str_eq(fixture_printed(&f), "");
	expect_refused(&f, nested(&f.arena, "a: ", CONF_DEPTH_MAX),
	    "f.yaml:1:67: error: nested more than 64 levels deep\n");
	fixture_close(&f);
}
END_TEST

START_TEST(bounds_nesting_by_aliases)
{
	struct fixture f;
	fixture_open(&f);
	const char *half = nested(&f.arena, "a: &x ", 32);
	char *fits = arena_printf(&f.arena, "%sb: &y [*x]\nc: %.30s*y%.30s\n", half,
	    nested(&f.arena, "", 40), "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	ck_assert_ptr_nonnull(fixture_parse(&f, fits));
	ck_assert_str_eq(fixture_printed(&f), "");
	char *deep = arena_printf(&f.arena, "%sb: &y [*x]\nc: %.31s*y%.31s\n", half,
	    nested(&f.arena, "", 40), "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	expect_refused(&f, deep, "f.yaml:3:35: error: nested more than 64 levels deep\n");
	fixture_close(&f);
}
END_TEST

/* A few hundred bytes that would be billions of nodes. */
START_TEST(bounds_aliases)
{
	struct fixture f;
	struct buf out = BUF_INIT;
	fixture_open(&f);
	buf_add_string(&out, "a0: &a0 [x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++)
		buf_printf(&out, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
		    i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	expect_refused(
	    &f, out.data, "f.yaml:6:10: error: aliases add more than 1MiB to this file\n");
	buf_free(&out);
	fixture_close(&f);
}
END_TEST

START_TEST(bounds_aliases_of_long_texts)
{
	struct fixture f;
	struct buf out = BUF_INIT;
	fixture_open(&f);
	char *text = arena_alloc(&f.arena, 300 * 1024 + 1);
	memset(text, 'x', 300 * 1024);
	buf_printf(&out, "a: &x %s\nb: [*x, *x, *x]\n", text);
	ck_assert_ptr_nonnull(fixture_parse(&f, out.data));
	ck_assert_str_eq(fixture_printed(&f), "");
	buf_add_string(&out, "c: *x\n");
	expect_refused(
	    &f, out.data, "f.yaml:3:4: error: aliases add more than 1MiB to this file\n");
	buf_free(&out);
	fixture_close(&f);
}
END_TEST

START_TEST(bounds_expansion)
{
	struct fixture f;
	struct buf out = BUF_INIT;
	fixture_open(&f);
	char *text = arena_alloc(&f.arena, 100 * 1024 + 1);
	memset(text, 'x', 100 * 1024);
	setenv("OW_LONG", text, 1);
	for (int i = 1; i <= 10; i++)
		buf_printf(&out, "a%d: ${OW_LONG}\n", i);
	ck_assert_ptr_nonnull(fixture_parse(&f, out.data));
	ck_assert_str_eq(fixture_printed(&f), "");
	buf_add_string(&out, "b: ${OW_LONG}\nc: ${OW_LONG}\n");
	expect_refused(
	    &f, out.data, "f.yaml:11:4: error: `${...}` puts more than 1MiB into this file\n");
	unsetenv("OW_LONG");
	buf_free(&out);
	fixture_close(&f);
}
END_TEST

/* ---- Files ---- */

struct file {
	struct fixture f;
	char path[64];
};

static void file_open(struct file *file, const char *content, size_t len)
{
	fixture_open(&file->f);
	strcpy(file->path, "/tmp/onceway-tree-XXXXXX");
	int fd = mkstemp(file->path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
	close(fd);
}

static void file_close(struct file *file)
{
	unlink(file->path);
	fixture_close(&file->f);
}

START_TEST(loads_a_file)
{
	struct file file;
	file_open(&file, "a: {b: 1}\nc: ${OW_UNSET}\n", 25);
	unsetenv("OW_UNSET");
	const struct conf_node *root = conf_tree_load(file.path, &file.f.arena, &file.f.report);
	ck_assert_str_eq(conf_get(conf_get(root, "a"), "b")->text, "1");
	const char *expected = arena_printf(&file.f.arena,
	    "%s:2:4: error: variable `OW_UNSET` is not set: set it, or give a default: "
	    "`${OW_UNSET:-default}`\n",
	    file.path);
	ck_assert_str_eq(fixture_printed(&file.f), expected);
	file_close(&file);
}
END_TEST

START_TEST(bounds_a_file)
{
	static char content[1024 * 1024 + 1];
	struct file file;
	memset(content, '#', sizeof(content));
	memcpy(content, "a: 1\n", 5);
	file_open(&file, content, sizeof(content) - 1);
	ck_assert_ptr_nonnull(conf_tree_load(file.path, &file.f.arena, &file.f.report));
	file_close(&file);
	file_open(&file, content, sizeof(content));
	ck_assert_ptr_null(conf_tree_load(file.path, &file.f.arena, &file.f.report));
	const char *expected =
	    arena_printf(&file.f.arena, "%s: error: it has more than 1MiB\n", file.path);
	ck_assert_str_eq(fixture_printed(&file.f), expected);
	file_close(&file);
}
END_TEST

static const struct {
	const char *path, *complaint;
} unreadable[] = {
    {"/nonexistent/x.yaml",
	"/nonexistent/x.yaml: error: cannot read it: No such file or directory\n"},
    {"/", "/: error: cannot read it: Is a directory\n"},
    {"/dev/null", "/dev/null: error: there is nothing in it\n"},
};

START_TEST(says_why_it_cannot_read)
{
	struct fixture f;
	fixture_open(&f);
	ck_assert_ptr_null(conf_tree_load(unreadable[_i].path, &f.arena, &f.report));
	ck_assert_str_eq(fixture_printed(&f), unreadable[_i].complaint);
	fixture_close(&f);
}
END_TEST

START_TEST(finds_children)
{
	struct fixture f;
	fixture_open(&f);
	const struct conf_node *root = fixture_parse(&f, "a: [1]\nb: x\nc:\n");
	ck_assert_str_eq(conf_type_name(root), "a mapping");
	ck_assert_str_eq(conf_type_name(conf_get(root, "a")), "a list");
	ck_assert_str_eq(conf_type_name(conf_get(root, "b")), "a text");
	ck_assert_str_eq(conf_type_name(conf_get(root, "c")), "nothing");
	ck_assert_str_eq(conf_type_name(conf_get(root, "d")), "nothing");
	ck_assert_ptr_null(conf_get(conf_get(root, "a"), "1"));
	ck_assert_ptr_null(conf_get(NULL, "a"));
	fixture_close(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/tree");
	TCase *t = tcase_create("tree");
	tcase_add_loop_test(t, builds_a_tree, 0, COUNT(documents));
	tcase_add_test(t, bounds_nesting);
	tcase_add_test(t, bounds_nesting_by_aliases);
	tcase_add_test(t, bounds_aliases);
	tcase_add_test(t, bounds_aliases_of_long_texts);
	tcase_add_test(t, bounds_expansion);
	tcase_add_test(t, loads_a_file);
	tcase_add_test(t, bounds_a_file);
	tcase_add_loop_test(t, says_why_it_cannot_read, 0, COUNT(unreadable));
	tcase_add_test(t, finds_children);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
