/* The options for a Redis Cluster: `cluster` and what goes with it. */
#ifndef STORE_REDIS_CLUSTER_OPTIONS_H
#define STORE_REDIS_CLUSTER_OPTIONS_H

#include <onceway/plugin.h>

#include "store_redis/slot_map.h"
#include "store_redis/url.h"

#define CLUSTER_SEEDS_MAX 16

struct cluster_options {
	bool wanted;
	struct ow_list nodes;
	int64_t max_nodes;
};

/* m is a struct cluster_options in the configuration struct c. */
#define CLUSTER_OPTIONS(c, m)                                                                  \
	OW_BOOL(c, m.wanted, "cluster", .dflt = "false",                                       \
	    .help = "The url names a node of a Redis Cluster; the others are found through "   \
		    "it."),                                                                    \
	    OW_LIST(c, m.nodes, "nodes", .max = CLUSTER_SEEDS_MAX,                             \
		.help = "More nodes of the cluster, host or host:port (6379), to find the "    \
			"others through when the url's is away."),                             \
	    OW_INT(c, m.max_nodes, "max_nodes", .dflt = "64", .min = 1, .max = SLOT_NODES_MAX, \
		.unit = "nodes",                                                               \
		.help = "Largest cluster: nodes with slots that each worker connects to.")

/* Complains about what makes no sense, alone or with the url. sentinel: that is wanted too. */
void cluster_options_check(const struct cluster_options *options, const struct redis_url *url,
    bool sentinel, const struct ow_report *report);

#endif
