#include "source_poll/position.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/crc32c.h"
#include "lib/draft.h"
#include "lib/whole_file.h"
#include "source_poll/target.h"

#define FIRST_LINE "onceway poll 1\n"
#define FILE_MAX   (1 << 16)

struct position_file {
	const char *path, *url;
	char *temporary, *lock;
	int lock_fd; /* -1: not locked */
};

struct position_file *position_file_new(const char *path, const char *url)
{
	struct position_file *f = alloc_zero(1, sizeof(*f));
	*f = (struct position_file){.path = path,
	    .url = url,
	    .temporary = whole_file_name(path, ".tmp"),
	    .lock = whole_file_name(path, ".lock"),
	    .lock_fd = -1};
	return f;
}

void position_file_free(struct position_file *f)
{
	if (!f)
		return;
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	free(f->temporary);
	free(f->lock);
	free(f);
}

static bool cannot(char why[POSITION_WHY], const char *what, const char *path, int error)
{
	snprintf(why, POSITION_WHY, "state: cannot %s %s: %s", what, path, strerror(error));
	return false;
}

static bool unusable(const struct position_file *f, char why[POSITION_WHY], const char *problem)
{
	snprintf(why, POSITION_WHY,
	    "state %s cannot be used: %s; move it away to begin with the first page", f->path,
	    problem);
	return false;
}

static bool take_lock(struct position_file *f, char why[POSITION_WHY])
{
	f->lock_fd = whole_file_lock(f->lock);
	if (f->lock_fd >= 0)
		return true;
	if (errno != EWOULDBLOCK)
		return cannot(why, "create", f->lock, errno);
	snprintf(why, POSITION_WHY,
	    "state %s is in use by another onceway or another source: give each a file of its "
	    "own",
	    f->path);
	return false;
}

/* The text that the checksum is of. */
static void write_lines(struct draft *d, const char *url, const char *target)
{
	draft_printf(d, "url %s\nnext %s\n", url, target);
}

/* The rest of a line that begins with that word; *at is behind it then. NULL: it does not. */
static char *read_line(const char **at, const char *word)
{
	size_t len = strlen(word);
	const char *end = strchr(*at, '\n');
	if (!end || strncmp(*at, word, len) != 0)
		return NULL;
	struct draft line = DRAFT_EMPTY;
	draft_add(&line, (struct ow_text){*at + len, (size_t)(end - *at) - len});
	*at = end + 1;
	return draft_take(&line);
}

static bool decode(
    const struct position_file *f, const char *text, char **target, char why[POSITION_WHY])
{
	const char *at = text + strlen(FIRST_LINE);
	if (strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
		return unusable(f, why, "it is not a state of this onceway's poll");
	char *crc = read_line(&at, "crc ");
	bool sound = crc && strlen(crc) == 8 && strspn(crc, "0123456789abcdef") == 8 &&
		     strtoul(crc, NULL, 16) == crc32c(0, at, strlen(at));
	free(crc);
	if (!sound)
		return unusable(f, why, "it is damaged");
	char *url = read_line(&at, "url "), *next = read_line(&at, "next ");
	bool same = url && strcmp(url, f->url) == 0;
	bool good = same && next && target_is_sound(next) && !*at;
	if (good)
		*target = next;
	else
		free(next);
	free(url);
	return good || unusable(f, why, same ? "it is damaged" : "it is of another `url`");
}

bool position_file_load(struct position_file *f, char **target, char why[POSITION_WHY])
{
	*target = NULL;
	if (!take_lock(f, why))
		return false;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || cannot(why, "open", f->path, errno);
	struct stat st;
	char *text = alloc_zero(1, FILE_MAX + 1);
	ssize_t len = -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		len = read(fd, text, FILE_MAX);
	close(fd);
	bool good = len >= 0 && (size_t)len == strlen(text)
			? decode(f, text, target, why)
			: unusable(f, why, "it is not a state of this onceway's poll");
	free(text);
	return good;
}

bool position_file_save(struct position_file *f, const char *target, char why[POSITION_WHY])
{
	struct draft lines = DRAFT_EMPTY, text = DRAFT_EMPTY;
	const char *what = "write";
	write_lines(&lines, f->url, target);
	draft_printf(&text, FIRST_LINE "crc %08x\n%s",
	    (unsigned)crc32c(0, draft_text(&lines), lines.len), draft_text(&lines));
	int fd = whole_file_create(f->temporary);
	int error = fd < 0 ? errno : whole_file_write(fd, text.data, text.len);
	if (!error) {
		error = whole_file_put(fd, f->temporary, f->path, &what);
	} else if (fd >= 0) {
		close(fd);
		unlink(f->temporary);
	}
	draft_free(&lines);
	draft_free(&text);
	return error ? cannot(why, what, f->path, error) : true;
}
