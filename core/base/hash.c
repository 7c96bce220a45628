#include "base/hash.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "base/random.h"

static unsigned char process_key[16];
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t read64(const unsigned char *p)
{
	uint64_t x;
	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	round_once(v);
	v[0] ^= word;
}

uint64_t hash_bytes_keyed(const unsigned char key[16], const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t k0 = read64(key), k1 = read64(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
	    k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
	size_t whole = len / 8;
	for (size_t i = 0; i < whole; i++)
		absorb(v, read64(p + 8 * i));
	uint64_t last = (uint64_t)len << 56;
	for (size_t i = 0; i < len % 8; i++)
		last |= (uint64_t)p[8 * whole + i] << (8 * i);
	absorb(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		round_once(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void draw_process_key(void)
{
	random_system(process_key, sizeof(process_key));
}

uint64_t hash_bytes(const void *data, size_t len)
{
	pthread_once(&process_key_once, draw_process_key);
	return hash_bytes_keyed(process_key, data, len);
}
