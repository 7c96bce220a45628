/* What the rooms of this plugin share: the options, the workers' common state, an instance. */
#ifndef STORE_MEMORY_STORE_H
#define STORE_MEMORY_STORE_H

#include <stdatomic.h>

#include "lib/checkpoint_options.h"
#include "store_memory/durability.h"
#include "store_memory/persistence.h"

enum on_full {
	FULL_REJECT = 0,
	FULL_EVICT
};

struct memory_conf {
	int64_t max_keys;
	int64_t max_bytes;
	int64_t max_result;
	int on_full;
	struct checkpoint_options checkpoint;
	const char *durable; /* NULL: nothing is kept on disk as it is committed */
	int64_t sync_ms;     /* below 0: always */
};

/* What all workers share. */
struct shared {
	struct memory *memory;
	struct checkpoint *checkpoint; /* NULL: none is configured */
	struct durable *durable;       /* the same */
	_Atomic unsigned instances, drained;
	const void *first; /* the instance that speaks for all, where one must */
};

/* One worker's instance. */
struct store {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct memory_conf *conf;
	struct shared *shared;
	struct memory *memory;
	struct ow_timer *timer;
	struct ow_counter *too_large, *dropped, *evicted, *refused, *bytes;

	struct persistence *persistence; /* NULL: there is no checkpoint */
	struct durability *durability;	 /* NULL: there is no durable file */
	int64_t settled_ms;
};

static inline int64_t store_now(const struct store *s)
{
	return s->host->mono_ms(s->self);
}

#endif
