#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define TIME "2026-01-01T00:00:00.000Z"
#define REST "key=test:key-1 attempt=1 trace=" MOCK_TRACE

static struct mock *m;
static struct ow_instance *sink;
static char directory[64], path[128];
static char got[1 << 20];

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	snprintf(directory, sizeof(directory), "/tmp/test_sink_log.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/events.log", directory);
	m = mock_new();
}

static void teardown(void)
{
	mock_free(m);
	m = NULL;
	unlink(path);
	rmdir(directory);
}

static const struct ow_component *component(void)
{
	return mock_component(OW_MODULE_SYMBOL(), "log");
}

static struct ow_instance *sink_new(struct mock *worker, const char *yaml)
{
	return mock_instance(
	    worker, component(), "lines", mock_conf(worker, component(), yaml));
}

/* A sink that writes to path, with further options. */
static void with_file(const char *yaml)
{
	char all[512];
	snprintf(all, sizeof(all), "to: %s\n%s", path, yaml);
	sink = sink_new(m, all);
	ck_assert_int_eq(mock_rc(mock_start(sink)), OW_OK);
}

static void deliver(const char *body)
{
	struct ow_op *op = mock_deliver(sink, mock_event(m, body), NULL);
	const struct ow_delivery *delivery = mock_delivered(op);
	ck_assert_int_eq(delivery->rc, OW_OK);
	ck_assert_int_eq(delivery->result->status, 200);
	ck_assert_uint_eq(delivery->result->body.len, 0);
	ck_assert_str_eq(delivery->code, "written");
}

static const char *contents(void)
{
	FILE *in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	got[fread(got, 1, sizeof(got) - 1, in)] = '\0';
	fclose(in);
	return got;
}

/* All that can be read from a non-blocking descriptor, behind what is in got. */
static void read_more(int fd)
{
	size_t len = strlen(got);
	ssize_t n;
	while ((n = read(fd, got + len, sizeof(got) - 1 - len)) > 0)
		len += (size_t)n;
	got[len] = '\0';
}

/* Puts a descriptor in the place of stdout; returns the old one. */
static int replace_stdout(int fd)
{
	int old = dup(STDOUT_FILENO);
	ck_assert_int_ge(old, 0);
	ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
	return old;
}

static void restore_stdout(int old)
{
	dup2(old, STDOUT_FILENO);
	close(old);
}

/* A pipe with room for a page, instead of stdout. */
static int small_pipe(int *old_stdout)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_ge(fcntl(fds[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	*old_stdout = replace_stdout(fds[1]);
	close(fds[1]);
	got[0] = '\0';
	return fds[0];
}

/* A JSON body of that many bytes. */
static const char *body_of(size_t len)
{
	static char body[1 << 17];
	memset(body, 'x', len);
	body[0] = body[len - 1] = '"';
	body[len] = '\0';
	return body;
}

START_TEST(options_are_sound)
{
	ck_assert_str_eq(mock_conf_complaints(m, component(), component()->example), "");
	ck_assert_str_eq(
	    mock_conf_complaints(m, component(), "to: stdout\npayload: true\n"), "");
	ck_assert_str_eq(mock_conf_complaints(m, component(), "to: stdut\n"),
	    "test.yaml:1:5: error: `stdut` is neither log, stdout nor stderr; write a file as "
	    "./stdut or with its full path\n");
	ck_assert_str_eq(mock_conf_complaints(m, component(), "to: stdout\nredact: [pin]\n"),
	    "test.yaml:2:9: error: there is nothing to redact without `payload: true`\n");
}
END_TEST

START_TEST(writes_text)
{
	with_file("");
	deliver("{\"a\": 1}");
	mock_advance(m, 61001);
	deliver("");
	ck_assert_str_eq(contents(), TIME " test " REST " size=8\n"
					  "2026-01-01T00:01:01.001Z test " REST " size=0\n");
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0137, 0);
}
END_TEST

START_TEST(writes_json)
{
	with_file("format: json\n");
	deliver("{\"a\": 1}");
	ck_assert_str_eq(contents(),
	    "{\"time\":\"" TIME "\",\"source\":\"test\",\"key\":\"test:key-1\",\"attempt\":1,"
	    "\"trace\":\"" MOCK_TRACE "\",\"size\":8}\n");
}
END_TEST

START_TEST(appends)
{
	FILE *out = fopen(path, "w");
	fputs("before\n", out);
	fclose(out);
	with_file("");
	deliver("1");
	ck_assert_str_eq(contents(), "before\n" TIME " test " REST " size=1\n");
}
END_TEST

START_TEST(lines_stay_lines)
{
	with_file("payload: true\n");
	struct ow_attempt attempt = {
	    .number = 3, .key = {"a b\nc\\\0d\x7f\xc3\xa9", 11}, .limit_ms = 1000};
	struct ow_event *event = mock_event(m, "two\nlines \"\xff\xc3\xa9\x01");
	ck_assert_int_eq(mock_rc(mock_deliver(sink, event, &attempt)), OW_OK);
	ck_assert_str_eq(contents(),
	    TIME " test key=a\\x20b\\x0ac\\x5c\\x00d\\x7f\xc3\xa9 attempt=3 trace=" MOCK_TRACE
		 " size=15 payload=\"two\\nlines \\\"\xef\xbf\xbd\xc3\xa9\\u0001\"\n");
}
END_TEST

/* Passed without dedup. */
START_TEST(an_event_may_have_no_key)
{
	struct ow_attempt attempt = {.number = 1};
	with_file("");
	ck_assert_int_eq(mock_rc(mock_deliver(sink, mock_event(m, "1"), &attempt)), OW_OK);
	ck_assert_str_eq(contents(), TIME " test key= attempt=1 trace=" MOCK_TRACE " size=1\n");
}
END_TEST

START_TEST(json_lines_are_json)
{
	with_file("format: json\npayload: true\n");
	struct ow_attempt attempt = {.number = 1, .key = {"\"\\\n\xed\xa0\x80", 6}};
	struct ow_event *event = mock_event(m, "{\"a\" :\n[1.0, 1e5 ,\"x y\\n\"] }");
	ck_assert_int_eq(mock_rc(mock_deliver(sink, event, &attempt)), OW_OK);
	ck_assert_str_eq(contents(),
	    "{\"time\":\"" TIME "\",\"source\":\"test\","
	    "\"key\":\"\\\"\\\\\\n\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbd\",\"attempt\":1,\"trace\":\"" MOCK_TRACE
	    "\",\"size\":28,\"payload\":{\"a\":[1.0,1e5,\"x y\\n\"]}}\n");
}
END_TEST

/* What a body's payload looks like when `pin` and `e-mail` are not shown. */
static void redacts(const char *body, const char *expected)
{
	char line[1024];
	unlink(path);
	with_file("payload: true\nredact: [pin, e-mail]\n");
	deliver(body);
	snprintf(line, sizeof(line), TIME " test " REST " size=%zu payload=%s\n", strlen(body),
	    expected);
	ck_assert_str_eq(contents(), line);
	mock_destroy(sink);
}

#define GONE "\"[redacted]\""

START_TEST(redacts_named_members)
{
	redacts("{\"pin\":1234}", "{\"pin\":" GONE "}");
	redacts("{ \"pin\" : \"12\\\"34\" , \"a\" : 1 }", "{\"pin\":" GONE ",\"a\":1}");
	redacts(
	    "{\"pin\":{\"pin\":[1,{\"x\":\"}\"}]},\"b\":[]}", "{\"pin\":" GONE ",\"b\":[]}");
	redacts("{\"pin\":null,\"pin\":true,\"e-mail\":[\"a\",\"b\"]}",
	    "{\"pin\":" GONE ",\"pin\":" GONE ",\"e-mail\":" GONE "}");
	redacts("[[{\"a\":{\"pin\":-1.5e3}}]]", "[[{\"a\":{\"pin\":" GONE "}}]]");
	/* However the name is written. */
	redacts("{\"p\\u0069n\":1}", "{\"p\\u0069n\":" GONE "}");
}
END_TEST

START_TEST(redacts_nothing_else)
{
	redacts(
	    "{\"PIN\":1,\"pins\":2,\"pi\":3,\"\":4}", "{\"PIN\":1,\"pins\":2,\"pi\":3,\"\":4}");
	/* A value, not a name. */
	redacts("{\"a\":\"pin\",\"b\":[\"pin\",\"e-mail\"]}",
	    "{\"a\":\"pin\",\"b\":[\"pin\",\"e-mail\"]}");
	redacts("\"pin\"", "\"pin\"");
	redacts("{\"a\":\"\\\"pin\\\":1\"}", "{\"a\":\"\\\"pin\\\":1\"}");
	redacts("{\"p\\u0069m\":\"\\\\\"}", "{\"p\\u0069m\":\"\\\\\"}");
}
END_TEST

START_TEST(hides_what_it_cannot_read)
{
	redacts("pin=1234&x=y", "\"[redacted: not JSON]\"");
	redacts("{\"pin\":1234", "\"[redacted: not JSON]\"");
}
END_TEST

START_TEST(writes_to_the_log)
{
	sink = sink_new(m, "format: json\n");
	ck_assert_int_eq(mock_rc(mock_start(sink)), OW_OK);
	deliver("1");
	ck_assert_uint_eq(mock_log_lines(m), 1);
	ck_assert_str_eq(mock_log_line(m, 0),
	    "info: {\"source\":\"test\",\"key\":\"test:key-1\",\"attempt\":1,"
	    "\"trace\":\"" MOCK_TRACE "\",\"size\":1}");
	mock_destroy(sink);
	sink = sink_new(m, NULL);
	deliver("1");
	ck_assert_str_eq(mock_log_line(m, 1), "info: test " REST " size=1");
}
END_TEST

START_TEST(says_what_cannot_be_opened)
{
	char yaml[256], why[256];
	snprintf(yaml, sizeof(yaml), "to: %s/missing/x.log\n", directory);
	sink = sink_new(m, yaml);
	struct ow_op *op = mock_start(sink);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	snprintf(why, sizeof(why), "cannot open %s/missing/x.log: No such file or directory",
	    directory);
	ck_assert_str_eq(mock_why(op), why);
	mock_destroy(sink);

	/* A named pipe that nobody reads must not hold up the start. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	snprintf(yaml, sizeof(yaml), "to: %s\n", path);
	sink = sink_new(m, yaml);
	op = mock_start(sink);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_ptr_nonnull(strstr(mock_why(op), path));
}
END_TEST

START_TEST(says_when_the_disk_is_full)
{
	sink = sink_new(m, "to: /dev/full\n");
	ck_assert_int_eq(mock_rc(mock_start(sink)), OW_OK);
	const struct ow_delivery *delivery =
	    mock_delivered(mock_deliver(sink, mock_event(m, "1"), NULL));
	ck_assert_int_eq(delivery->rc, OW_RETRY);
	ck_assert_str_eq(delivery->why, "cannot write to /dev/full: No space left on device");
	ck_assert_ptr_null(delivery->result);
	ck_assert(!delivery->busy && !delivery->timed_out);
}
END_TEST

/* With a file of which only 40 bytes of a line could be written. */
static void with_broken_line(void)
{
	struct rlimit limit, small;
	with_file("");
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 40;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "1"), NULL);
	setrlimit(RLIMIT_FSIZE, &limit);
	ck_assert_int_eq(mock_rc(op), OW_RETRY);
	ck_assert_ptr_nonnull(strstr(mock_why(op), "File too large"));
}

START_TEST(a_broken_line_does_not_break_the_next)
{
	with_broken_line();
	deliver("1");
	char expected[512];
	snprintf(expected, sizeof(expected), "%.40s\n%s", TIME " test " REST " size=1",
	    TIME " test " REST " size=1\n");
	ck_assert_str_eq(contents(), expected);
}
END_TEST

START_TEST(a_slow_reader_does_not_hold_up_the_loop)
{
	int old, fd = small_pipe(&old);
	struct ow_event *event = mock_event(m, "1");
	struct ow_op *ops[100];
	size_t count = 0, finished = 0;
	sink = sink_new(m, "to: stdout\n");
	ck_assert_int_eq(mock_rc(mock_start(sink)), OW_OK);
	while (count < 100)
		ops[count++] = mock_deliver(sink, event, NULL);
	ck_assert_uint_gt(mock_unfinished(m), 0);
	ck_assert_uint_lt(mock_unfinished(m), 100);
	/* They are written in order, as the reader reads. */
	while (mock_unfinished(m) > 0) {
		read_more(fd);
		mock_advance(m, 20);
		while (finished < count && mock_finished(ops[finished]))
			finished++;
		ck_assert_uint_eq(finished, count - mock_unfinished(m));
	}
	read_more(fd);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(mock_rc(ops[i]), OW_OK);
	size_t line = strlen(TIME " test " REST " size=1\n");
	ck_assert_uint_eq(strlen(got), 100 * line);
	for (size_t i = 0; i < count; i++)
		ck_assert_mem_eq(got + i * line, TIME " test " REST " size=1\n", line);
	restore_stdout(old);
	close(fd);
}
END_TEST

START_TEST(a_line_may_be_longer_than_a_pipe)
{
	int old, fd = small_pipe(&old);
	sink = sink_new(m, "to: stdout\npayload: true\n");
	ck_assert_int_eq(mock_rc(mock_start(sink)), OW_OK);
	struct ow_op *op = mock_deliver(sink, mock_event(m, body_of(50000)), NULL);
	ck_assert(!mock_finished(op));
	/* There is room again, but not for another line. */
	read_more(fd);
	struct ow_op *next = mock_deliver(sink, mock_event(m, "\"next\""), NULL);
	ck_assert(!mock_finished(next));
	for (int i = 0; i < 100 && !mock_finished(next); i++) {
		read_more(fd);
		mock_advance(m, 20);
	}
	ck_assert_int_eq(mock_rc(op), OW_OK);
	read_more(fd);
	const char *end = strchr(got, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_gt((size_t)(end - got), 50000);
	ck_assert_str_eq(end, "\n" TIME " test " REST " size=6 payload=\"next\"\n");
	restore_stdout(old);
	close(fd);
}
END_TEST

START_TEST(workers_do_not_mix_their_lines)
{
	int old, fd = small_pipe(&old);
	struct mock *second_worker = mock_new_worker(m);
	struct ow_instance *second = sink_new(second_worker, "to: stdout\npayload: true\n");
	sink = sink_new(m, "to: stdout\npayload: true\n");
	mock_start(sink);
	mock_start(second);
	struct ow_op *first_op = mock_deliver(sink, mock_event(m, body_of(9000)), NULL);
	struct ow_op *second_op =
	    mock_deliver(second, mock_event(second_worker, "\"short\""), NULL);
	read_more(fd);
	mock_skip(m, 20);
	mock_run(second_worker);
	ck_assert(!mock_finished(second_op));
	for (int i = 0; i < 100 && mock_unfinished(m) + mock_unfinished(second_worker); i++) {
		read_more(fd);
		mock_advance(m, 20);
		mock_run(second_worker);
	}
	ck_assert_int_eq(mock_rc(first_op), OW_OK);
	ck_assert_int_eq(mock_rc(second_op), OW_OK);
	read_more(fd);
	char *end = strchr(got, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_gt((size_t)(end - got), 9000);
	ck_assert_ptr_nonnull(strstr(end, "size=7 payload=\"short\"\n"));
	mock_free(second_worker);
	restore_stdout(old);
	close(fd);
}
END_TEST

START_TEST(cancelled_lines_go)
{
	int old, fd = small_pipe(&old);
	sink = sink_new(m, "to: stdout\npayload: true\n");
	mock_start(sink);
	struct ow_op *begun = mock_deliver(sink, mock_event(m, body_of(9000)), NULL);
	struct ow_op *waiting = mock_deliver(sink, mock_event(m, "\"never\""), NULL);
	struct ow_op *last = mock_deliver(sink, mock_event(m, "\"last\""), NULL);
	mock_cancel(waiting);
	ck_assert_int_eq(mock_rc(waiting), OW_RETRY);
	ck_assert(mock_delivered(waiting)->timed_out);
	mock_cancel(begun);
	ck_assert_int_eq(mock_rc(begun), OW_UNKNOWN);
	ck_assert(mock_delivered(begun)->timed_out);
	for (int i = 0; i < 100 && !mock_finished(last); i++) {
		read_more(fd);
		mock_advance(m, 20);
	}
	ck_assert_int_eq(mock_rc(last), OW_OK);
	read_more(fd);
	ck_assert_ptr_null(strstr(got, "never"));
	char *end = strchr(got, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_gt((size_t)(end - got), 9000);
	ck_assert_ptr_nonnull(strstr(end, "payload=\"last\"\n"));
	restore_stdout(old);
	close(fd);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
	int old, fd = small_pipe(&old);
	struct ow_event *event = mock_event(m, body_of(100000));
	struct ow_op *op;
	sink = sink_new(m, "to: stdout\npayload: true\n");
	mock_start(sink);
	unsigned waiting = 0;
	while (!mock_finished(op = mock_deliver(sink, event, NULL)))
		ck_assert_uint_lt(++waiting, 50);
	ck_assert_uint_gt(waiting, 30);
	ck_assert_int_eq(mock_rc(op), OW_RETRY);
	ck_assert(mock_delivered(op)->busy);
	/* The reader goes away: all of them fail, and come again. */
	close(fd);
	mock_advance(m, 20);
	ck_assert_uint_eq(mock_unfinished(m), 0);
	restore_stdout(old);
}
END_TEST

#define LINE TIME " test " REST " size=1\n"

/* path gets another name; `renamed` is that. */
static void rename_file(char *renamed, size_t size)
{
	snprintf(renamed, size, "%s/events.log.1", directory);
	ck_assert_int_eq(rename(path, renamed), 0);
}

static bool is_there(const char *file)
{
	return access(file, F_OK) == 0;
}

static void expect_contents(const char *file, const char *expected)
{
	char kept[sizeof(path)];
	memcpy(kept, path, sizeof(path));
	snprintf(path, sizeof(path), "%s", file);
	ck_assert_str_eq(contents(), expected);
	memcpy(path, kept, sizeof(path));
}

START_TEST(a_renamed_file_is_left_when_asked)
{
	char renamed[128];
	with_file("");
	deliver("1");
	rename_file(renamed, sizeof(renamed));
	deliver("2");
	ck_assert(!is_there(path));
	mock_reopen(sink);
	ck_assert(is_there(path));
	mock_reopen(sink); /* as each worker does */
	deliver("3");
	ck_assert_str_eq(contents(), LINE);
	expect_contents(renamed, LINE LINE);
	unlink(renamed);
}
END_TEST

/* Before start() it has opened nothing, and does not begin to; nor has it for the log. */
START_TEST(what_was_not_opened_is_not_opened_anew)
{
	char yaml[256];
	snprintf(yaml, sizeof(yaml), "to: %s\n", path);
	sink = sink_new(m, yaml);
	mock_reopen(sink);
	ck_assert(!is_there(path));
	mock_reopen(sink_new(m, NULL));
	ck_assert_uint_eq(mock_log_lines(m), 0);
}
END_TEST

START_TEST(what_cannot_be_opened_anew_goes_on)
{
	char renamed[128], expected[512];
	with_file("");
	rename_file(renamed, sizeof(renamed));
	ck_assert_int_eq(mkdir(path, 0700), 0);
	mock_reopen(sink);
	snprintf(expected, sizeof(expected),
	    "error: cannot open %s anew: Is a directory; going on with the file it was", path);
	ck_assert_str_eq(mock_log_line(m, 0), expected);
	deliver("1");
	expect_contents(renamed, LINE);
	rmdir(path);
	unlink(renamed);
}
END_TEST

/* The end that a broken line lacks is not put into the new file. */
START_TEST(a_new_file_has_no_broken_line)
{
	char renamed[128];
	with_broken_line();
	rename_file(renamed, sizeof(renamed));
	mock_reopen(sink);
	deliver("1");
	ck_assert_str_eq(contents(), LINE);
	unlink(renamed);
}
END_TEST

/* Half a line in each of two files would be a line in neither. */
START_TEST(a_line_that_was_begun_is_begun_anew)
{
	char renamed[128];
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	with_file("payload: true\n");
	struct ow_op *begun = mock_deliver(sink, mock_event(m, body_of(100000)), NULL);
	struct ow_op *waiting = mock_deliver(sink, mock_event(m, "1"), NULL);
	ck_assert(!mock_finished(begun));
	got[0] = '\0';
	read_more(fd);
	ck_assert_uint_gt(strlen(got), 0);
	rename_file(renamed, sizeof(renamed));
	mock_reopen(sink);
	mock_advance(m, 20);
	ck_assert_int_eq(mock_rc(begun), OW_OK);
	ck_assert_int_eq(mock_rc(waiting), OW_OK);
	contents();
	ck_assert_mem_eq(got, TIME " test " REST " size=100000 payload=",
	    strlen(TIME " test " REST " size=100000 payload="));
	ck_assert_str_eq(strchr(got, '\n'), "\n" TIME " test " REST " size=1 payload=1\n");
	close(fd);
	unlink(renamed);
}
END_TEST

START_TEST(stdout_stays_stdout)
{
	int old, fd = small_pipe(&old);
	sink = sink_new(m, "to: stdout\n");
	mock_start(sink);
	mock_reopen(sink);
	deliver("1");
	read_more(fd);
	ck_assert_str_eq(got, LINE);
	restore_stdout(old);
	close(fd);
}
END_TEST

START_TEST(a_reader_that_went_is_an_error)
{
	int old, fd = small_pipe(&old);
	sink = sink_new(m, "to: stdout\n");
	mock_start(sink);
	close(fd);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "1"), NULL);
	ck_assert_int_eq(mock_rc(op), OW_RETRY);
	ck_assert_str_eq(mock_why(op), "cannot write to stdout: Broken pipe");
	restore_stdout(old);
}
END_TEST

/* What systemd gives a service as stdout. */
START_TEST(stdout_may_be_a_socket)
{
	int fds[2], size = 4096;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	int old = replace_stdout(fds[1]);
	close(fds[1]);
	got[0] = '\0';
	sink = sink_new(m, "to: stdout\npayload: true\n");
	mock_start(sink);
	struct ow_op *op = mock_deliver(sink, mock_event(m, body_of(100000)), NULL);
	ck_assert(!mock_finished(op));
	for (int i = 0; i < 1000 && !mock_finished(op); i++) {
		read_more(fds[0]);
		mock_advance(m, 20);
	}
	ck_assert_int_eq(mock_rc(op), OW_OK);
	read_more(fds[0]);
	ck_assert_uint_gt(strlen(got), 100000);
	restore_stdout(old);
	close(fds[0]);
}
END_TEST

START_TEST(stdout_is_left_open_and_blocking)
{
	int old, fd = small_pipe(&old);
	sink = sink_new(m, "to: stdout\n");
	mock_start(sink);
	deliver("1");
	ck_assert_int_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
	mock_destroy(sink);
	ck_assert_int_eq(write(STDOUT_FILENO, "x", 1), 1);
	restore_stdout(old);
	close(fd);
}
END_TEST

START_TEST(retries_as_configured)
{
	const struct ow_sink_ops *ops = component()->ops;
	struct ow_sink_policy policy = {.size = sizeof(policy)};
	ops->policy(mock_conf(m, component(), "retry: {attempts: 3, base: 2s, jitter: none}\n"),
	    &policy);
	ck_assert_int_eq(policy.attempts, 3);
	ck_assert_int_eq(policy.base_ms, 2000);
	ck_assert_int_eq(policy.max_ms, 60000);
	ck_assert_int_eq(policy.jitter, OW_JITTER_NONE);
	ck_assert_int_eq(policy.attempt_ms, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_log");
	TCase *t = tcase_create("sink_log");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, options_are_sound);
	tcase_add_test(t, writes_text);
	tcase_add_test(t, writes_json);
	tcase_add_test(t, appends);
	tcase_add_test(t, lines_stay_lines);
	tcase_add_test(t, an_event_may_have_no_key);
	tcase_add_test(t, json_lines_are_json);
	tcase_add_test(t, redacts_named_members);
	tcase_add_test(t, redacts_nothing_else);
	tcase_add_test(t, hides_what_it_cannot_read);
	tcase_add_test(t, writes_to_the_log);
	tcase_add_test(t, says_what_cannot_be_opened);
	tcase_add_test(t, says_when_the_disk_is_full);
	tcase_add_test(t, a_broken_line_does_not_break_the_next);
	tcase_add_test(t, a_slow_reader_does_not_hold_up_the_loop);
	tcase_add_test(t, a_line_may_be_longer_than_a_pipe);
	tcase_add_test(t, workers_do_not_mix_their_lines);
	tcase_add_test(t, cancelled_lines_go);
	tcase_add_test(t, what_waits_is_bounded);
	tcase_add_test(t, a_renamed_file_is_left_when_asked);
	tcase_add_test(t, what_was_not_opened_is_not_opened_anew);
	tcase_add_test(t, what_cannot_be_opened_anew_goes_on);
	tcase_add_test(t, a_new_file_has_no_broken_line);
	tcase_add_test(t, a_line_that_was_begun_is_begun_anew);
	tcase_add_test(t, stdout_stays_stdout);
	tcase_add_test(t, a_reader_that_went_is_an_error);
	tcase_add_test(t, stdout_may_be_a_socket);
	tcase_add_test(t, stdout_is_left_open_and_blocking);
	tcase_add_test(t, retries_as_configured);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
