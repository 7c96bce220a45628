#include "conf/expand.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/conf/fixture.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void set_variables(void)
{
	setenv("OW_HOST", "redis.example.com", 1);
	setenv("OW_EMPTY", "", 1);
	setenv("_OW1", "one", 1);
	setenv("OW_DOLLAR", "a${OW_HOST}b", 1);
	unsetenv("OW_UNSET");
}

static const struct {
	const char *text, *result; /* NULL: refused */
	bool expanded;
} good[] = {
    {"", "", false},
    {"plain", "plain", false},
    {"a$b $$ $ $OW_HOST", "a$b $$ $ $OW_HOST", false},
    {"}{", "}{", false},
    {"${OW_HOST}", "redis.example.com", true},
    {"redis://${OW_HOST}:${OW_UNSET:-6379}/0", "redis://redis.example.com:6379/0", true},
    {"${_OW1}${_OW1}$", "oneone$", true},
    {"${OW_EMPTY}", "", true},
    {"${OW_EMPTY:-x}", "x", false},
    {"${OW_UNSET:-}", "", false},
    {"${OW_UNSET:-a:-b c$d}", "a:-b c$d", false},
    {"${OW_HOST:-x}", "redis.example.com", true},
    {"${OW_DOLLAR}", "a${OW_HOST}b", true}, /* what is put in is not expanded again */
    {"$${OW_HOST}", "${OW_HOST}", false},
    {"$$${OW_HOST}", "$${OW_HOST}", false},
    {"a$${b}${_OW1}", "a${b}one", true},
};

START_TEST(expands)
{
	struct fixture f;
	fixture_open(&f);
	set_variables();
	bool expanded = !good[_i].expanded;
	const char *result = conf_expand(
	    good[_i].text, (struct conf_mark){"f.yaml", 1, 2}, &f.arena, &f.report, &expanded);
	ck_assert_pstr_eq(result, good[_i].result);
	ck_assert_int_eq(expanded, good[_i].expanded);
	ck_assert_str_eq(fixture_printed(&f), "");
	fixture_close(&f);
}
END_TEST

#define NOT_UNDERSTOOD                                                                         \
	"f.yaml:1:2: error: `${...}` is not understood: write `${NAME}`, `${NAME:-default}` "  \
	"or `${file:/path}`; `$${` stands for a literal `${`\n"

static const struct {
	const char *text, *complaints;
} bad[] = {
    {"x${OW_UNSET}", "f.yaml:1:2: error: variable `OW_UNSET` is not set: set it, or give a "
		     "default: `${OW_UNSET:-default}`\n"},
    {"${OW_HOST} ${OW_UNSET} ${OW_UNSET_TOO}",
	"f.yaml:1:2: error: variable `OW_UNSET` is not set: set it, or give a default: "
	"`${OW_UNSET:-default}`\n"
	"f.yaml:1:2: error: variable `OW_UNSET_TOO` is not set: set it, or give a default: "
	"`${OW_UNSET_TOO:-default}`\n"},
    {"a${OW_HOST", "f.yaml:1:2: error: `${` has no `}`: close it, or write `$${` for a literal "
		   "`${`\n"},
    {"${}", NOT_UNDERSTOOD},
    {"${1X}", NOT_UNDERSTOOD},
    {"${OW HOST}", NOT_UNDERSTOOD},
    {"${OW_HOST-secret}", NOT_UNDERSTOOD},
    {"${OW_HOST:?secret}", NOT_UNDERSTOOD},
    {"${OW_HOST:}", NOT_UNDERSTOOD},
    {"${:-x}", NOT_UNDERSTOOD},
    {"${OW_UNSET:-${OW_HOST}}",
	"f.yaml:1:2: error: the default of a variable cannot hold another `${`\n"},
    {"${file:}", "f.yaml:1:2: error: `${file:}` names no file: write its path, such as "
		 "`${file:/run/secrets/token}`\n"},
    {"${file:x}", "f.yaml:1:2: error: cannot use file `x`: the path must begin with `/`\n"},
    {"${file:/nonexistent/x}",
	"f.yaml:1:2: error: cannot use file `/nonexistent/x`: No such file or directory\n"},
    {"${file:/}", "f.yaml:1:2: error: cannot use file `/`: it is not a regular file\n"},
    {"${file:/dev/null}",
	"f.yaml:1:2: error: cannot use file `/dev/null`: it is not a regular file\n"},
};

START_TEST(refuses)
{
	struct fixture f;
	fixture_open(&f);
	set_variables();
	bool expanded;
	ck_assert_ptr_null(conf_expand(
	    bad[_i].text, (struct conf_mark){"f.yaml", 1, 2}, &f.arena, &f.report, &expanded));
	ck_assert_str_eq(fixture_printed(&f), bad[_i].complaints);
	fixture_close(&f);
}
END_TEST

/* ---- Files ---- */

struct secret {
	struct fixture f;
	char path[64], text[80];
};

static void secret_open(struct secret *s, const void *content, size_t len, mode_t mode)
{
	fixture_open(&s->f);
	strcpy(s->path, "/tmp/onceway-expand-XXXXXX");
	int fd = mkstemp(s->path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	snprintf(s->text, sizeof(s->text), "<${file:%s}>", s->path);
}

static const char *secret_expand(struct secret *s)
{
	bool expanded;
	return conf_expand(
	    s->text, (struct conf_mark){"f.yaml", 1, 2}, &s->f.arena, &s->f.report, &expanded);
}

static void secret_close(struct secret *s)
{
	unlink(s->path);
	fixture_close(&s->f);
}

static const struct {
	const char *content, *result;
} contents[] = {
    {"", "<>"},
    {"\n", "<>"},
    {"s3cret", "<s3cret>"},
    {"s3cret\n", "<s3cret>"},
    {"s3cret\n\n", "<s3cret\n>"},
    {" ${OW_HOST} \n", "< ${OW_HOST} >"},
};

START_TEST(reads_files)
{
	struct secret s;
	secret_open(&s, contents[_i].content, strlen(contents[_i].content), 0644);
	ck_assert_pstr_eq(secret_expand(&s), contents[_i].result);
	secret_close(&s);
}
END_TEST

static void refuse_file(struct secret *s, const char *why)
{
	ck_assert_ptr_null(secret_expand(s));
	const char *expected = arena_printf(
	    &s->f.arena, "f.yaml:1:2: error: cannot use file `%s`: %s\n", s->path, why);
	ck_assert_str_eq(fixture_printed(&s->f), expected);
	secret_close(s);
}

static const mode_t writable[] = {0620, 0602, 0666};

START_TEST(refuses_files_that_others_write)
{
	struct secret s;
	char why[128];
	secret_open(&s, "x", 1, writable[_i]);
	snprintf(why, sizeof(why), "others can write to it: run `chmod go-w %s`", s.path);
	refuse_file(&s, why);
}
END_TEST

START_TEST(refuses_nul)
{
	struct secret s;
	secret_open(&s, "a\0b", 3, 0600);
	refuse_file(&s, "it holds a NUL byte");
}
END_TEST

START_TEST(bounds_files)
{
	static char big[64 * 1024 + 1];
	struct secret s;
	memset(big, 'x', sizeof(big));
	secret_open(&s, big, sizeof(big) - 1, 0600);
	const char *result = secret_expand(&s);
	ck_assert_ptr_nonnull(result);
	ck_assert_uint_eq(strlen(result), sizeof(big) - 1 + 2);
	secret_close(&s);
	secret_open(&s, big, sizeof(big), 0600);
	refuse_file(&s, "it holds more than 64KiB");
}
END_TEST

START_TEST(bounds_the_whole)
{
	static char big[64 * 1024];
	struct secret s;
	memset(big, 'x', sizeof(big));
	secret_open(&s, big, sizeof(big), 0600);
	char *text = arena_printf(&s.f.arena, "%s%s%s", s.text, s.text, s.text);
	bool expanded;
	ck_assert_ptr_null(conf_expand(
	    text, (struct conf_mark){"f.yaml", 1, 2}, &s.f.arena, &s.f.report, &expanded));
	ck_assert_str_eq(fixture_printed(&s.f),
	    "f.yaml:1:2: error: a text with `${...}` in it can have at most 128KiB\n");
	secret_close(&s);
}
END_TEST

/* A FIFO without a writer must not stop the program. */
START_TEST(does_not_wait_for_a_fifo)
{
	struct secret s;
	secret_open(&s, "", 0, 0600);
	unlink(s.path);
	ck_assert_int_eq(mkfifo(s.path, 0600), 0);
	refuse_file(&s, "it is not a regular file");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/expand");
	TCase *t = tcase_create("expand");
	tcase_add_loop_test(t, expands, 0, COUNT(good));
	tcase_add_loop_test(t, refuses, 0, COUNT(bad));
	tcase_add_loop_test(t, reads_files, 0, COUNT(contents));
	tcase_add_loop_test(t, refuses_files_that_others_write, 0, COUNT(writable));
	tcase_add_test(t, refuses_nul);
	tcase_add_test(t, bounds_files);
	tcase_add_test(t, bounds_the_whole);
	tcase_add_test(t, does_not_wait_for_a_fifo);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
