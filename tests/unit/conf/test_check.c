#include "conf/check.h"

#include "tests/unit/conf/fixture.h"
#include "tests/unit/conf/sample.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const char *const also[] = {"plugin", NULL};

static bool run(struct fixture *f, const struct conf_node *node, struct sample *conf)
{
	struct conf_check check = {sample_table, "sink `crm`", also, &f->arena, &f->report};
	memset(conf, 0, sizeof(*conf));
	return conf_check_options(&check, node, (struct conf_mark){"f.yaml", 7, 3}, conf);
}

/* yaml: the member `crm` of `sinks`. */
static bool run_yaml(struct fixture *f, const char *yaml, struct sample *conf)
{
	const struct conf_node *sinks = conf_get(fixture_parse(f, yaml), "sinks");
	ck_assert_ptr_nonnull(conf_get(sinks, "crm"));
	return run(f, conf_get(sinks, "crm"), conf);
}

START_TEST(applies_defaults)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	ck_assert(
	    run_yaml(&f, "sinks: {crm: {plugin: http, url: 'http://a', timeout: ~}}", &conf));
	ck_assert_str_eq(fixture_printed(&f), "");
	ck_assert_str_eq(conf.url, "http://a");
	ck_assert_str_eq(conf.name, "onceway");
	ck_assert_ptr_null(conf.token);
	ck_assert_int_eq(conf.attempts, 5);
	ck_assert(conf.verify);
	ck_assert_int_eq(conf.timeout_ms, 5000);
	ck_assert_int_eq(conf.max_body, 1048576);
	ck_assert_int_eq(conf.jitter, 0);
	ck_assert_uint_eq(conf.on.count, 2);
	ck_assert_str_eq(conf.on.items[1], "connect");
	ck_assert_uint_eq(conf.headers.count, 0);
	ck_assert_str_eq(conf.label, "/triggerId");
	ck_assert_int_eq(conf.max_connections, 20);
	ck_assert_int_eq(conf.idle_ms, 60000);
	ck_assert_int_eq(conf.wait_ms, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(reads_groups)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	ck_assert(run_yaml(
	    &f, "sinks: {crm: {url: 'http://a', pool: {max_connections: 3}, retry: }}", &conf));
	ck_assert_str_eq(fixture_printed(&f), "");
	ck_assert_int_eq(conf.max_connections, 3);
	ck_assert_int_eq(conf.idle_ms, 60000);
	fixture_close(&f);
}
END_TEST

START_TEST(needs_no_node)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	ck_assert(!run(&f, NULL, &conf));
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:7:3: error: sink `crm`: option `url` is missing: add `url: ...`\n");
	ck_assert_int_eq(conf.attempts, 5);
	fixture_close(&f);
}
END_TEST

#define MISSING "f.yaml:1:9: error: sink `crm`: option `url` is missing: add `url: ...`\n"
/* A section of the sample that has what is required, and more; columns count from 30. */
#define CRM(more) "sinks: {crm: {url: http://a, " more "}}"

static const struct {
	const char *yaml, *complaints;
} bad[] = {
    /* Missing: at the section's key. */
    {"sinks: {crm: {}}", MISSING},
    {"sinks: {crm: }", MISSING},
    {"sinks: {crm: {url: }}",
	"f.yaml:1:20: error: sink `crm`: option `url` is missing: add `url: ...`\n"},
    {"sinks: {crm: 5}",
	"f.yaml:1:14: error: sink `crm` must be a mapping (`name: value`), not a text\n"},
    {"sinks: {crm: [url]}",
	"f.yaml:1:14: error: sink `crm` must be a mapping (`name: value`), not a list\n"},
    /* Unknown: at the key. */
    {CRM("timout: 1s"), "f.yaml:1:30: error: sink `crm`: unknown option `timout` (did you mean "
			"`timeout`?)\n"},
    {CRM("plugn: http"), "f.yaml:1:30: error: sink `crm`: unknown option `plugn` (did you mean "
			 "`plugin`?)\n"},
    {CRM("frobnicate: 1"), "f.yaml:1:30: error: sink `crm`: unknown option `frobnicate`\n"},
    {CRM("Pool: {}"),
	"f.yaml:1:30: error: sink `crm`: unknown option `Pool` (did you mean `pool`?)\n"},
    {CRM("pool: {max_conections: 2}"),
	"f.yaml:1:37: error: sink `crm`: unknown option `pool.max_conections` (did you mean "
	"`pool.max_connections`?)\n"},
    {CRM("pool: {frobnicate: {a: b}}"),
	"f.yaml:1:37: error: sink `crm`: unknown option `pool.frobnicate`\n"},
    {CRM("pool: {plugin: x}"),
	"f.yaml:1:37: error: sink `crm`: unknown option `pool.plugin`\n"},
    {CRM("max_connections: 2"),
	"f.yaml:1:30: error: sink `crm`: unknown option `max_connections` (did you mean `pool: "
	"{max_connections: ...}`?)\n"},
    {CRM("pool: {timeout: 2s}"),
	"f.yaml:1:37: error: sink `crm`: unknown option `pool.timeout` "
	"(did you mean `timeout` outside of `pool`?)\n"},
    {CRM("pool.max_connections: 2"), "f.yaml:1:30: error: sink `crm`: unknown option "
				     "`pool.max_connections`: write it as `pool: "
				     "{max_connections: ...}`\n"},
    {CRM("pool.x: 2"),
	"f.yaml:1:30: error: sink `crm`: unknown option `pool.x` (did you mean `pool`?)\n"},
    {CRM("pool: {pool.idle: 2s}"), "f.yaml:1:37: error: sink `crm`: unknown option "
				   "`pool.pool.idle`: write it as `pool: {idle: "
				   "...}`\n"},
    {CRM("po: {idle: 2s}"), "f.yaml:1:30: error: sink `crm`: unknown option `po`\n"},
    {CRM("'a\\nb': 1"), "f.yaml:1:30: error: sink `crm`: unknown option `a\\nb`\n"},
    {CRM("\"a\\nb\": 1"), "f.yaml:1:30: error: sink `crm`: unknown option `a\\x0ab`\n"},
    /* Groups. */
    {CRM("pool: 20"), "f.yaml:1:36: error: sink `crm`: `pool` must be a mapping such as `pool: "
		      "{max_connections: ...}`, not a text\n"},
    {CRM("retry: [full]"), "f.yaml:1:37: error: sink `crm`: `retry` must be a mapping such as "
			   "`retry: {jitter: ...}`, not a list\n"},
    {CRM("timeout: {total: 1s}"), "f.yaml:1:39: error: sink `crm`: option `timeout` must be a "
				  "duration such as 250ms, 5s, "
				  "10m, 24h or 7d, not a mapping\n"},
    /* All of them in one run. */
    {"sinks:\n  crm:\n    timeout: 5\n    verify: on\n    colour: red\n    pool:\n      idle: "
     "1\n"
     "    timeout: 6s\n",
	"f.yaml:2:3: error: sink `crm`: option `url` is missing: add `url: ...`\n"
	"f.yaml:3:14: error: sink `crm`: option `timeout` must be a duration such as 250ms, "
	"5s, 10m, "
	"24h or 7d, not `5` (did you mean `5s`?)\n"
	"f.yaml:4:13: error: sink `crm`: option `verify` must be true or false, not `on` (did "
	"you "
	"mean `true`?)\n"
	"f.yaml:5:5: error: sink `crm`: unknown option `colour`\n"
	"f.yaml:7:13: error: sink `crm`: option `pool.idle` must be a duration such as 250ms, "
	"5s, "
	"10m, 24h or 7d, not `1` (did you mean `1s`?)\n"
	"f.yaml:8:5: error: `timeout` stands twice in this mapping: first in line 3\n"},
    /* What an alias brings in is complained about where it is written, once. */
    {"x: &x {timeout: 5}\nsinks: {crm: {url: http://a, <<: *x}}",
	"f.yaml:1:17: error: sink `crm`: option `timeout` must be a duration such as 250ms, "
	"5s, "
	"10m, 24h or 7d, not `5` (did you mean `5s`?)\n"},
};

START_TEST(complains)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	run_yaml(&f, bad[_i].yaml, &conf);
	ck_assert_str_eq(fixture_printed(&f), bad[_i].complaints);
	fixture_close(&f);
}
END_TEST

static const char *const broken[] = {
    "sinks: {crm: '${OW_UNSET}'}",
    CRM("timeout: '${OW_UNSET}'"),
    CRM("pool: '${OW_UNSET}'"),
    CRM("pool: *x"),
    CRM("timeout: *x"),
    "sinks: {crm: *x}",
};

/* The tree's complaint is enough, but the configuration is no good. */
START_TEST(fails_silently_on_broken_nodes)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	unsetenv("OW_UNSET");
	ck_assert(!run_yaml(&f, broken[_i], &conf));
	ck_assert_int_eq(f.report.errors, 1);
	fixture_close(&f);
}
END_TEST

/* A second section with the same mistake at the same place adds no complaint, but fails too. */
START_TEST(fails_again_for_shared_nodes)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	const struct conf_node *root = fixture_parse(&f, "crm: {url: 'http://a', x: 1}\n");
	ck_assert(!run(&f, conf_get(root, "crm"), &conf));
	ck_assert(!run(&f, conf_get(root, "crm"), &conf));
	ck_assert_int_eq(f.report.errors, 1);
	fixture_close(&f);
}
END_TEST

START_TEST(warns_of_deprecated_options)
{
	struct fixture f;
	struct sample conf;
	fixture_open(&f);
	ck_assert(run_yaml(&f, CRM("wait: 3s"), &conf));
	ck_assert_int_eq(conf.wait_ms, 3000);
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:1:30: warning: sink `crm`: option `wait` is deprecated: Use `timeout`.\n");
	ck_assert_int_eq(f.report.errors, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(needs_no_options)
{
	struct fixture f;
	fixture_open(&f);
	struct conf_check check = {.what = "keyer `x`", .arena = &f.arena, .report = &f.report};
	const struct conf_node *root = fixture_parse(&f, "a: 1\n");
	ck_assert(!conf_check_options(&check, root, root->mark, NULL));
	ck_assert_str_eq(
	    fixture_printed(&f), "f.yaml:1:1: error: keyer `x`: unknown option `a`\n");
	ck_assert(conf_check_options(&check, NULL, root->mark, NULL));
	fixture_close(&f);
}
END_TEST

START_TEST(nests_deeply)
{
	static const struct ow_option options[] = {
	    {.name = "tls.client.cert",
		.type = OW_T_STRING,
		.flags = OW_O_REQUIRED,
		.help = "X."},
	    OW_OPTION_END,
	};
	struct fixture f;
	const char *cert = NULL;
	fixture_open(&f);
	struct conf_check check = {{options, 0}, "x", NULL, &f.arena, &f.report};
	const struct conf_node *root =
	    fixture_parse(&f, "a: {tls: {client: {cert: c}}}\nb: {tls: {client: {crt: c}}}\n");
	ck_assert(conf_check_options(&check, conf_get(root, "a"), root->mark, &cert));
	ck_assert_str_eq(cert, "c");
	ck_assert(!conf_check_options(&check, conf_get(root, "b"), root->mark, &cert));
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:2:1: error: x: option `tls.client.cert` is missing: add `tls: {client: "
	    "{cert: "
	    "...}}`\n"
	    "f.yaml:2:20: error: x: unknown option `tls.client.crt` (did you mean "
	    "`tls.client.cert`?)\n");
	fixture_close(&f);
}
END_TEST

START_TEST(finds_the_node_of_an_option)
{
	struct fixture f;
	fixture_open(&f);
	const struct conf_node *root =
	    fixture_parse(&f, "a: 1\nb: {c: 2, d: {e: 3}}\nb.c: 4\nf: x\ng: [0, {a/~b: 5}]\n");
	ck_assert_str_eq(conf_option_node(root, "a")->text, "1");
	ck_assert_str_eq(conf_option_node(root, "b.c")->text, "2");
	ck_assert_str_eq(conf_option_node(root, "b.d.e")->text, "3");
	ck_assert_str_eq(conf_option_node(root, "b.d/e")->text, "3");
	ck_assert_str_eq(conf_option_node(root, "b/d/e")->text, "3");
	ck_assert_str_eq(conf_option_node(root, "g/1/a~1~0b")->text, "5");
	ck_assert_ptr_eq(conf_option_node(root, "g/1/x"), conf_option_node(root, "g/1"));
	ck_assert_ptr_eq(conf_option_node(root, "g/2"), conf_option_node(root, "g"));
	ck_assert_ptr_eq(conf_option_node(root, "a/0"), conf_option_node(root, "a"));
	ck_assert_ptr_null(conf_option_node(root, "b.x"));
	ck_assert_ptr_null(conf_option_node(root, "f.x"));
	ck_assert_ptr_null(conf_option_node(root, "x.y"));
	ck_assert_ptr_null(conf_option_node(NULL, "a"));
	fixture_close(&f);
}
END_TEST

/* An enum and a group of its name: a word goes to the one, a mapping to the other. */
struct either {
	const char *other;
	int word;
};
static const char *const either_words[] = {"reject", "pass", NULL};
static const char *const either_sections[] = {"stores", NULL};
static const struct ow_option either_options[] = {
    OW_ENUM(struct either, word, "on_error", .dflt = "reject", .choices = either_words,
	.help = "What to do."),
    OW_REFERENCE(struct either, other, "on_error.fallback", .choices = either_sections,
	.help = "Another one."),
    OW_OPTION_END,
};

static bool run_either(struct fixture *f, const char *yaml, struct either *conf)
{
	struct conf_table table = {either_options, sizeof(either_options[0])};
	struct conf_check check = {table, "it", NULL, &f->arena, &f->report};
	memset(conf, 0, sizeof(*conf));
	ck_assert_ptr_null(conf_table_lint(table, sizeof(*conf), &f->arena));
	return conf_check_options(
	    &check, fixture_parse(f, yaml), (struct conf_mark){"f.yaml", 1, 1}, conf);
}

START_TEST(an_enum_may_be_a_group_too)
{
	const struct {
		const char *yaml, *printed, *other;
		int word;
	} cases[] = {{"x: 1\n", "f.yaml:1:1: error: it: unknown option `x`\n", NULL, 0},
	    {"on_error: pass\n", "", NULL, 1}, {"on_error: {fallback: b}\n", "", "b", 0},
	    {"on_error:\n", "", NULL, 0}, {"on_error: {}\n", "", NULL, 0},
	    {"on_error: {fallbak: b}\n",
		"f.yaml:1:12: error: it: unknown option `on_error.fallbak` (did you mean "
		"`on_error.fallback`?)\n",
		NULL, 0},
	    {"on_error: fallback\n",
		"f.yaml:1:11: error: it: option `on_error` must be one of `reject`, `pass`, or "
		"a mapping such as `{fallback: ...}`, not `fallback`\n",
		NULL, 0},
	    {"on_error: [pass]\n",
		"f.yaml:1:11: error: it: option `on_error` must be a text, not a list\n", NULL,
		0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		struct either conf;
		fixture_open(&f);
		ck_assert_int_eq(
		    run_either(&f, cases[i].yaml, &conf), cases[i].printed[0] == '\0');
		ck_assert_str_eq(fixture_printed(&f), cases[i].printed);
		ck_assert_int_eq(conf.word, cases[i].word);
		ck_assert_pstr_eq(conf.other, cases[i].other);
		fixture_close(&f);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/check");
	TCase *t = tcase_create("check");
	tcase_add_test(t, applies_defaults);
	tcase_add_test(t, an_enum_may_be_a_group_too);
	tcase_add_test(t, reads_groups);
	tcase_add_test(t, needs_no_node);
	tcase_add_loop_test(t, complains, 0, COUNT(bad));
	tcase_add_loop_test(t, fails_silently_on_broken_nodes, 0, COUNT(broken));
	tcase_add_test(t, fails_again_for_shared_nodes);
	tcase_add_test(t, warns_of_deprecated_options);
	tcase_add_test(t, needs_no_options);
	tcase_add_test(t, nests_deeply);
	tcase_add_test(t, finds_the_node_of_an_option);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
