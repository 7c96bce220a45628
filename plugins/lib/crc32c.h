/* CRC-32C (Castagnoli, RFC 3720 B.4): finds damage, not malice. */
#ifndef LIB_CRC32C_H
#define LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from the CRC of what came before; 0 at the beginning. Any thread. */
uint32_t crc32c(uint32_t before, const void *data, size_t len);

#endif
