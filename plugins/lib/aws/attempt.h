/*
 * One attempt to find credentials: asks the providers in the order of AWS'
 * SDKs until one has some. A provider that is not set up is passed by; one that
 * is, and fails, ends the attempt: what comes behind it might be somebody else.
 */
#ifndef LIB_AWS_ATTEMPT_H
#define LIB_AWS_ATTEMPT_H

#include "lib/aws/fetch.h"
#include "lib/aws/found.h"
#include "lib/aws/options.h"

/* Borrowed for the life of whoever gets it. */
struct aws_seeker {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct aws_identity *identity;
	const char *region; /* of STS; NULL: not known */
	bool fips;
};

struct aws_attempt;

/*
 * found: NULL if there are no credentials; why then says which providers were
 * asked, and what each said. Both are borrowed for the callback, but the
 * callee may take what is in found.
 */
typedef void aws_attempt_done(struct aws_found *found, const char *why, void *arg);

/* done(...) is called exactly once, perhaps before this returns, unless cancelled. */
struct aws_attempt *aws_attempt_new(
    const struct aws_seeker *seeker, aws_attempt_done *done, void *arg);
void aws_attempt_start(struct aws_attempt *attempt);
/* Cancels it, or frees it after the callback. NULL is fine. */
void aws_attempt_free(struct aws_attempt *attempt);

/* ---- for providers ---- */

enum aws_step {
	AWS_NOTHING = 1, /* not set up; said why */
	AWS_FOUND,	 /* attempt->found is filled */
	AWS_BROKEN,	 /* set up, and does not work; said why */
	AWS_PENDING,	 /* a request is under way */
};

/* What to make of an answer. */
typedef enum aws_step aws_provider_fetched(
    struct aws_attempt *attempt, const struct aws_fetched *fetched);

struct aws_provider {
	const char *name;
	enum aws_step (*ask)(struct aws_attempt *attempt);
};

struct aws_attempt {
	const struct aws_seeker *seeker;
	struct aws_found found;
	struct draft note; /* what a provider keeps from one request to its next */
	/* The rest is attempt.c's. */
	struct draft why;
	size_t provider;
	struct aws_fetch *fetch; /* under way */
	aws_provider_fetched *fetched;
	aws_attempt_done *done;
	void *arg;
};

/* Adds why the provider has nothing or failed: a phrase without secrets. */
void aws_attempt_say(struct aws_attempt *attempt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, for `return aws_attempt_broken(...)`. */
enum aws_step aws_attempt_broken(struct aws_attempt *attempt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
enum aws_step aws_attempt_nothing(struct aws_attempt *attempt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends, and goes on with what fn says. For `return aws_attempt_fetch(...)`. */
enum aws_step aws_attempt_fetch(struct aws_attempt *attempt,
    const struct aws_fetch_request *request, aws_provider_fetched *fn);

extern const struct aws_provider aws_provider_options, aws_provider_environment,
    aws_provider_web_identity, aws_provider_profile, aws_provider_container,
    aws_provider_instance;

#endif
