/*
 * Host names to addresses, without blocking: /etc/hosts and DNS through
 * libevent's evdns, with the system's resolv.conf. (Other sources that
 * nsswitch.conf can name, such as mDNS, are not asked.)
 *
 * The files are read when the first name is looked up, and again after a
 * failure, so that a change of the network does not need a restart.
 */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include "io/address.h"

struct event_base;
struct resolver;
struct resolve_query;

/* found is borrowed; NULL when it failed: then why is a static phrase. */
typedef void resolve_callback(const struct addresses *found, const char *why, void *arg);

/* NULL paths: the system's files. Paths are borrowed. */
struct resolver *resolver_new(
    struct event_base *base, const char *resolv_conf, const char *hosts);
/* Queries that were not finished must have been cancelled. NULL is fine. */
void resolver_free(struct resolver *resolver);

/* Calls fn once, never before this returns. host is copied. */
struct resolve_query *resolve_start(
    struct resolver *resolver, const char *host, int port, resolve_callback *fn, void *arg);
/* fn will not be called. NULL is fine. */
void resolve_cancel(struct resolve_query *query);

#endif
