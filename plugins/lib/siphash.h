/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012):
 * a hash for tables whose keys an outsider chooses. Under a secret key nobody
 * can pick texts that collide.
 */
#ifndef LIB_SIPHASH_H
#define LIB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

uint64_t siphash13(const unsigned char key[SIPHASH_KEY_SIZE], const void *data, size_t len);

#endif
