/*
 * A token that is in use: never changed once it is shared, counted over all
 * workers, wiped at its end.
 */
#ifndef LIB_OUTBOUND_TOKEN_H
#define LIB_OUTBOUND_TOKEN_H

#include <onceway/plugin.h>
#include <stdatomic.h>

struct token {
	atomic_uint refs;
	atomic_bool accepted; /* the system behind has taken it at least once */
	uint64_t generation;  /* counts up with every token */
	/* Monotonic. */
	int64_t since_ms;	      /* its life began */
	int64_t renew_ms;	      /* from then on another one is fetched */
	int64_t until_ms;	      /* from then on it is not used */
	struct ow_text authorization; /* "Bearer ...", behind this struct */
};

/*
 * One reference, for the caller. ahead_ms: how
 * long before its end it is to be renewed, at most a quarter of its life.
 */
struct token *token_new(const char *token, int64_t since_ms, int64_t life_ms, int64_t ahead_ms);
struct token *token_ref(struct token *token);
void token_unref(struct token *token); /* NULL is fine */

#endif
