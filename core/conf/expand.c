#include "conf/expand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

#define FILE_MAX     (64 * 1024)
#define EXPANDED_MAX (128 * 1024)

struct expansion {
	struct conf_mark mark;
	struct conf_report *report;
	struct buf out;
	bool put_in; /* something from outside of the file */
};

/* Reads what fits into room; returns how much, -1 with errno on failure. */
static ssize_t read_all(int fd, char *room, size_t size)
{
	size_t got = 0;
	while (got < size) {
		ssize_t n = read(fd, room + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static bool refuse_file(struct expansion *e, const char *path, const char *why)
{
	conf_error(
	    e->report, e->mark, "cannot use file %s: %s", conf_quote(e->report, path), why);
	return false;
}

/* What opening it by name cannot tell; looked at through fd so that nothing changes in between.
 */
static bool is_trusted(struct expansion *e, const char *path, int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return refuse_file(e, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse_file(e, path, "it is not a regular file");
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		conf_error(e->report, e->mark,
		    "cannot use file %s: others can write to it: run `chmod go-w %s`",
		    conf_quote(e->report, path), path);
		return false;
	}
	return true;
}

static bool add_file(struct expansion *e, const char *path)
{
	if (path[0] == '\0') {
		conf_error(e->report, e->mark,
		    "`${file:}` names no file: write its path, such as "
		    "`${file:/run/secrets/token}`");
		return false;
	}
	if (path[0] != '/')
		return refuse_file(e, path, "the path must begin with `/`");
	/* O_NONBLOCK: a FIFO must not make us wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse_file(e, path, strerror(errno));
	bool ok = is_trusted(e, path, fd);
	if (ok) {
		buf_reserve(&e->out, FILE_MAX + 1);
		char *room = e->out.data + e->out.len;
		ssize_t n = read_all(fd, room, FILE_MAX + 1);
		if (n < 0)
			ok = refuse_file(e, path, strerror(errno));
		else if (n > FILE_MAX)
			ok = refuse_file(e, path, "it holds more than 64KiB");
		else if (n > 0 && memchr(room, '\0', (size_t)n))
			ok = refuse_file(e, path, "it holds a NUL byte");
		else
			e->out.len += (size_t)n - (n > 0 && room[n - 1] == '\n');
	}
	close(fd);
	return ok;
}

static bool is_name(struct ow_text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return t.len > 0;
}

static bool add_variable(struct expansion *e, const char *name, const char *fallback)
{
	const char *value = getenv(name);
	/* As in a shell, `:-` gives its default for an empty variable too. It stands in the
	 * file, as any other text does. */
	if (fallback && (!value || value[0] == '\0')) {
		buf_add_string(&e->out, fallback);
		return true;
	}
	if (!value) {
		const char *shown = conf_quote(e->report, name);
		conf_error(e->report, e->mark,
		    "variable %s is not set: set it, or give a default: `${%.64s:-default}`",
		    shown, name);
		return false;
	}
	e->put_in = true;
	buf_add_string(&e->out, value);
	return true;
}

/* inside: what stands between `${` and `}`. It is cut into pieces. */
static bool add_inside(struct expansion *e, char *inside)
{
	if (strncmp(inside, "file:", 5) == 0) {
		e->put_in = true;
		return add_file(e, inside + 5);
	}
	size_t len = strcspn(inside, ":-=?+");
	char *fallback = strncmp(inside + len, ":-", 2) == 0 ? inside + len + 2 : NULL;
	if (is_name(text_span(inside, len)) && (fallback || inside[len] == '\0')) {
		if (fallback && strstr(fallback, "${")) {
			conf_error(e->report, e->mark,
			    "the default of a variable cannot hold another `${`");
			return false;
		}
		inside[len] = '\0';
		return add_variable(e, inside, fallback);
	}
	/* What stands there is not shown: it may be a default, and secret. */
	conf_error(e->report, e->mark,
	    "`${...}` is not understood: write `${NAME}`, `${NAME:-default}` or "
	    "`${file:/path}`; `$${` stands for a literal `${`");
	return false;
}

/* Adds what the `${` at text stands for. Returns where it ends, NULL after complaining. */
static const char *add_one(struct expansion *e, const char *text)
{
	const char *end = strchr(text, '}');
	if (!end) {
		conf_error(e->report, e->mark,
		    "`${` has no `}`: close it, or write `$${` for a literal `${`");
		return NULL;
	}
	struct buf inside = BUF_INIT;
	buf_add(&inside, text + 2, (size_t)(end - text) - 2);
	bool ok = add_inside(e, inside.data);
	buf_free(&inside);
	return ok ? end + 1 : NULL;
}

/* Goes on after a mistake, to find the others. False if there was one. */
static bool expand_all(struct expansion *e, const char *text)
{
	bool ok = true;
	const char *at = text, *dollar;
	while ((dollar = strchr(at, '$'))) {
		buf_add(&e->out, at, (size_t)(dollar - at));
		if (strncmp(dollar, "$${", 3) == 0) {
			buf_add_string(&e->out, "${");
			at = dollar + 3;
			continue;
		}
		if (dollar[1] != '{') {
			buf_add_char(&e->out, '$');
			at = dollar + 1;
			continue;
		}
		const char *next = add_one(e, dollar);
		if (!next) {
			ok = false;
			next = strchr(dollar, '}');
			if (!next)
				return false;
			next++;
		}
		if (e->out.len > EXPANDED_MAX) {
			conf_error(e->report, e->mark,
			    "a text with `${...}` in it can have at most 128KiB");
			return false;
		}
		at = next;
	}
	buf_add_string(&e->out, at);
	return ok;
}

const char *conf_expand(const char *text, struct conf_mark mark, struct arena *arena,
    struct conf_report *report, bool *expanded)
{
	struct expansion e = {.mark = mark, .report = report, .out = BUF_INIT};
	*expanded = false;
	if (!strstr(text, "${"))
		return text;
	const char *result = NULL;
	if (expand_all(&e, text))
		result = arena_string_of(arena, e.out.data, e.out.len);
	*expanded = e.put_in;
	buf_free(&e.out);
	return result;
}
