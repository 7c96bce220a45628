#include "spool/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/spool.h"

/* Who only looks (state_lock_is_held()) has it too, for a moment. */
#define TRIES  20
#define TRY_MS 50

static int open_lock(const char *directory, int flags)
{
	struct buf name = BUF_INIT;
	buf_printf(&name, "%s/lock", directory);
	int fd = open(name.data, flags | O_CLOEXEC, 0600);
	int error = errno;
	buf_free(&name);
	errno = error;
	return fd;
}

static long read_pid(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static bool write_pid(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

static bool lock(int fd)
{
	for (int i = 0; i < TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000L}, NULL);
	}
	errno = EWOULDBLOCK;
	return false;
}

static void say_no_directory(const char *directory, int error, char *why)
{
	struct stat about;
	if (stat(directory, &about) != 0 && errno == ENOENT)
		snprintf(why, SPOOL_WHY_SIZE,
		    "there is no state_dir %s; make it, for the user that Onceway runs as: "
		    "install -d -m 700 -o USER %s",
		    directory, directory);
	else if (error == ENOTDIR)
		snprintf(why, SPOOL_WHY_SIZE, "state_dir %s is not a directory", directory);
	else if (error == EROFS)
		snprintf(why, SPOOL_WHY_SIZE,
		    "cannot write in state_dir %s: %s; choose a directory that can be written "
		    "to, or mount it so",
		    directory, strerror(error));
	else
		snprintf(why, SPOOL_WHY_SIZE,
		    "cannot write in state_dir %s: %s; it must belong to the user that Onceway "
		    "runs as",
		    directory, strerror(error));
}

static void say_held(const char *directory, int fd, char *why)
{
	long pid = read_pid(fd);
	char who[48] = "another process";
	if (pid > 0)
		snprintf(who, sizeof(who), "another process (pid %ld)", pid);
	snprintf(why, SPOOL_WHY_SIZE,
	    "state_dir %s is in use by %s; each needs a state_dir of its own", directory, who);
}

int state_lock_take(const char *directory, char *why)
{
	int fd = open_lock(directory, O_RDWR | O_CREAT);
	if (fd < 0) {
		say_no_directory(directory, errno, why);
		return -1;
	}
	if (!lock(fd)) {
		if (errno == EWOULDBLOCK)
			say_held(directory, fd, why);
		else
			snprintf(why, SPOOL_WHY_SIZE, "cannot lock %s/lock: %s", directory,
			    strerror(errno));
		close(fd);
		return -1;
	}
	/* On a full disk it is not known by whom, but locked all the same. */
	(void)!write_pid(fd);
	return fd;
}

void state_lock_release(int lock)
{
	if (lock >= 0)
		close(lock);
}

bool state_lock_is_held(const char *directory, long *pid)
{
	int fd = open_lock(directory, O_RDONLY);
	*pid = 0;
	if (fd < 0)
		return false;
	bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	if (held)
		*pid = read_pid(fd);
	close(fd);
	return held;
}
