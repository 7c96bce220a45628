/* The spool's file: opening it, making it, and saying what is wrong with it. */
#ifndef SPOOL_SPOOL_FILE_H
#define SPOOL_SPOOL_FILE_H

#include <sqlite3.h>
#include <stdbool.h>

/* Changes nothing in the file of this format, and has its first page written all the same. */
#define SPOOL_FILE_TOUCH "PRAGMA user_version = 1"

/*
 * Both: NULL: why (SPOOL_WHY_SIZE) says what is wrong and what to do. To be closed with
 * sqlite3_close(). No other connection of this process may be open to the same file: closing
 * one of its descriptors would end the other's locks.
 */

/* Opens DIRECTORY/spool.db for the daemon, which has the directory's lock, or makes it. */
sqlite3 *spool_file_open(const char *directory, char *why);
/* Opens what is there, beside a daemon or without one. */
sqlite3 *spool_file_join(const char *directory, char *why);

/* Writes to why what is wrong with an open file, after a call that failed. */
void spool_file_failed(sqlite3 *db, const char *directory, char *why);
/* What SQLite says is wrong, with the system's own reason if it has one. Static per thread. */
const char *spool_file_error(sqlite3 *db);

#endif
