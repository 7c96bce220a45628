/* The option `sentinel` of the store: which master, and who knows where it is. */
#ifndef STORE_REDIS_SENTINEL_OPTIONS_H
#define STORE_REDIS_SENTINEL_OPTIONS_H

#include <onceway/plugin.h>

#include "store_redis/url.h"

#define SENTINEL_PORT	   26379
#define SENTINEL_NODES_MAX 16

struct sentinel_options {
	const char *master; /* NULL: no sentinels */
	struct ow_list nodes;
	const char *user, *password;
	int64_t watch_ms;
};

/* m is a struct sentinel_options in the configuration struct c. */
#define SENTINEL_OPTIONS(c, m)                                                                 \
	OW_STRING(c, m.master, "sentinel.master",                                              \
	    .help = "Name of the master to use, as Redis Sentinels know it; they say where "   \
		    "it is, so the url names no host."),                                       \
	    OW_LIST(c, m.nodes, "sentinel.nodes", .max = SENTINEL_NODES_MAX,                   \
		.help = "The sentinels, host or host:port (26379); asked in turn, over TLS "   \
			"when the url is rediss://."),                                         \
	    OW_STRING(c, m.user, "sentinel.user",                                              \
		.help = "User (ACL) to log in as at the sentinels."),                          \
	    OW_SECRET(c, m.password, "sentinel.password",                                      \
		.help = "Password for the sentinels; that of the master stands in the url or " \
			"password."),                                                          \
	    OW_DURATION(c, m.watch_ms, "sentinel.watch", .dflt = "1s", .min = 100,             \
		.max = 3600000,                                                                \
		.help = "A sentinel is asked that often whether another master has taken "     \
			"over; then the old one is left at once.")

/* Complains about what makes no sense, alone or with the url. */
void sentinel_options_check(const struct sentinel_options *options, const struct redis_url *url,
    const struct ow_report *report);

#endif
