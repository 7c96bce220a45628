/*
 * One process for each state directory: a lock on DIRECTORY/lock, which the system lets go of
 * however the process ends. The file stays, and says who has it, or had it last.
 */
#ifndef SPOOL_STATE_LOCK_H
#define SPOOL_STATE_LOCK_H

#include <stdbool.h>

/* The lock's descriptor, or -1: why (SPOOL_WHY_SIZE) says what is wrong and what to do. */
int state_lock_take(const char *directory, char *why);
void state_lock_release(int lock); /* -1 is fine */

/* Whether a process has it, looked at from another one; *pid: which, 0: unknown. */
bool state_lock_is_held(const char *directory, long *pid);

#endif
