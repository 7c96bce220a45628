/*
 * What a token endpoint answered (RFC 6749, 5.1 and 5.2): a token and its life,
 * or why there is none and what to check.
 */
#ifndef LIB_OUTBOUND_TOKEN_ANSWER_H
#define LIB_OUTBOUND_TOKEN_ANSWER_H

#include <onceway/plugin.h>

/* A larger one would not fit into the heads that servers take. */
#define TOKEN_SIZE_MAX 16384
#define TOKEN_WHY_SIZE 512
/* What is said to live longer is looked after once a day nevertheless. */
#define TOKEN_LIFE_MAX_MS ((int64_t)86400 * 1000)

struct token_answer {
	char *token;	 /* owned; NULL: there is none */
	int64_t life_ms; /* with a token: > 0; 0: not said */
	bool odd_life;	 /* said, but not as seconds above 0 */
	bool refused;	 /* without a token: who we are, or what we ask for, is at fault */
	/* Without a token: one printable phrase. It may quote what the endpoint says. */
	char why[TOKEN_WHY_SIZE];
};

/* Free with token_answer_fini(). */
void token_answer_read(int status, struct ow_text body, struct token_answer *out);
void token_answer_fini(struct token_answer *answer); /* wipes the token */

#endif
