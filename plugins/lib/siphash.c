#include "lib/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline uint64_t load(const unsigned char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

static inline void mix(struct state *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = rotate(s->b, 13) ^ s->a;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a = rotate(s->a, 32) + s->d;
	s->c += s->b;
	s->d = rotate(s->d, 21) ^ s->a;
	s->b = rotate(s->b, 17) ^ s->c;
	s->c = rotate(s->c, 32);
}

static inline void take(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	s->a ^= word;
}

uint64_t siphash13(const unsigned char key[SIPHASH_KEY_SIZE], const void *data, size_t len)
{
	/* No bytes may come as NULL, to which nothing can be added. */
	const unsigned char *at = len ? data : (const unsigned char *)"";
	const unsigned char *end = at + len / 8 * 8;
	uint64_t low = load(key), high = load(key + 8);
	/* "somepseudorandomlygeneratedbytes" */
	struct state s = {low ^ 0x736f6d6570736575u, high ^ 0x646f72616e646f6du,
	    low ^ 0x6c7967656e657261u, high ^ 0x7465646279746573u};
	for (; at < end; at += 8)
		take(&s, load(at));
	unsigned char rest[8] = {0};
	if (len % 8)
		memcpy(rest, at, len % 8);
	take(&s, load(rest) | (uint64_t)len << 56);
	s.c ^= 0xff;
	for (int i = 0; i < 3; i++)
		mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
