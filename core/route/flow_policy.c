#include "route/flow_policy.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "route/flow_claim.h"
#include "route/flow_settle.h"
#include "route/undeliverable.h"

/*
 * Delivers f without dedup: without claim, commit and release. The sink gets no
 * key where it would take f for a copy of what it has.
 */
static void pass(struct flow *f, struct ow_text key)
{
	f->passing = true;
	f->attempt_key = key;
	flow_go(f);
}

/* The sink is told that it is the same event as before; in the store nothing changes. */
void flow_deliver_again(struct flow *f)
{
	pass(f, f->key.full);
}

/* A dry run: f is delivered whatever would have become of it. */
static void observe(
    struct flow *f, enum ow_outcome outcome, const char *why, struct ow_text key)
{
	metric_add(f->route->observed[outcome], 1);
	flow_log_observed(f, outcome, why);
	pass(f, key);
}

/* ---- the same key ---- */

bool flow_differs(const struct flow *f, const unsigned char *digest)
{
	return f->claim.digest && digest &&
	       memcmp(f->claim.digest, digest, OW_DIGEST_SIZE) != 0;
}

static void mismatch(struct flow *f)
{
	static const char why[] = "its key is known with another payload";
	if (f->route->parts.policy->observe)
		observe(f, OW_MISMATCH, why, TEXT_NONE);
	else if (f->route->parts.policy->on_mismatch == ON_MISMATCH_PASS)
		pass(f, TEXT_NONE);
	else
		flow_settle(
		    f, &(struct verdict){.outcome = OW_MISMATCH, .status = 422, .why = why});
}

void flow_be_duplicate(struct flow *f, const struct verdict *v)
{
	bool differs = flow_differs(f, v->digest);
	if (!differs && !f->route->parts.policy->observe) {
		flow_settle(f, v);
		return;
	}
	/* Those behind it may be true copies, or not: each is judged by itself. */
	flow_let_go(f, v);
	if (differs)
		mismatch(f);
	else
		observe(f, OW_DUPLICATE, v->why, TEXT_NONE);
}

void flow_observe_copy(struct flow *f, const unsigned char *digest)
{
	bool reject = f->route->parts.policy->in_progress == IN_PROGRESS_REJECT;
	flow_let_go(f, NULL);
	if (flow_differs(f, digest))
		mismatch(f);
	else
		observe(f, reject ? OW_REJECTED : OW_DUPLICATE,
		    "its first copy is being delivered", TEXT_NONE);
}

void flow_pass_repetition(struct flow *f)
{
	pass(f, TEXT_NONE);
}

/* ---- no key, no store ---- */

void flow_without_key(struct flow *f, int status, const char *why)
{
	const struct route_policy *policy = f->route->parts.policy;
	enum ow_outcome outcome = f->key.missing ? OW_MISSING_KEY : OW_INVALID;
	/* What the route would not take it does not deliver either, in a dry run too. */
	if (policy->observe && !f->unreadable)
		observe(f, outcome, why, TEXT_NONE);
	else if (f->key.missing && policy->on_missing == ON_MISSING_PASS)
		pass(f, TEXT_NONE);
	else
		undeliverable_without_key(f,
		    &(struct verdict){
			.outcome = outcome, .status = status, .why = why, .place = "no key"});
}

/*
 * f stays the holder of its key here: copies that come meanwhile still wait. A
 * retry after a failure is the same delivery, so the sink gets the key.
 */
void flow_pass_unclaimed(struct flow *f)
{
	if (f->route->parts.policy->on_store_error == ON_STORE_ERROR_PASS)
		pass(f, f->key.full);
	else
		observe(f, OW_REJECTED, "the store cannot take its key", f->key.full);
}
