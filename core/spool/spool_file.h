/* The spool's file: opening it, making it, and saying what is wrong with it. */
#ifndef SPOOL_SPOOL_FILE_H
#define SPOOL_SPOOL_FILE_H

#include <sqlite3.h>

/*
 * Opens DIRECTORY/spool.db for the daemon, or makes it. NULL: why (SPOOL_WHY_SIZE) says what
 * is wrong and what to do. To be closed with sqlite3_close().
 */
sqlite3 *spool_file_open(const char *directory, char *why);

#endif
