#include "conformance/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define PENDING_MAX   1024
#define REPORT_MAX    (64 * 1024)
#define LOG_LINES_MAX 12
#define EXIT_SKIPPED  77

enum pending_state {
	PENDING_FREE = 0,
	PENDING_INSIDE,
	PENDING_UNFINISHED
};

struct pending {
	_Atomic int state;
	char what[160];
};

/* Shared by a test's process and the parent. */
struct board {
	_Atomic unsigned next;
	struct pending calls[PENDING_MAX];
};

static struct board *board;
static int report_fd = -1; /* to the parent */
static const char *test_rule;
static const char *_Atomic rule;

/* ---- inside of a test ---- */

void contract(const char *text)
{
	rule = text ? text : test_rule;
}

/* One write: threads must not mix their words. */
__attribute__((format(printf, 2, 0))) static void say(
    const char *head, const char *fmt, va_list args)
{
	struct buf text = BUF_INIT;
	buf_add_string(&text, head);
	buf_vprintf(&text, fmt, args);
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			text.data[i] = '.';
	buf_add_char(&text, '\n');
	ssize_t n = write(report_fd, text.data, text.len);
	(void)n;
	buf_free(&text);
}

__attribute__((format(printf, 2, 3))) static void say_line(
    const char *head, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say(head, fmt, args);
	va_end(args);
}

void fail(const char *expected, const char *fmt, ...)
{
	va_list args;
	say_line("expected: ", "%s", expected);
	va_start(args, fmt);
	say("came:     ", fmt, args);
	va_end(args);
	say_line("contract: ", "%s", rule);
	_exit(EXIT_FAILURE);
}

void skip(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
	_exit(EXIT_SKIPPED);
}

void note(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
}

int pending_begin(const char *fmt, ...)
{
	unsigned start = atomic_fetch_add(&board->next, 1);
	for (unsigned i = 0; i < PENDING_MAX; i++) {
		unsigned number = (start + i) % PENDING_MAX;
		struct pending *p = &board->calls[number];
		int expected = PENDING_FREE;
		if (!atomic_compare_exchange_strong(&p->state, &expected, PENDING_INSIDE))
			continue;
		va_list args;
		va_start(args, fmt);
		vsnprintf(p->what, sizeof(p->what), fmt, args);
		va_end(args);
		return (int)number;
	}
	return -1;
}

void pending_returned(int number)
{
	int expected = PENDING_INSIDE;
	if (number >= 0) /* it may have been finished inside, by the core's queue not yet */
		atomic_compare_exchange_strong(
		    &board->calls[number].state, &expected, PENDING_UNFINISHED);
}

void pending_end(int number)
{
	if (number >= 0)
		atomic_store(&board->calls[number].state, PENDING_FREE);
}

/* ---- the parent ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads what the test says until it ends or time is up; false: time is up. */
static bool listen_to(int fd, int64_t until_ms, struct buf *report)
{
	char chunk[4096];
	for (;;) {
		int64_t left = until_ms - now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) < 0 && errno == EINTR)
			continue;
		if (!p.revents)
			continue;
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return true;
		if (report->len < REPORT_MAX)
			buf_add(report, chunk, (size_t)n);
	}
}

/* A call that has not returned says more than one that was not finished. */
static const struct pending *worst_pending(void)
{
	const struct pending *found = NULL;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		const struct pending *p = &board->calls[i];
		if (p->state == PENDING_INSIDE)
			return p;
		if (p->state == PENDING_UNFINISHED && !found)
			found = p;
	}
	return found;
}

static void add_pending(struct buf *out)
{
	const struct pending *p = worst_pending();
	if (!p)
		buf_printf(out, "no call into the plugin was under way\n");
	else if (p->state == PENDING_INSIDE)
		buf_printf(out, "%s had not returned\n", p->what);
	else
		buf_printf(out, "%s had returned and was not finished\n", p->what);
}

static void print_commented(const char *head, const char *text, size_t len)
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		printf("#   %s%.*s\n", head, (int)line, text);
		line += end != NULL;
		text += line;
		len -= line;
	}
}

/* The last lines of what the core and the plugin logged. */
static void print_log(int log_fd)
{
	static char text[16 * 1024];
	off_t end = lseek(log_fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) ? end - (off_t)sizeof(text) : 0;
	ssize_t len = pread(log_fd, text, sizeof(text), from);
	ssize_t at = len;
	int lines = 0;
	if (len <= 0)
		return;
	while (at > 0 && lines <= LOG_LINES_MAX)
		lines += text[--at] == '\n';
	at += at > 0;
	print_commented("log: ", text + at, (size_t)(len - at));
}

static void start_test(const struct harness *h, const struct test *t, int log_fd, int fd)
{
	report_fd = fd;
	log_init(log_fd, OW_LOG_DEBUG, LOG_TEXT, NULL);
	test_rule = t->rule;
	contract(NULL);
	t->run(h->subject);
	exit(EXIT_SUCCESS);
}

/* What an ended process means. Adds to report what it could not say itself. */
static bool judge(const struct test *t, int status, bool in_time, struct buf *report)
{
	if (!in_time) {
		buf_printf(report, "expected: the test ends\ncame:     time is up: ");
		add_pending(report);
	} else if (WIFSIGNALED(status)) {
		buf_printf(report, "expected: the process goes on\ncame:     signal %d (%s): ",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		add_pending(report);
	} else if (WEXITSTATUS(status) == EXIT_SUCCESS || WEXITSTATUS(status) == EXIT_SKIPPED) {
		return true;
	} else if (WEXITSTATUS(status) != EXIT_FAILURE) {
		buf_printf(report, "expected: the process ends with status 0\ncame:     %d: ",
		    WEXITSTATUS(status));
		add_pending(report);
	} else {
		return false;
	}
	buf_printf(report, "contract: %s\n", t->rule);
	return false;
}

static bool run_test(const struct harness *h, const struct test *t, int number)
{
	struct buf report = BUF_INIT;
	int ends[2], status = 0;
	int log_fd = memfd_create("log", MFD_CLOEXEC);
	memset(board, 0, sizeof(*board));
	if (log_fd < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		perror("onceway-conformance");
		exit(EXIT_FAILURE);
	}
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		start_test(h, t, log_fd, ends[1]);
	}
	close(ends[1]);
	bool in_time = child > 0 && listen_to(ends[0], now_ms() + h->limit_ms, &report);
	if (child > 0 && !in_time)
		kill(child, SIGKILL);
	if (child > 0)
		waitpid(child, &status, 0);
	bool good = judge(t, status, in_time, &report);
	bool skipped = good && WEXITSTATUS(status) == EXIT_SKIPPED;
	printf("%s %d - %s: %s%s%.*s\n", good ? "ok" : "not ok", number, t->name, t->what,
	    skipped ? " # SKIP " : "", skipped ? (int)strcspn(report.data, "\n") : 0,
	    skipped ? report.data : "");
	if (!good) {
		print_commented("", report.data ? report.data : "", report.len);
		print_log(log_fd);
	}
	fflush(stdout);
	close(ends[0]);
	close(log_fd);
	buf_free(&report);
	return good;
}

bool harness_run(const struct harness *h)
{
	int count = 0, failed = 0;
	board = mmap(
	    NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED) {
		perror("onceway-conformance");
		exit(EXIT_FAILURE);
	}
	for (const struct test *t = h->tests; t->name; t++)
		if (!h->only || strcmp(h->only, t->name) == 0)
			failed += !run_test(h, t, ++count);
	printf("1..%d\n", count);
	if (failed)
		printf("# %d of %d failed\n", failed, count);
	munmap(board, sizeof(*board));
	return failed == 0;
}
