/* A directory of a test's own, and a file in it, for plugins that keep files. */
#ifndef TESTS_PLUGIN_FOLDER_H
#define TESTS_PLUGIN_FOLDER_H

extern char directory[64], path[96];

/* path names a file `keys` in it, which is not there yet. */
void make_directory(void);
/* With all files in it. */
void remove_directory(void);

#endif
