/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012)
 * under a key drawn once per process, so that nobody outside can choose texts
 * that collide.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t len);

/* The same with a given 16-byte key: for test vectors and for data that outlives the process.
 */
uint64_t hash_bytes_keyed(const unsigned char key[16], const void *data, size_t len);

#endif
