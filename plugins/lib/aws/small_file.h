/*
 * Small files that are read on the loop: profiles and tokens. They are local,
 * of a few kilobytes, and read when credentials are fetched: at the start, and
 * then about once an hour. That takes some tens of microseconds, as signing a
 * request does.
 */
#ifndef LIB_AWS_SMALL_FILE_H
#define LIB_AWS_SMALL_FILE_H

#include "lib/draft.h"

#define SMALL_FILE_MAX 262144

/*
 * Adds the file's bytes to out. Returns NULL, or why not: a static phrase, or
 * strerror()'s.
 */
const char *small_file_read(const char *path, struct draft *out);

#endif
