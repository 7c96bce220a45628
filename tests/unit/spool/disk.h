/*
 * A disk that fails when told to, and knows what would be on it after a power cut: only what
 * was synced. It stands between SQLite and the files.
 */
#ifndef TESTS_UNIT_SPOOL_DISK_H
#define TESTS_UNIT_SPOOL_DISK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct disk {
	_Atomic int64_t room;	  /* no file can be longer: what is beyond does not fit */
	_Atomic bool sync_fails;  /* input/output error */
	_Atomic bool read_fails;  /* of what holds DISK_UNREADABLE */
	_Atomic bool is_remote;	  /* no memory shared with others */
	_Atomic bool holds;	  /* a sync waits until this is false */
	_Atomic unsigned waiting; /* syncs that do */
	_Atomic unsigned syncs;	  /* of logs: one is one wait for the disk */
	/* That write to a log, or to another file, is done by half, and kills the process; 0:
	 * none */
	_Atomic int64_t last_log_write, last_file_write;
};
#define DISK_UNREADABLE "ZZZZZZZZZZZZZZZZ"
#define DISK_IS_LARGE	INT64_MAX
#define DISK_IS_FULL	INT64_C(0)

extern struct disk disk;

/* From here on every file that SQLite opens is on it, and nothing fails. */
void disk_start(void);
/* The files are closed. */
void disk_stop(void);

/* Writes into an empty directory what would be in `directory` after a power cut now. */
void disk_power_cut(const char *directory, const char *into);

#endif
