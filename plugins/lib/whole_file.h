/*
 * Files that are replaced whole: a new one is written beside the old one, and takes
 * its name when every byte is on disk. So there is always one, and never a part of one.
 *
 * Everything here may wait for the disk.
 */
#ifndef LIB_WHOLE_FILE_H
#define LIB_WHOLE_FILE_H

#include <stddef.h>

/* Both to be freed with free(): the two joined; the directory that a path is in. */
char *whole_file_name(const char *path, const char *suffix);
char *whole_file_directory(const char *path);

/*
 * Locks the file of that name, which it makes and which stays. The descriptor,
 * to be closed when the lock is of no more use; -1 with errno, EWOULDBLOCK:
 * somebody else has it.
 */
int whole_file_lock(const char *path);

/* A new file for its owner alone, in place of what has that name; -1 with errno. */
int whole_file_create(const char *temporary);
/* 0, or an errno. */
int whole_file_write(int fd, const void *data, size_t len);
/*
 * Closes fd, the whole of temporary, and gives it the name path. 0, or an errno
 * with *what could not be done; what is temporary is gone then.
 */
int whole_file_put(int fd, const char *temporary, const char *path, const char **what);

/* So that the name of a new file outlives a power cut. 0, or an errno. */
int whole_file_sync_directory(const char *path);

#endif
