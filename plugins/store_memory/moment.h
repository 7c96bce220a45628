/* The same moment by both clocks: the one no one sets, and the one that others read too. */
#ifndef STORE_MEMORY_MOMENT_H
#define STORE_MEMORY_MOMENT_H

#include <stdint.h>

struct moment {
	int64_t mono_ms;
	int64_t wall_ms;
};

#endif
