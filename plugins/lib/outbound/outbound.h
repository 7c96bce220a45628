/*
 * Requests that say who they are: adds what the options want (a token, a
 * password, a signature), waits for it where it must be fetched first, and sends
 * through the host's HTTP client.
 *
 * One instance belongs to one worker. With OAuth 2 the token is one for all
 * workers (see token_share.h). When the system behind refuses a token with 401,
 * it is fetched anew and the request sent once more, within its own time limit;
 * the same with AWS credentials that have expired. All other retries are the
 * caller's.
 */
#ifndef LIB_OUTBOUND_OUTBOUND_H
#define LIB_OUTBOUND_OUTBOUND_H

#include "lib/outbound/options.h"
#include "lib/outbound/token_share.h"

struct outbound;
struct outbound_call;

/* Borrowed for outbound_new(), but for what says otherwise. */
struct outbound_config {
	const struct outbound_options *options; /* borrowed for its life */
	const char *url;			/* where requests go; for its life */
	const char *proxy;   /* as of struct ow_http_origin: of the token endpoint, too */
	int64_t max_waiting; /* requests that may wait for credentials */
	/* For its life. Of host->shared(): an instance has one object there, so it is the
	 * plugin that asks for it. */
	struct token_share *share;
};

/* NULL with *why: a URL, a file or the AWS region is no good. Opens nothing. */
struct outbound *outbound_new(const struct ow_host *host, struct ow_instance *self,
    const struct outbound_config *config, const char **why);
/* No call is under way. NULL is fine. */
void outbound_free(struct outbound *o);
/* Begins to fetch what will be needed; for the component's start(). */
void outbound_start(struct outbound *o);

/* False when requests are known to fail for want of credentials; *why as of ready(). */
bool outbound_ready(struct outbound *o, const char **why);

/* How a call ended. Borrowed for the callback. */
struct outbound_result {
	/* As of the host's HTTP client; NULL: not sent, for want of credentials. */
	const struct ow_http_response *response;
	/* Without a response. */
	const char *why;	/* one phrase, without secrets */
	int64_t retry_after_ms; /* nothing will have changed before; 0: not known */
	bool timed_out;		/* its time ended while it waited */
	bool busy;		/* too many wait already */
	/*
	 * With a response: refused, because the credentials were stale. There are others, or
	 * will be, so that the same request may fare better; there was no time for it.
	 */
	bool stale;
};

typedef void outbound_done(const struct outbound_result *result, void *arg);

/*
 * Sends the request with what the options add to its headers. It is borrowed,
 * with all it leads to, until done(result, arg), which is called exactly once,
 * never before this returns, unless cancelled; so is id, the name that the
 * receiver may know a copy of the message by (of `webhook-id`; not empty).
 */
struct outbound_call *outbound_send(struct outbound *o, struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, struct ow_text id, outbound_done *done, void *arg);
/* True: it waits for credentials, and nothing of it is under way. */
bool outbound_waits(const struct outbound_call *call);
/* Drops the call: no callback. True if the peer may have got the whole request. */
bool outbound_cancel(struct outbound_call *call);

#endif
