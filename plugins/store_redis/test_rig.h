/* A store on a loop of its own, for tests of the plugin: the clock is the test's, sockets are
 * real. */
#ifndef STORE_REDIS_TEST_RIG_H
#define STORE_REDIS_TEST_RIG_H

#include "tests/plugin/mockhost.h"

#define RIG_LOCK_MS   60000
#define RIG_WINDOW_MS 300000

struct rig {
	struct mock *mock;
	struct event_base *base;
	struct ow_instance *store;
	struct ow_op *start;
	int64_t lock_ms, window_ms; /* of the claims below */
	bool sliding, without_digest;
};

extern struct rig rig;

/* url and more options, YAML. The first connection is opened but not waited for. */
void rig_open(const char *url, const char *more);
/* That long after the epoch of all of them. */
void rig_open_at(int64_t ms, const char *url, const char *more);
/* Waits for the end of the drain, which must be a good one. */
void rig_close(void);
/* As a kill does: without a drain. */
void rig_kill(void);

/* One turn of the loop, and what the fake core has to do. */
void rig_turn(void);
/* Turns until the condition holds; fails the test after half a minute of real time. */
#define rig_until(condition)                                                                   \
	do {                                                                                   \
		int rig_left = 30000;                                                          \
		while (!(condition)) {                                                         \
			ck_assert_msg(rig_left-- > 0, "never came true: %s", #condition);      \
			rig_turn();                                                            \
		}                                                                              \
	} while (0)

struct ow_text rig_text(const char *string);
bool rig_ready(void);
const char *rig_why(void); /* why it is not ready */

/* A claim for a key by one of 256 owners. */
struct ow_claim rig_claim_of(struct ow_text key, unsigned char owner);

/* Begin an operation. */
struct ow_op *rig_begin_claim(const char *key, unsigned char owner);

/* Do it and wait for its end. */
const struct ow_claim_answer *rig_claim(const char *key, unsigned char owner);
enum ow_rc rig_renew(const char *key, unsigned char owner);
enum ow_rc rig_release(const char *key, unsigned char owner);
enum ow_rc rig_commit(const char *key, unsigned char owner);
enum ow_rc rig_commit_with(const char *key, unsigned char owner, struct ow_result result);

#endif
