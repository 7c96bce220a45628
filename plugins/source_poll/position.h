/*
 * Where reading goes on, in a file that is replaced whole: the target of a page,
 * and the URL that is configured, under a CRC-32C. May wait for the disk.
 */
#ifndef SOURCE_POLL_POSITION_H
#define SOURCE_POLL_POSITION_H

#include <stdbool.h>

/* Room for what went wrong, with the file's name and what to do. */
#define POSITION_WHY 512

struct position_file;

/* Both are borrowed for its life. */
struct position_file *position_file_new(const char *path, const char *url);
void position_file_free(struct position_file *f); /* lets others use it; NULL is fine */

/*
 * Makes sure that nobody else uses the file, and reads it. *target is to be freed with
 * free(); NULL: there is no file yet. False with why; the file stays as it is.
 */
bool position_file_load(struct position_file *f, char **target, char why[POSITION_WHY]);
bool position_file_save(struct position_file *f, const char *target, char why[POSITION_WHY]);

#endif
