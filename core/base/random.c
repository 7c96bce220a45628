#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_system(void *out, size_t len)
{
	unsigned char *p = out;
	while (len > 0) {
		ssize_t n = getrandom(p, len > 256 ? 256 : len, 0);
		if (n < 0) {
			perror("onceway: getrandom");
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

void random_init(struct random *r)
{
	*r = (struct random){.seeded = false};
}

void random_init_seeded(struct random *r, uint64_t seed)
{
	*r = (struct random){.seeded = true, .state = seed};
}

/* SplitMix64 (Steele, Lea, Flood 2014). Good spread, not secret. */
static uint64_t next_seeded(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* One system call serves many tokens. */
static void refill(struct random *r)
{
	if (r->seeded) {
		for (size_t i = 0; i < sizeof(r->pool); i += 8) {
			uint64_t x = next_seeded(r);
			memcpy(r->pool + i, &x, 8);
		}
	} else {
		random_system(r->pool, sizeof(r->pool));
	}
	r->left = sizeof(r->pool);
}

void random_fill(struct random *r, void *out, size_t len)
{
	unsigned char *p = out;
	while (len > 0) {
		if (r->left == 0)
			refill(r);
		size_t n = len < r->left ? len : r->left;
		unsigned char *from = r->pool + sizeof(r->pool) - r->left;
		memcpy(p, from, n);
		/* A token once given must not be found in memory again. */
		memset(from, 0, n);
		r->left -= n;
		p += n;
		len -= n;
	}
}

void random_refresh(struct random *r)
{
	memset(r->pool, 0, sizeof(r->pool));
	r->left = 0;
}

uint64_t random_below(struct random *r, uint64_t bound)
{
	uint64_t x;
	if (bound == 0)
		return 0;
	/* Values in the last, incomplete span of `bound` would favour small results. */
	uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
	do {
		random_fill(r, &x, sizeof(x));
	} while (x >= limit);
	return x % bound;
}
