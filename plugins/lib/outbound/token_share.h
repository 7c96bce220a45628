/*
 * What the workers of one client know together: the token, whether one of them
 * is fetching another, and since when there is none. All functions may be called
 * on any worker's thread.
 *
 * One fetch for all: whoever begins it tells all of them of its end, by
 * host->post(). After a failure nobody tries for a while, which grows; after a
 * refusal by the endpoint for longer, since only somebody's hand helps there.
 */
#ifndef LIB_OUTBOUND_TOKEN_SHARE_H
#define LIB_OUTBOUND_TOKEN_SHARE_H

#include "lib/outbound/token.h"
#include "lib/outbound/token_answer.h"
#include "lib/ring.h"

struct token_share;

/* One worker's place in it; part of what takes part. */
struct token_member {
	struct ring link;
	const struct ow_host *host;
	struct ow_instance *self;
	void (*changed)(void *arg); /* called on its worker's thread: look again */
	void *arg;
};

/* For host->shared(). */
struct token_share *token_share_new(void);
void token_share_free(struct token_share *share); /* nobody takes part any more */

/* The member's host, self, changed and arg are set. */
void token_share_join(struct token_share *share, struct token_member *member);
void token_share_leave(struct token_share *share, struct token_member *member);

/* What there is to know. */
struct token_view {
	struct token *token;	  /* a reference for the caller; NULL: none */
	bool fetching;		  /* somebody is */
	int64_t resume_ms;	  /* monotonic: nobody fetches before */
	bool failed;		  /* the last fetch did */
	char why[TOKEN_WHY_SIZE]; /* if so */
};

void token_share_look(struct token_share *share, struct token_view *view);

/* True: the member is to fetch now, and ends that with one of the two below. */
bool token_share_begin(struct token_share *share, struct token_member *member, int64_t now_ms);
/* token is taken over. */
void token_share_fetched(struct token_share *share, struct token *token, int64_t now_ms);

/* Why there is none. Borrowed. */
struct token_failure {
	const char *why;
	bool refused;	  /* as token_answer has it */
	int64_t least_ms; /* the endpoint asks for that long; 0: does not say */
	uint32_t random;  /* by which the workers of many processes come apart */
};
void token_share_failed(
    struct token_share *share, const struct token_failure *failure, int64_t now_ms);

/*
 * The system behind has refused the token of that generation. True: there is
 * another, or will be one: try again with that. False: a new one would fare the same,
 * since the one before was refused too, and this one is fresh.
 */
bool token_share_refused(struct token_share *share, uint64_t generation, int64_t now_ms);

#endif
