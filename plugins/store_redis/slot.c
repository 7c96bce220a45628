#include "store_redis/slot.h"

#include <string.h>

/*
 * "Redis cluster specification", section "Key distribution model": HASH_SLOT =
 * CRC16(key) mod 16384, with the CRC16 that is called XMODEM: polynomial 1021
 * (x^16 + x^12 + x^5 + 1), initially 0, nothing reflected, no final xor;
 * "123456789" gives 31C3.
 *
 * Four bits at a time: what they push out at the top comes back in as its
 * product with the polynomial.
 */
static unsigned push(unsigned crc, unsigned bits)
{
	unsigned out = (crc >> 12 ^ bits) & 0xf;
	return (crc << 4 ^ out << 12 ^ out << 5 ^ out) & 0xffff;
}

/*
 * Section "Hash tags": if there is a '{' and a '}' somewhere behind it, only
 * what is between the first '{' and the first '}' behind that one is hashed,
 * unless there is nothing between them.
 */
static struct ow_text hashed_part(struct ow_text key)
{
	const char *open = key.len ? memchr(key.data, '{', key.len) : NULL;
	if (!open)
		return key;
	size_t rest = (size_t)(key.data + key.len - ++open);
	const char *close = memchr(open, '}', rest);
	return close && close > open ? (struct ow_text){open, (size_t)(close - open)} : key;
}

unsigned slot_of(struct ow_text key)
{
	unsigned crc = 0;
	key = hashed_part(key);
	for (size_t i = 0; i < key.len; i++) {
		unsigned char byte = (unsigned char)key.data[i];
		crc = push(crc, byte >> 4);
		crc = push(crc, byte & 0xf);
	}
	return crc % SLOTS;
}
