#include "conf/value.h"

#include "tests/unit/conf/fixture.h"
#include "tests/unit/conf/sample.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Sets one of the sample's options from YAML text; the node is the value of `v`. */
static bool set(struct fixture *f, const char *name, const char *yaml, struct sample *conf)
{
	struct conf_check check = {sample_table, "sink `crm`", NULL, &f->arena, &f->report};
	struct ow_option option;
	size_t i = 0;
	while (conf_table_at(sample_table, i, &option) && strcmp(option.name, name) != 0)
		i++;
	ck_assert_ptr_nonnull(option.name);
	char *text = arena_printf(&f->arena, "v: %s\n", yaml);
	const struct conf_node *node = conf_get(fixture_parse(f, text), "v");
	ck_assert_ptr_nonnull(node);
	memset(conf, 0, sizeof(*conf));
	return conf_value_set(&check, &option, node, conf);
}

START_TEST(writes_scalars)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	setenv("OW_X", "17", 1);
	ck_assert(set(&f, "url", "HTTPS://a/b", &conf));
	ck_assert_str_eq(conf.url, "HTTPS://a/b");
	ck_assert(set(&f, "name", "''", &conf));
	ck_assert_str_eq(conf.name, "");
	ck_assert(set(&f, "name", "'null'", &conf));
	ck_assert_str_eq(conf.name, "null");
	ck_assert(set(&f, "token", "x y", &conf));
	ck_assert_str_eq(conf.token, "x y");
	ck_assert(set(&f, "attempts", "\"${OW_X}\"", &conf));
	ck_assert_int_eq(conf.attempts, 17);
	ck_assert(set(&f, "threads", "64", &conf));
	ck_assert_int_eq(conf.threads, 64);
	ck_assert(set(&f, "threads", "auto", &conf));
	ck_assert_int_eq(conf.threads, OW_WORD(0));
	ck_assert(set(&f, "threads", "many", &conf));
	ck_assert_int_eq(conf.threads, OW_WORD(1));
	ck_assert(set(&f, "verify", "true", &conf));
	ck_assert(conf.verify);
	ck_assert(set(&f, "timeout", "90s", &conf));
	ck_assert_int_eq(conf.timeout_ms, 90000);
	ck_assert(set(&f, "max_body", "1KiB", &conf));
	ck_assert_int_eq(conf.max_body, 1024);
	ck_assert(set(&f, "retry.jitter", "equal", &conf));
	ck_assert_int_eq(conf.jitter, 2);
	ck_assert(set(&f, "proxy", "'[::1]:80'", &conf));
	ck_assert_str_eq(conf.proxy, "[::1]:80");
	ck_assert(set(&f, "label", "''", &conf));
	ck_assert_str_eq(conf.label, "");
	ck_assert(set(&f, "fallback", "main", &conf));
	ck_assert_str_eq(conf.fallback, "main");
	ck_assert_str_eq(fixture_printed(&f), "");
	fixture_close(&f);
}
END_TEST

START_TEST(an_address_may_be_a_word)
{
	static const char *const words[] = {"off", NULL};
	static const struct ow_option option =
	    OW_ADDRESS(struct sample, proxy, "proxy", .choices = words, .help = "A proxy.");
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	struct conf_check check = {sample_table, "sink `crm`", NULL, &f.arena, &f.report};
	const struct conf_node *node = fixture_parse(&f, "{a: off, b: 'h:1', c: on}\n");
	ck_assert(conf_value_set(&check, &option, conf_get(node, "a"), &conf));
	ck_assert_str_eq(conf.proxy, "off");
	ck_assert(conf_value_set(&check, &option, conf_get(node, "b"), &conf));
	ck_assert_str_eq(conf.proxy, "h:1");
	ck_assert(!conf_value_set(&check, &option, conf_get(node, "c"), &conf));
	ck_assert_ptr_nonnull(strstr(fixture_printed(&f), "name:8080, or `off`, not `on`"));
	fixture_close(&f);
}
END_TEST

struct wood {
	const struct conf_node *tree, *none;
};
static const struct ow_option wood_options[] = {
    CONF_TREE(struct wood, tree, "deep.tree", .help = "A tree."),
    CONF_TREE(struct wood, none, "none", .help = "None."),
    OW_OPTION_END,
};

/* Whatever it is, a tree is handed over as it stands there. */
START_TEST(hands_trees_over)
{
	static const char *const values[] = {
	    "{a: [1, {b: ~}]}", "[x, y]", "text", "\"\"", "[]", "{}"};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct fixture f;
		struct wood wood = {NULL, NULL};
		fixture_open(&f);
		struct conf_check check = {{wood_options, 0}, "it", NULL, &f.arena, &f.report};
		const struct conf_node *root = fixture_parse(
		    &f, arena_printf(&f.arena, "deep: {tree: %s}\nnone:\n", values[i]));
		ck_assert(conf_check_options(&check, root, root->mark, &wood));
		ck_assert_ptr_eq(wood.tree, conf_option_node(root, "deep.tree"));
		ck_assert_int_eq(wood.tree->mark.column, 14);
		ck_assert_ptr_null(wood.none);
		ck_assert_str_eq(fixture_printed(&f), "");
		fixture_close(&f);
	}
}
END_TEST

static const struct ow_node *member(const struct ow_node *node, const char *name)
{
	for (node = node->first; node; node = node->next)
		if (node->name && strcmp(node->name, name) == 0)
			return node;
	return NULL;
}

START_TEST(writes_trees_for_plugins)
{
	static const struct {
		const char *name, *text;
		enum ow_node_type type;
	} scalars[] = {{"a", "1.50", OW_NODE_NUMBER}, {"b", "1.50", OW_NODE_STRING},
	    {"c", "true", OW_NODE_BOOL}, {"d", "true", OW_NODE_STRING},
	    {"e", NULL, OW_NODE_NULL}, {"f", "~", OW_NODE_STRING}, {"g", "010", OW_NODE_STRING},
	    {"h", "yes", OW_NODE_STRING}, {"i", "", OW_NODE_STRING},
	    {"j", "-1e5", OW_NODE_NUMBER}, {"k", "{/data/a}", OW_NODE_STRING}};
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	ck_assert(set(&f, "shape",
	    "{a: 1.50, b: '1.50', c: true, d: 'true', e: ~, f: '~', g: 010, h: yes, i: '', "
	    "j: -1e5, k: '{/data/a}', list: [1, {x: y}, []]}",
	    &conf));
	ck_assert_int_eq(conf.shape->type, OW_NODE_MAPPING);
	ck_assert_ptr_null(conf.shape->name);
	for (int i = 0; i < COUNT(scalars); i++) {
		const struct ow_node *node = member(conf.shape, scalars[i].name);
		ck_assert_int_eq(node->type, scalars[i].type);
		if (scalars[i].text)
			ck_assert_str_eq(node->text, scalars[i].text);
		else
			ck_assert_ptr_null(node->text);
	}
	const struct ow_node *list = member(conf.shape, "list");
	ck_assert_int_eq(list->type, OW_NODE_LIST);
	ck_assert_ptr_null(list->next);
	ck_assert_str_eq(list->first->text, "1");
	ck_assert_ptr_null(list->first->name);
	ck_assert_str_eq(member(list->first->next, "x")->text, "y");
	ck_assert_ptr_null(list->first->next->next->first);
	ck_assert(set(&f, "shape", "text", &conf));
	ck_assert_int_eq(conf.shape->type, OW_NODE_STRING);
	ck_assert_str_eq(fixture_printed(&f), "");
	ck_assert(!set(&f, "shape", "{a: [x, False]}", &conf));
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:1:12: error: sink `crm`: option `shape` has a value that could be a text "
	    "or "
	    "true or false: write it in small letters, or in quotes\n");
	ck_assert_ptr_null(conf.shape);
	fixture_close(&f);
}
END_TEST

START_TEST(writes_lists)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	ck_assert(set(&f, "retry.on", "[429, 'a b', \"\"]", &conf));
	ck_assert_uint_eq(conf.on.count, 3);
	ck_assert_str_eq(conf.on.items[0], "429");
	ck_assert_str_eq(conf.on.items[1], "a b");
	ck_assert_str_eq(conf.on.items[2], "");
	ck_assert(set(&f, "retry.on", "timeout", &conf));
	ck_assert_uint_eq(conf.on.count, 1);
	ck_assert_str_eq(conf.on.items[0], "timeout");
	ck_assert(set(&f, "headers", "{X-B: 1, X-A: 'two'}", &conf));
	ck_assert_uint_eq(conf.headers.count, 2);
	ck_assert_str_eq(conf.headers.names[0], "X-B");
	ck_assert_str_eq(conf.headers.values[0], "1");
	ck_assert_str_eq(conf.headers.names[1], "X-A");
	ck_assert_str_eq(conf.headers.values[1], "two");
	ck_assert(set(&f, "headers", "{}", &conf));
	ck_assert_uint_eq(conf.headers.count, 0);
	ck_assert_str_eq(fixture_printed(&f), "");
	fixture_close(&f);
}
END_TEST

/* Values must outlive the tree they come from. */
START_TEST(copies_texts)
{
	struct fixture f;
	struct arena tree = ARENA_INIT;
	struct sample conf = {0};
	fixture_open(&f);
	struct conf_check check = {sample_table, "x", NULL, &f.arena, &f.report};
	const char yaml[] = "{url: http://a, retry: {on: [x]}, headers: {n: v}}";
	const struct conf_node *root =
	    conf_tree_parse("f.yaml", yaml, strlen(yaml), &tree, &f.report);
	ck_assert(conf_check_options(&check, root, (struct conf_mark){0}, &conf));
	arena_free(&tree);
	ck_assert_str_eq(conf.url, "http://a");
	ck_assert_str_eq(conf.on.items[0], "x");
	ck_assert_str_eq(conf.headers.names[0], "n");
	ck_assert_str_eq(conf.headers.values[0], "v");
	fixture_close(&f);
}
END_TEST

#define DURATION "a duration such as 250ms, 5s, 10m, 24h or 7d"
#define SIZE	 "a size such as 512, 64KiB, 1MiB or 2GiB"

static const struct {
	const char *name, *yaml;
	const char *place;     /* NULL: 1:4, where the value is */
	const char *complaint; /* behind "sink `crm`: option `NAME` " */
} bad[] = {
    {"timeout", "5 parsecs", NULL, "must be " DURATION ", not `5 parsecs`"},
    {"timeout", "5", NULL, "must be " DURATION ", not `5` (did you mean `5s`?)"},
    {"timeout", "5 sec", NULL, "must be " DURATION ", not `5 sec` (did you mean `5s`?)"},
    {"timeout", "2m", NULL, "must be between 1ms and 90s, not 2m"},
    {"timeout", "0", NULL, "must be between 1ms and 90s, not 0"},
    {"timeout", "999999d", NULL, "must be a duration of at most 36525d, not `999999d`"},
    {"timeout", "''", NULL, "must be " DURATION ", not an empty text"},
    {"timeout", "[5s]", NULL, "must be " DURATION ", not a list"},
    {"timeout", "{a: 5s}", NULL, "must be " DURATION ", not a mapping"},
    {"max_body", "64KB", NULL, "must be " SIZE ", not `64KB` (did you mean `64KiB`?)"},
    {"max_body", "2GiB", NULL, "must be between 1KiB and 1GiB, not 2GiB"},
    {"max_body", "[1]", NULL, "must be " SIZE ", not a list"},
    {"attempts", "1_0", NULL, "must be a whole number such as 8 or 1024, not `1_0`"},
    {"attempts", "0x1", NULL, "must be a whole number such as 8 or 1024, not `0x1`"},
    {"attempts", "[1]", NULL, "must be a whole number such as 8 or 1024, not a list"},
    {"attempts", "101", NULL, "must be between 1 and 100, not 101"},
    {"threads", "2x", NULL,
	"must be a whole number such as 8 or 1024, or `auto`, `many`, not `2x`"},
    {"threads", "Auto", NULL,
	"must be a whole number such as 8 or 1024, or `auto`, `many`, not `Auto` "
	"(did you mean `auto`?)"},
    {"threads", "-1", NULL, "must be between 1 and 64, not -1"},
    {"threads", "${OW_SECRET}", NULL,
	"must be a whole number such as 8 or 1024, or `auto`, `many`, not the value given"},
    {"pool.max_connections", "0", NULL, "must be at least 1, not 0"},
    {"verify", "yes", NULL, "must be true or false, not `yes` (did you mean `true`?)"},
    {"verify", "OFF", NULL, "must be true or false, not `OFF` (did you mean `false`?)"},
    {"verify", "perhaps", NULL, "must be true or false, not `perhaps`"},
    {"verify", "{}", NULL, "must be true or false, not a mapping"},
    {"retry.jitter", "half", NULL, "must be one of `full`, `none`, `equal`, not `half`"},
    {"retry.jitter", "ful", NULL,
	"must be one of `full`, `none`, `equal`, not `ful` (did you mean `full`?)"},
    {"retry.jitter", "[full]", NULL, "must be a text, not a list"},
    {"url", "crm.example.com", NULL,
	"must be a URL such as https://host:8443/path?query, not `crm.example.com`"},
    {"url", "ftp://a", NULL,
	"must be a URL that begins with one of `http://`, `https://`, not `ftp://a`"},
    {"proxy", "a", NULL,
	"must be an address such as 127.0.0.1:8080, [::1]:8080 or name:8080, not `a`"},
    {"label", "triggerId", NULL,
	"must be a JSON pointer such as /data/contactId (with ~1 for a / and ~0 for a ~ in a "
	"name), not `triggerId`"},
    {"fallback", "''", NULL, "must not be empty"},
    {"name", "[x]", NULL, "must be a text, not a list"},
    {"name", "{x: y}", NULL, "must be a text, not a mapping"},
    /* Lists and pairs: at the item. */
    {"retry.on", "{a: b}", NULL, "must be a list, not a mapping"},
    {"retry.on", "[a, [b], ~]", "1:8",
	"is a list: each item must be a text, not a list\n"
	"f.yaml:1:13: error: sink `crm`: option `retry.on` is a list: each item must be a "
	"text, "
	"not nothing"},
    {"retry.on", "[]", NULL, "must have between 1 and 4 items, not 0"},
    {"retry.on", "[1, 2, 3, 4, 5]", NULL, "must have between 1 and 4 items, not 5"},
    {"headers", "[a]", NULL, "must be a mapping (`name: value`), not a list"},
    {"headers", "a", NULL, "must be a mapping (`name: value`), not a text"},
    {"headers", "{a: 1, b: {c: 2}, d: }", "1:14",
	"is a mapping: each value must be a text, not a mapping\n"
	"f.yaml:1:25: error: sink `crm`: option `headers` is a mapping: each value must be a "
	"text, "
	"not nothing"},
    /* Secrets: whatever their type, and whatever they would have looked like. */
    {"token", "[s3cret]", NULL, "must be a text, not a list"},
    {"token", "''", NULL, "must not be empty"},
    {"token", "${OW_EMPTY}", NULL, "must not be empty"},
    {"tokens", "{s3cret: x}", NULL, "must be a list, not a mapping"},
    {"tokens", "[s3cret, '']", "1:13", "is a list: each item must not be empty"},
    {"tokens", "''", NULL, "is a list: each item must not be empty"},
    {"tokens", "[a, [s3cret]]", "1:8", "is a list: each item must be a text, not a list"},
    {"tokens", "[a, b, s3cret]", NULL, "must have between 0 and 2 items, not 3"},
    {"pin", "s3cret", NULL, "must be a whole number such as 8 or 1024, not the value given"},
    {"pin", "77", NULL, "must be between 1000 and 9999, not the value given"},
    {"timeout", "${OW_SECRET}", NULL, "must be " DURATION ", not the value given"},
    {"timeout", "${OW_NUMBER}", NULL, "must be " DURATION ", not the value given"},
    {"attempts", "${OW_NUMBER}", NULL, "must be between 1 and 100, not the value given"},
    {"verify", "${OW_NUMBER:-1}", NULL, "must be true or false, not the value given"},
    {"retry.jitter", "${OW_SECRET}", NULL,
	"must be one of `full`, `none`, `equal`, not the value given"},
    {"url", "${OW_SECRET}", NULL,
	"must be a URL such as https://host:8443/path?query, not the value given"},
    {"url", "ftp://${OW_SECRET}", NULL,
	"must be a URL that begins with one of `http://`, `https://`, not the value given"},
    {"proxy", "${OW_SECRET}", NULL,
	"must be an address such as 127.0.0.1:8080, [::1]:8080 or name:8080, not the value "
	"given"},
};

START_TEST(says_what_is_wrong)
{
	struct fixture f;
	struct sample conf, untouched = {0};
	fixture_open(&f);
	setenv("OW_SECRET", "fulL", 1);
	setenv("OW_NUMBER", "1234", 1);
	setenv("OW_EMPTY", "", 1);
	ck_assert(!set(&f, bad[_i].name, bad[_i].yaml, &conf));
	const char *expected =
	    arena_printf(&f.arena, "f.yaml:%s: error: sink `crm`: option `%s` %s\n",
		bad[_i].place ? bad[_i].place : "1:4", bad[_i].name, bad[_i].complaint);
	ck_assert_str_eq(fixture_printed(&f), expected);
	ck_assert_mem_eq(&conf, &untouched, sizeof(conf));
	fixture_close(&f);
}
END_TEST

/* What could not be expanded was complained about already. */
START_TEST(complains_once)
{
	static const char *const values[][2] = {
	    {"timeout", "${OW_UNSET}"},
	    {"retry.on", "${OW_UNSET}"},
	    {"retry.on", "[a, '${OW_UNSET}']"},
	    {"headers", "{a: '${OW_UNSET}'}"},
	};
	for (int i = 0; i < COUNT(values); i++) {
		struct fixture f;
		struct sample conf;
		fixture_open(&f);
		unsetenv("OW_UNSET");
		ck_assert(!set(&f, values[i][0], values[i][1], &conf));
		ck_assert_int_eq(f.report.errors, 1);
		fixture_close(&f);
	}
}
END_TEST

START_TEST(formats_ranges)
{
	static const struct {
		unsigned type;
		int64_t min, max;
		const char *range;
	} ranges[] = {
	    {OW_T_INT, 0, 0, ""},
	    {OW_T_INT, 0, 5, "between 0 and 5"},
	    {OW_T_INT, -5, 0, "between -5 and 0"},
	    {OW_T_INT, 1, INT64_MAX, "at least 1"},
	    {OW_T_INT, INT64_MIN, 5, "at most 5"},
	    {OW_T_DURATION, 1, 3600000, "between 1ms and 1h"},
	    {OW_T_SIZE, 1024, INT64_MAX, "at least 1KiB"},
	};
	for (int i = 0; i < COUNT(ranges); i++) {
		char out[96];
		struct ow_option o = {.type = (uint16_t)ranges[i].type,
		    .min = ranges[i].min,
		    .max = ranges[i].max};
		conf_value_range(&o, out);
		ck_assert_str_eq(out, ranges[i].range);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/value");
	TCase *t = tcase_create("value");
	tcase_add_test(t, writes_scalars);
	tcase_add_test(t, an_address_may_be_a_word);
	tcase_add_test(t, hands_trees_over);
	tcase_add_test(t, writes_trees_for_plugins);
	tcase_add_test(t, writes_lists);
	tcase_add_test(t, copies_texts);
	tcase_add_loop_test(t, says_what_is_wrong, 0, COUNT(bad));
	tcase_add_test(t, complains_once);
	tcase_add_test(t, formats_ranges);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
