#include "lib/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/alloc.h"

char *whole_file_name(const char *path, const char *suffix)
{
	size_t size = strlen(path) + strlen(suffix) + 1;
	char *both = alloc_bytes(size);
	snprintf(both, size, "%s%s", path, suffix);
	return both;
}

char *whole_file_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return whole_file_name(".", "");
	char *directory = whole_file_name(path, "");
	directory[slash == path ? 1 : slash - path] = '\0';
	return directory;
}

/*
 * A file that is replaced cannot be locked itself: it is another one each time.
 * The lock's file stays: whoever removed it could remove that of the next.
 */
int whole_file_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int whole_file_create(const char *temporary)
{
	return open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int whole_file_write(int fd, const void *data, size_t len)
{
	const unsigned char *at = data;
	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Some file systems cannot, and say EINVAL. */
int whole_file_sync_directory(const char *path)
{
	char *directory = whole_file_directory(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return errno;
	int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
	close(fd);
	return error;
}

int whole_file_put(int fd, const char *temporary, const char *path, const char **what)
{
	*what = "write";
	int error = fsync(fd) == 0 ? 0 : errno;
	if (close(fd) != 0 && !error)
		error = errno;
	if (!error) {
		*what = "rename";
		error = rename(temporary, path) == 0 ? 0 : errno;
	}
	if (error) {
		unlink(temporary);
		return error;
	}
	*what = "sync the directory of";
	return whole_file_sync_directory(path);
}
