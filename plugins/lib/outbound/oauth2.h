/*
 * Tokens for one worker: gets them from the share, or fetches them for all.
 *
 * The first is fetched at the start, so that wrong credentials show in /readyz
 * before any event comes; later ones ahead of their predecessor's end, while that
 * is still used. Nobody waits but where there is none.
 */
#ifndef LIB_OUTBOUND_OAUTH2_H
#define LIB_OUTBOUND_OAUTH2_H

#include "lib/outbound/options.h"
#include "lib/outbound/token_share.h"

struct oauth2;

/* Somebody who waits for a token; part of what waits. */
struct oauth2_waiter {
	struct ring link;
	void (*fn)(struct oauth2_waiter *waiter); /* called once: look again */
};

/*
 * All is borrowed for its life. proxy: as of struct ow_http_origin. NULL with
 * *why, as of http_pool_new(): the endpoint's URL or a file is no good.
 */
struct oauth2 *oauth2_new(const struct ow_host *host, struct ow_instance *self,
    const struct outbound_oauth2 *options, const char *proxy, struct token_share *share,
    const char **why);
void oauth2_free(struct oauth2 *o); /* nobody waits; NULL is fine */

/* Begins; for the component's start(). */
void oauth2_start(struct oauth2 *o);

/* The token to send now, borrowed until the loop's next turn; NULL: there is none. */
struct token *oauth2_token(struct oauth2 *o);
/*
 * Why there is none, and none will be fetched for *pause_ms more: a phrase, valid
 * until the loop's next turn. NULL: there is one, or one is under way: wait.
 */
const char *oauth2_problem(struct oauth2 *o, int64_t *pause_ms);

/* False: the last fetch failed, and there is no token. *why as of oauth2_problem(). */
bool oauth2_ready(struct oauth2 *o, const char **why);

/* Calls waiter->fn when there is a token or a problem. Never before this returns. */
void oauth2_wait(struct oauth2 *o, struct oauth2_waiter *waiter);
/* fn will not be called any more. */
void oauth2_forget(struct oauth2_waiter *waiter);

/* The system behind took a request with it, or refused it; see token_share_refused(). */
void oauth2_accepted(struct token *token);
bool oauth2_refused(struct oauth2 *o, const struct token *token);

#endif
