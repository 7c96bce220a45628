/*
 * Who calls AWS: finds credentials as AWS' SDKs do, keeps them, and fetches new
 * ones ahead of their end, by one request however many wait.
 *
 * Credentials with a quarter of their life left, but no more than five minutes,
 * are renewed by the first who asks for them, who gets the old ones meanwhile.
 * Those that have ended are used no more; who asks then waits. (What has ended
 * when it comes is used nevertheless: this machine's clock must be wrong.) If fetching
 * fails, it is tried again no sooner than one second later, then two, four,
 * eight, ten; those who ask meanwhile get the error at once.
 */
#ifndef LIB_AWS_CREDENTIALS_H
#define LIB_AWS_CREDENTIALS_H

#include <sys/queue.h>

#include "lib/aws/attempt.h"

struct aws_credentials;

/* Somebody who waits for credentials; part of what waits. */
struct aws_waiter {
	void (*fn)(struct aws_waiter *waiter); /* called once: look again */
	LIST_ENTRY(aws_waiter) link;
};

/* seeker is copied; what it points to is borrowed. */
struct aws_credentials *aws_credentials_new(const struct aws_seeker *seeker);
/* Nobody may wait. NULL is fine. */
void aws_credentials_free(struct aws_credentials *c);

/*
 * True if there are credentials to sign with now; keys then borrows them until
 * the next call of a function here, or the loop's next turn.
 */
bool aws_credentials_get(struct aws_credentials *c, struct aws_keys *keys);
/* What became of the last attempt: a phrase; NULL: it succeeded, or there was none. */
const char *aws_credentials_problem(const struct aws_credentials *c);
/* Counts up whenever other credentials are in use. */
uint64_t aws_credentials_generation(const struct aws_credentials *c);

/*
 * When aws_credentials_get() said no: calls waiter->fn when it may say yes, or
 * there is a problem. Never before this returns.
 */
void aws_credentials_wait(struct aws_credentials *c, struct aws_waiter *waiter);
/* fn will not be called any more. */
void aws_credentials_forget(struct aws_waiter *waiter);

/* The service says that those of this generation have expired: they are not used any more. */
void aws_credentials_expired(struct aws_credentials *c, uint64_t generation);

#endif
