/*
 * Randomness, injected: a worker owns one generator, and a test gives it a
 * seeded one so that tokens and jitter repeat.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	bool seeded;
	uint64_t state;
	size_t left; /* unused bytes at the end of pool */
	unsigned char pool[256];
};

/* From the kernel: fit for tokens. */
void random_init(struct random *r);
/* Repeats for the same seed: for tests only. */
void random_init_seeded(struct random *r, uint64_t seed);

void random_fill(struct random *r, void *out, size_t len);
/* Forgets what was got ahead of need; a seeded one goes on with its sequence. */
void random_refresh(struct random *r);
/* Evenly spread over 0 .. bound-1; 0 for bound 0. */
uint64_t random_below(struct random *r, uint64_t bound);

/* Straight from the kernel; ends the process if that fails. */
void random_system(void *out, size_t len);

#endif
