#include "io/resolve.h"

#include <assert.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"

struct resolver {
	struct event_base *base;
	struct evdns_base *dns; /* NULL until a name is looked up */
	const char *resolv_conf, *hosts;
	struct list queries; /* those evdns has not answered yet */
	bool renew;	     /* read the files again before the next query */
	bool unwanted;	     /* freed, but evdns still has queries */
	struct event *last;  /* frees it then */
};

/*
 * A query outlives its cancellation: evdns answers a cancelled request too,
 * later, and must find the query when it does. It is freed once it is both
 * answered and no longer wanted.
 */
struct resolve_query {
	struct resolver *resolver;
	struct list link;
	resolve_callback *fn; /* NULL: cancelled */
	void *arg;
	struct evdns_getaddrinfo_request *request;
	struct event *deliver;
	bool answered;
	struct addresses found;
	int error;
};

/* A timer and not event_active(), which would run in this turn of the loop still. */
static const struct timeval soon = {0};

static void dispose(struct resolver *resolver)
{
	if (resolver->dns)
		evdns_base_free(resolver->dns, 0);
	event_free(resolver->last);
	free(resolver);
}

static void on_last(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dispose(arg);
}

struct resolver *resolver_new(
    struct event_base *base, const char *resolv_conf, const char *hosts)
{
	struct resolver *resolver = mem_zero(sizeof(*resolver));
	resolver->base = base;
	resolver->resolv_conf = resolv_conf ? resolv_conf : "/etc/resolv.conf";
	resolver->hosts = hosts ? hosts : "/etc/hosts";
	resolver->last = event_new(base, -1, 0, on_last, resolver);
	list_init(&resolver->queries);
	return resolver;
}

/* evdns uses its base when it answers, be it to say that a query is cancelled. */
void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver->unwanted = true;
	if (list_empty(&resolver->queries))
		dispose(resolver);
}

static void query_free(struct resolve_query *query)
{
	event_free(query->deliver);
	free(query);
}

static const char *phrase(int error)
{
	switch (error) {
	case EVUTIL_EAI_NONAME:
	case EVUTIL_EAI_NODATA:
		return "there is no such name";
	case EVUTIL_EAI_AGAIN:
		return "the name servers do not answer";
	case EVUTIL_EAI_FAIL:
		return "the name servers refuse to answer";
	default:
		return evutil_gai_strerror(error);
	}
}

static void on_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct resolve_query *query = arg;
	(void)fd;
	(void)what;
	if (query->found.count > 0)
		query->fn(&query->found, NULL, query->arg);
	else
		query->fn(NULL, phrase(query->error), query->arg);
	query_free(query);
}

/*
 * Only notes the answer: evdns may call this from inside evdns_getaddrinfo(),
 * and goes on to use its base and the request afterwards.
 */
static void on_answer(int error, struct evutil_addrinfo *list, void *arg)
{
	struct resolve_query *query = arg;
	struct resolver *resolver = query->resolver;
	for (struct evutil_addrinfo *at = list; at; at = at->ai_next)
		addresses_add(&query->found, at->ai_addr, (socklen_t)at->ai_addrlen);
	if (list)
		evutil_freeaddrinfo(list);
	query->error = error ? error : EVUTIL_EAI_NODATA;
	query->answered = true;
	list_remove(&query->link);
	if (query->fn && query->found.count == 0)
		resolver->renew = true;
	if (query->fn)
		event_add(query->deliver, &soon);
	else
		query_free(query);
	if (resolver->unwanted && list_empty(&resolver->queries))
		event_add(resolver->last, &soon);
}

/* What the files lack is not an error here: the query that needs it will fail. */
static void read_files(struct resolver *resolver)
{
	struct evdns_base *dns = resolver->dns;
	int options = DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE;
	evdns_base_clear_nameservers_and_suspend(dns);
	evdns_base_search_clear(dns);
	evdns_base_clear_host_addresses(dns);
	evdns_base_resolv_conf_parse(dns, options, resolver->resolv_conf);
	evdns_base_load_hosts(dns, resolver->hosts);
	evdns_base_resume(dns);
	resolver->renew = false;
}

static bool open_dns(struct resolver *resolver)
{
	if (!resolver->dns) {
		resolver->dns = evdns_base_new(resolver->base, 0);
		resolver->renew = true;
	}
	if (resolver->dns && resolver->renew)
		read_files(resolver);
	return resolver->dns != NULL;
}

struct resolve_query *resolve_start(
    struct resolver *resolver, const char *host, int port, resolve_callback *fn, void *arg)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_protocol = IPPROTO_TCP,
	    .ai_flags = EVUTIL_AI_ADDRCONFIG};
	char service[8];
	struct resolve_query *query = mem_zero(sizeof(*query));
	query->resolver = resolver;
	query->fn = fn;
	query->arg = arg;
	query->deliver = event_new(resolver->base, -1, 0, on_deliver, query);
	list_append(&resolver->queries, &query->link);
	snprintf(service, sizeof(service), "%d", port);
	if (open_dns(resolver))
		query->request =
		    evdns_getaddrinfo(resolver->dns, host, service, &hints, on_answer, query);
	else
		on_answer(EVUTIL_EAI_MEMORY, NULL, query);
	return query;
}

void resolve_cancel(struct resolve_query *query)
{
	if (!query)
		return;
	query->fn = NULL;
	if (query->answered)
		query_free(query);
	else
		evdns_getaddrinfo_cancel(query->request);
}
