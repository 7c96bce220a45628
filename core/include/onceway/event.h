/*
 * onceway/event.h - what passes between the core and plugins.
 *
 * Included by <onceway/plugin.h>; plugins include only that.
 *
 * Handles are opaque and belong to the core. Structs with a `size` first are
 * filled by one side and read by the other: the writer sets size to its own
 * sizeof, the reader must not look past it.
 */
#ifndef ONCEWAY_EVENT_H
#define ONCEWAY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ow_instance;	/* one configured component on one worker */
struct ow_event;	/* one received message; counted, read-only once emitted */
struct ow_op;		/* one unfinished call; finished exactly once */
struct ow_key;		/* what a keyer fills in */
struct ow_reply;	/* what a keyer's reply() fills in */
struct ow_pointer;	/* a JSON pointer, compiled once */
struct ow_timer;	/* a one-shot timer */
struct ow_counter;	/* one time series of a counter or gauge */
struct ow_http_request; /* one request at a listener, to be answered exactly once */
struct ow_http_pool;	/* connections to one origin */
struct ow_http_call;	/* one request to an origin, until its callback */
struct ow_query;	/* one name that is being looked up, until its callback */
struct ow_tls;		/* certificates and trust of one client */
struct event_base;	/* libevent's; the worker's own */
struct bufferevent;	/* libevent's */
struct sockaddr;	/* the system's */

/*
 * Bytes that belong to somebody else. data need not end with NUL. This struct
 * and struct ow_json stand inside others and never grow.
 */
struct ow_text {
	const char *data;
	size_t len;
};

enum ow_json_type {
	OW_JSON_NULL = 1,
	OW_JSON_FALSE,
	OW_JSON_TRUE,
	OW_JSON_INTEGER, /* no fraction, no exponent; any number of digits */
	OW_JSON_REAL,	 /* fraction or exponent; always finite */
	OW_JSON_STRING,
	OW_JSON_ARRAY,
	OW_JSON_OBJECT,
};

/*
 * One JSON value inside an event's body. raw is its text as received (for a
 * string with the quotes and escapes), already known to be valid; borrowed for
 * as long as the event lives.
 */
struct ow_json {
	enum ow_json_type type;
	struct ow_text raw;
};

/* How an operation ended. Which of these an operation may end with is said there. */
enum ow_rc {
	OW_OK = 0,
	OW_RETRY,   /* not done; the same call may succeed later */
	OW_REJECT,  /* refused for good by the other side; repeating is pointless */
	OW_FAIL,    /* failed for good on this side */
	OW_UNKNOWN, /* sent, but the answer was lost: it may have been done */
};

/* What a sink answered. Kept with the finished key and replayed to duplicates. */
struct ow_result {
	uint32_t size;
	int status;		     /* HTTP status, or 200 for sinks without one */
	struct ow_text content_type; /* empty: none */
	struct ow_text body;
	bool failed; /* true: on_failure=keep remembered a failure, not a delivery */
};

/* How a store answered a claim. */
enum ow_claim_state {
	OW_CLAIM_NEW = 1,     /* the key is yours, under your token, for lock_ms */
	OW_CLAIM_IN_PROGRESS, /* another token holds it */
	OW_CLAIM_DONE,	      /* finished inside its window; result tells how */
};

#define OW_TOKEN_SIZE  16 /* bytes of an owner token */
#define OW_DIGEST_SIZE 32 /* bytes of a payload digest (SHA-256) */

/* What a claim asks for. Borrowed until the operation is finished. */
struct ow_claim {
	uint32_t size;
	struct ow_text key;	    /* prefix included */
	const unsigned char *token; /* OW_TOKEN_SIZE random bytes, new for each claim */
	const unsigned char
	    *digest;	   /* OW_DIGEST_SIZE of the payload, or NULL; commit keeps it */
	int64_t lock_ms;   /* life of the unfinished claim */
	int64_t window_ms; /* life once committed; stores may size themselves by it */
	/* since 1.2: a claim that finds the key finished gives it window_ms more, from now */
	bool sliding;
};

/* A store's answer to a claim. Pointers are borrowed for the call that passes it. */
struct ow_claim_answer {
	uint32_t size;
	enum ow_rc rc;			/* OK; FAIL: the store could not be asked */
	const char *why;		/* for FAIL: one phrase for the log */
	enum ow_claim_state state;	/* with OK */
	int64_t age_ms;			/* DONE: since the commit; -1 unknown */
	int64_t remaining_ms;		/* IN_PROGRESS: life left of the claim; -1 unknown */
	const struct ow_result *result; /* DONE: what the sink answered; NULL: not kept */
	const unsigned char *digest;	/* DONE: of the payload that was delivered, or NULL */
};

/* What the core tells a sink about one attempt. Borrowed until the operation is finished. */
struct ow_attempt {
	uint32_t size;
	unsigned number; /* from 1 */
	/* prefix + key: the Idempotency-Key. Empty: delivered without dedup, not to be taken
	 * for a copy of anything */
	struct ow_text key;
	struct ow_text traceparent; /* W3C trace context to pass on */
	int64_t limit_ms;	    /* this attempt is cancelled after that long */
};

/* A sink's answer to one attempt. Pointers are borrowed for the call that passes it. */
struct ow_delivery {
	uint32_t size;
	enum ow_rc rc;
	const char *why;  /* unless OK: one phrase for the log, no secrets */
	const char *code; /* metric label: "200", "timeout", "connect"; static or short-lived */
	int64_t retry_after_ms;		/* RETRY: the other side's least wait; 0 none */
	bool timed_out;			/* unless OK: for want of time */
	bool busy;			/* RETRY: this side's own queue is full */
	const struct ow_result *result; /* the answer, if there was one, or NULL */
};

/* How a sink wants to be retried. The core does the waiting and the counting. */
enum ow_jitter {
	OW_JITTER_FULL = 0,
	OW_JITTER_NONE
};

struct ow_sink_policy {
	uint32_t size;
	int64_t attempts;      /* at most, the first included; at least 1 */
	int64_t base_ms;       /* wait before attempt n+1: base * 2^(n-1), */
	int64_t max_ms;	       /* never more than this, */
	enum ow_jitter jitter; /* FULL: a random part of it */
	int64_t attempt_ms;    /* one attempt may take this long; 0: up to the deadline */
};

/* What became of an event. Also the value of the metric label `outcome`. */
enum ow_outcome {
	OW_DELIVERED = 1,
	OW_DUPLICATE, /* finished before, inside the window */
	OW_INVALID,   /* not JSON, or a field is missing or of the wrong type */
	OW_FAILED,    /* the sink did not accept it */
	OW_REJECTED,  /* not tried: overload, store down, in progress elsewhere, draining */
	OW_UNROUTED,  /* no route takes it */
	/* since 1.2 */
	OW_PASSED,	/* delivered without dedup, as the route wants it */
	OW_MISMATCH,	/* its key is known with another payload (on_mismatch) */
	OW_MISSING_KEY, /* lacks a field that the key needs (on_missing) */
	/* since 1.3 */
	OW_UNSURE,   /* the sink's answer was lost: nobody knows (on_unknown); "unknown" */
	OW_ACCEPTED, /* on disk; what becomes of it the source is not told. No metric label */
};

/* How an event ended, for its source. Borrowed for the call that passes it. */
struct ow_settlement {
	uint32_t size;
	enum ow_outcome outcome;
	bool acknowledge;	/* true: the source may forget it; false: it must come again */
	int status;		/* what an HTTP source answers */
	int64_t retry_after_ms; /* 0: none; else send Retry-After, rounded up to seconds */
	struct ow_text content_type;
	struct ow_text body;
	const struct ow_result *result; /* the sink's own answer, or NULL */
	const char *why;		/* one phrase; never NULL */
};

/* What a keyer is told when it shapes a vendor's reply. */
struct ow_reply_request {
	uint32_t size;
	/*
	 * One of 1.0: PASSED and ACCEPTED are told as DELIVERED, MISSING_KEY as INVALID,
	 * MISMATCH as REJECTED, UNSURE as FAILED
	 */
	enum ow_outcome outcome;
	int status;			/* what the core proposes */
	const char *why;		/* one phrase, safe to show to the vendor */
	struct ow_text key;		/* without the prefix; empty if none was found */
	const struct ow_result *result; /* the sink's answer, or NULL */
	/* DUPLICATE: it came while the first was under way and waited for its result */
	bool waited;
	/* since 1.2. REJECTED: because the store cannot be asked */
	bool store_failed;
};

#endif
