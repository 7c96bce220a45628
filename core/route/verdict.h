/* How an event ended, and what its source is answered. */
#ifndef ROUTE_VERDICT_H
#define ROUTE_VERDICT_H

#include "plugin/key.h"
#include "route/route.h"

#define VERDICT_WORDS_SIZE 300

/* Texts and result are borrowed until the event is settled. */
struct verdict {
	enum ow_outcome outcome;
	int status;			/* proposed to the keyer; what an HTTP source answers */
	const char *why;		/* one phrase, safe to show to the vendor */
	const char *place;		/* static: why's kind in the log; NULL: why is static */
	const char *detail;		/* more of it, for the log only; NULL or empty: none */
	int64_t retry_after_ms;		/* 0: none */
	const struct ow_result *result; /* the sink's answer, good or bad, or NULL */
	const unsigned char *digest;	/* of the payload it is about, or NULL */
	bool refused;			/* FAILED, INVALID: by the sink, for good */
	bool unfinished; /* DUPLICATE: of an event whose end nobody knows yet (in_progress: ack)
			  */
	bool waited;	 /* a duplicate that waited for the first one's result */
	bool kept_failure; /* a duplicate of an event that failed for good (on_failure: keep) */
	bool dead;	   /* it is a dead letter, on disk: its source may forget it */
	bool store_failed; /* REJECTED: the store cannot be asked */
};

/* why and detail, for the log and for people. */
void verdict_words(const struct verdict *v, char out[VERDICT_WORDS_SIZE]);

/*
 * Makes the settlement and the reply it points into. The caller frees reply
 * with reply_fini() once the source has been told. route may be NULL.
 */
void verdict_reply(const struct verdict *v, const struct route *route,
    const struct ow_event *event, const struct ow_key *key, struct ow_reply *reply,
    struct ow_settlement *settlement);

#endif
