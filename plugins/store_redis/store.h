/* What the parts of the plugin share: the configuration, and one worker's instance. */
#ifndef STORE_REDIS_STORE_H
#define STORE_REDIS_STORE_H

#include <onceway/plugin.h>
#include <stdatomic.h>

#include "lib/checkpoint_options.h"
#include "lib/siphash.h"
#include "store_redis/cluster_options.h"
#include "store_redis/command.h"
#include "store_redis/sentinel_options.h"
#include "store_redis/servers.h"
#include "store_redis/trip.h"
#include "store_redis/url.h"

struct keeper;
struct label_counts;
struct leases;
struct local_cache;
struct strays;
struct sweeper;

struct redis_conf {
	const char *url, *user, *password;
	struct cluster_options cluster;
	int64_t connections;
	int64_t connect_ms, timeout_ms;
	int64_t base_ms, max_ms;
	int64_t health_ms;
	int64_t max_queue;
	int64_t max_result;
	int64_t local_cache;
	int64_t sweep_ms;
	struct ow_list sweep_prefixes;
	const char *counter_prefix;
	struct checkpoint_options checkpoint;
	struct ow_tls_options tls;
	struct sentinel_options sentinel;
};

/* What all workers share. */
struct redis_shared {
	_Atomic bool swept;    /* one of them sweeps */
	_Atomic bool shown;    /* one of them shows how many nodes there are */
	struct keeper *keeper; /* of the first worker; NULL: there is no checkpoint */
	_Atomic unsigned instances;
	_Atomic int64_t keys;
	_Atomic uint64_t claims, duplicates;
};

/* What became of claims: values of a metric's label. */
enum claim_end {
	CLAIM_NEW = 0,
	CLAIM_DUPLICATE,
	CLAIM_IN_PROGRESS,
	CLAIM_ENDS
};

struct store_counters {
	struct ow_counter *claims[CLAIM_ENDS];
	struct ow_counter *cache_hits, *too_large, *endless, *strays_released, *labels_dropped;
	struct ow_counter *in_flight, *cache_entries, *stray_count; /* gauges */
};

/* One worker's instance. */
struct store {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct redis_conf *conf;
	struct redis_url url;
	struct redis_url *seeds; /* what `nodes` names */
	struct ow_tls *tls;	 /* NULL: plain */
	char client_name[80];
	unsigned char hash_key[SIPHASH_KEY_SIZE];
	struct redis_shared *shared;
	struct sentinel *sentinel; /* NULL: the url says where Redis is */
	struct servers *servers;
	struct trips *trips;
	struct ow_op *starting; /* waits for the first try to reach Redis, and for the keeper */
	bool tried, kept;
	struct command command; /* used again and again */
	struct leases *leases;
	struct strays *strays;
	struct local_cache *cache; /* NULL: off */
	struct label_counts *labels;
	struct sweeper *sweeper;
	struct keeper *keeper; /* NULL: there is no checkpoint */
	struct store_counters counters;
};

static inline uint64_t store_hash(const struct store *s, struct ow_text key)
{
	return siphash13(s->hash_key, key.data, key.len);
}

static inline int64_t store_now(const struct store *s)
{
	return s->host->mono_ms(s->self);
}

/* The member of a struct, back to the struct. */
#define STORE_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
