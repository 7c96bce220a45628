#include "lib/crc32c.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* tables[k][b]: the CRC of byte b with k zero bytes behind it, so that 8 bytes go at once. */
static uint32_t tables[8][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		tables[0][b] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (int b = 0; b < 256; b++)
			tables[k][b] =
			    tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 0xff];
}

uint32_t crc32c(uint32_t before, const void *data, size_t len)
{
	const unsigned char *at = data;
	uint32_t crc = ~before;
	pthread_once(&tables_made, make_tables);
	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		word = le64toh(word) ^ crc;
		crc = 0;
		for (unsigned k = 0; k < 8; k++)
			crc ^= tables[7 - k][word >> (8 * k) & 0xff];
	}
	for (; len > 0; at++, len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
	return ~crc;
}
