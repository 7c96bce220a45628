/*
 * A plugin directory for one test, filled with copies of the modules of
 * tests/abi: whatever the mode and the owner of the build directory, these are
 * as the loader wants them.
 */
#ifndef TESTS_UNIT_PLUGIN_MODULES_H
#define TESTS_UNIT_PLUGIN_MODULES_H

#include <stddef.h>
#include <sys/types.h>

/* The directory's path; made and, with all that is in it, removed. */
extern char modules_dir[];
void modules_start(void);
void modules_stop(void);

/*
 * Copies tests/abi's module to the directory under the name FILE.so, or its
 * own if as is NULL. Returns the path, good until the next call.
 */
const char *modules_add(const char *module, const char *as);
/* A file with any content and mode. */
const char *modules_write(const char *file, const void *bytes, size_t len, mode_t mode);
/* The path of a file in the directory, whether there is one or not. */
const char *modules_path(const char *file);

#endif
