/* A store with a checkpoint in a directory of its own: what the tests about files share. */
#ifndef STORE_MEMORY_TEST_CHECKPOINT_RIG_H
#define STORE_MEMORY_TEST_CHECKPOINT_RIG_H

#include "store_memory/test_rig.h"
#include "tests/plugin/folder.h"

struct bytes {
	char *data;
	size_t len;
};

struct bytes read_path(void);
void write_path(const void *data, size_t len);
bool exists(const char *suffix);
struct ow_instance *instance_of(struct mock *worker, const char *name, const char *more);
/* The thread takes its time; the clock stands still meanwhile. */
void wait_for(struct mock *worker, const struct ow_op *op);
struct ow_op *try_start(struct ow_instance *instance);
void start_with(const char *more);
/* A process that begins down_ms after the epoch of all of them. */
void begin_at(int64_t down_ms, const char *more);
void drain(void);
void end(void);
/* Without another checkpoint, as after kill -9. */
void kill_it(void);
void finish(const char *key, unsigned char owner);
uint64_t saves(void);
/* Lets the timer fall due and waits for what it brings about. */
void advance_to_save(int64_t ms);
/* A sound file with two keys: its bytes end with free(). */
struct bytes sound_file(void);

#endif
