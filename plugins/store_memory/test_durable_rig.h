/* A store with a durable file in a directory of its own: what the tests about it share. */
#ifndef STORE_MEMORY_TEST_DURABLE_RIG_H
#define STORE_MEMORY_TEST_DURABLE_RIG_H

#include "store_memory/test_rig.h"
#include "tests/plugin/folder.h"

/* The thread takes its time; the clock stands still meanwhile. */
void wait_for(const struct ow_op *op);
struct ow_instance *instance_of(struct mock *worker, const char *more);
/* A process that begins down_ms after the epoch of all of them. */
void begin_at(int64_t down_ms, const char *more);
/* Fails the test unless it does not start, and says so. */
void must_not_start(const char *problem);
void end(void);
/* Without a drain, as after kill -9: what is not on disk is gone. */
void kill_it(void);

/* Claims the key and begins to commit it. */
struct ow_op *commit_begun(const char *key, unsigned char owner);
/* The same, to its end. */
void finish(const char *key, unsigned char owner);
/* Waits until so many keys have been written. */
void wait_for_keys(uint64_t count);
void wait_for_errors(uint64_t count);

/* What a statement on the file gives, while no store has it. */
int64_t ask_file(const char *sql);

#endif
