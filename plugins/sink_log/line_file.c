#include "sink_log/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"

struct line_file {
	pthread_mutex_t lock;
	char *to;
	int fd; /* -1: not open */
	bool is_regular, is_socket;
	const void *writer; /* who is in the middle of a line, or NULL */
	bool broken;	    /* the last line has no end */
};

struct line_file *line_file_new(const char *to)
{
	struct line_file *file = alloc_bytes(sizeof(*file));
	*file = (struct line_file){.to = alloc_checked(strdup(to)), .fd = -1};
	pthread_mutex_init(&file->lock, NULL);
	return file;
}

void line_file_free(void *file)
{
	struct line_file *f = file;
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	pthread_mutex_destroy(&f->lock);
	free(f->to);
	free(f);
}

/* A copy of stdout, so that closing ours leaves it to the others. */
static int open_fd(const char *to)
{
	if (strcmp(to, "stdout") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (strcmp(to, "stderr") == 0)
		return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	return open(
	    to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/* Replaces what is open, if anything is and it is another file. 0, or an errno. */
static int open_locked(struct line_file *file)
{
	int fd = open_fd(file->to);
	struct stat now = {0}, old = {0};
	if (fd < 0)
		return errno;
	(void)fstat(fd, &now);
	(void)fstat(file->fd, &old);
	if (now.st_dev == old.st_dev && now.st_ino == old.st_ino) {
		close(fd);
		return 0;
	}
	if (file->fd >= 0)
		close(file->fd);
	file->fd = fd;
	file->is_regular = S_ISREG(now.st_mode);
	file->is_socket = S_ISSOCK(now.st_mode);
	file->writer = NULL;
	file->broken = false;
	return 0;
}

int line_file_open(struct line_file *file)
{
	pthread_mutex_lock(&file->lock);
	int error = file->fd < 0 ? open_locked(file) : 0;
	pthread_mutex_unlock(&file->lock);
	return error;
}

int line_file_reopen(struct line_file *file)
{
	pthread_mutex_lock(&file->lock);
	int error = file->fd < 0 ? 0 : open_locked(file);
	pthread_mutex_unlock(&file->lock);
	return error;
}

/*
 * write() that does not wait. It is tempting to make the descriptor
 * non-blocking, but stdout is shared with whoever started us, and they would
 * find it so too. A pipe that poll() calls writable takes PIPE_BUF bytes at once.
 */
static ssize_t write_now(const struct line_file *file, const char *data, size_t len)
{
	struct pollfd poll_fd = {.fd = file->fd, .events = POLLOUT};
	if (file->is_regular)
		return write(file->fd, data, len);
	if (file->is_socket)
		return send(file->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	int ready = poll(&poll_fd, 1, 0);
	if (ready == 0)
		errno = EAGAIN;
	return ready > 0 ? write(file->fd, data, len < PIPE_BUF ? len : PIPE_BUF) : -1;
}

/* 0 when all is written, or an errno. */
static int write_all(
    const struct line_file *file, const char *data, size_t len, size_t *written)
{
	while (*written < len) {
		ssize_t n = write_now(file, data + *written, len - *written);
		if (n > 0)
			*written += (size_t)n;
		else if (n == 0)
			return EIO;
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

static enum line_progress write_locked(struct line_file *file, const void *writer,
    const char *line, size_t len, size_t *written, int *error)
{
	size_t ended = 0;
	if (file->writer && file->writer != writer)
		return LINE_BLOCKED;
	/* What was written of it, if anything, went to a file that was left. */
	if (!file->writer)
		*written = 0;
	*error = file->broken ? write_all(file, "\n", 1, &ended) : 0;
	if (*error == 0) {
		file->broken = false;
		*error = write_all(file, line, len, written);
	}
	bool in_the_middle = *written > 0 && *written < len;
	if (*error == EAGAIN) {
		file->writer = in_the_middle ? writer : NULL;
		return LINE_BLOCKED;
	}
	file->writer = NULL;
	file->broken |= in_the_middle;
	return *error ? LINE_FAILED : LINE_WRITTEN;
}

enum line_progress line_file_write(struct line_file *file, const void *writer, const char *line,
    size_t len, size_t *written, int *error)
{
	pthread_mutex_lock(&file->lock);
	enum line_progress progress = write_locked(file, writer, line, len, written, error);
	pthread_mutex_unlock(&file->lock);
	return progress;
}

void line_file_give_up(struct line_file *file, const void *writer)
{
	pthread_mutex_lock(&file->lock);
	if (file->writer == writer) {
		file->writer = NULL;
		file->broken = true;
	}
	pthread_mutex_unlock(&file->lock);
}
