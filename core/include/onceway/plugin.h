/*
 * onceway/plugin.h - the only header a Onceway plugin includes.
 *
 * A plugin is one shared object that exports one function, written by
 * OW_MODULE(), which returns static const data: who it is (abi.h) and its
 * components. A component is a source, a keyer, a store or a sink; it has an
 * option table (option.h) and functions. Everything the core offers arrives as
 * a table of functions (host.h), so a plugin has no undefined core symbols and
 * a test can pass a table of its own.
 *
 * Threads: an instance belongs to one worker. Every call, in both directions,
 * is made on that worker's thread, except host->post(); create() and destroy()
 * run on the main thread, before that thread begins and after it has ended. Plugins need no
 * locks, but for what they put into host->shared().
 *
 * Life of an instance: create() allocates and looks at its configuration;
 * start() opens sockets and begins; drain() stops taking in and finishes when
 * idle; destroy() frees. A state is never used after destroy(). In between
 * reopen() may ask for files to be opened anew.
 *
 * Asynchrony: what can wait takes a struct ow_op and returns nothing. The
 * plugin finishes it exactly once, with the host function named there: at
 * once, later, or after cancel(). Finishing at once is safe: the core acts on
 * it only after the call has returned. Finishing twice, or with the wrong host
 * function, aborts the process: it is a bug that would lose events.
 */
#ifndef ONCEWAY_PLUGIN_H
#define ONCEWAY_PLUGIN_H

#include <onceway/abi.h>
#include <onceway/event.h>
#include <onceway/host.h>
#include <onceway/option.h>

enum ow_kind {
	OW_SOURCE = 1,
	OW_KEYER,
	OW_STORE,
	OW_SINK
};

/*
 * One component. Static const data.
 *
 * ops points to the struct ow_*_ops of its kind. Members not marked optional
 * must be set.
 */
struct ow_component {
	uint32_t kind;	     /* enum ow_kind */
	uint32_t conf_size;  /* of the configuration struct */
	const char *name;    /* as in `plugin: NAME`; [a-z][a-z0-9_]* */
	const char *summary; /* one sentence */
	const struct ow_option *options;
	const char *example; /* YAML of one instance's options; checked by the tests */

	/* Optional. Rules across options: complain with report->complain(). Pure. */
	void (*check)(const void *conf, const struct ow_report *report);

	/*
	 * Allocates the state. conf is borrowed for the life of the instance.
	 * On failure returns NULL and points *why at a static phrase. Opens
	 * nothing, starts nothing.
	 */
	void *(*create)(const struct ow_host *host, struct ow_instance *self, const void *conf,
	    const char **why);

	/* Optional. Begins work; finishes op with op_done(OK or FAIL, why). */
	void (*start)(void *state, struct ow_op *op);

	/*
	 * Optional. Takes nothing in any more; finishes op with op_done(OK)
	 * when idle. Also called when start() failed, of this or another part.
	 */
	void (*drain)(void *state, struct ow_op *op);

	/* Frees the state. No operation is unfinished then. */
	void (*destroy)(void *state);

	const void *ops;

	/*
	 * Since 1.2. Optional. Opens anew what it writes to by name, such as a
	 * log file: it may have been renamed (SIGUSR1). What cannot be opened
	 * stays as it is, with a line in the log. Called at any time, also before
	 * start() and while draining.
	 */
	void (*reopen)(void *state);
};

/* Complaints of check(). The core adds file, line and column of the option. */
struct ow_report {
	uint32_t size;
	/*
	 * option: its dotted name, or NULL for the whole; text: what is wrong and what to do.
	 * Since 1.3 the name may be followed by a JSON pointer to what is meant in the value
	 * of a list, of pairs or of a tree: "headers/X-Name", "body/items/0".
	 */
	void (*complain)(const struct ow_report *report, const char *option, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));
	/* Since 1.1. True if the option stands in the configuration, false if it has its
	 * default. */
	bool (*given)(const struct ow_report *report, const char *option);
};

/*
 * Source: takes events in. For each it makes an event, describes it, and gives
 * it away with host->emit(self, event, cookie). Later the core calls settle()
 * exactly once, always after emit() has returned.
 */
/* What a source can do with events that it is told to keep or to take back. */
struct ow_source_nature {
	uint32_t size;
	bool queue;	    /* what is not acknowledged comes again, and is counted there */
	bool final_refusal; /* what is refused (4xx) never comes again */
	int64_t answer_limit_ms; /* the peer waits no longer for an answer; 0: unknown */
};

struct ow_source_ops {
	uint32_t size;
	/* Acts on the outcome: answers the request, deletes the message, ... */
	void (*settle)(void *state, void *cookie, const struct ow_settlement *how);
	/* Since 1.3. Optional. From the configuration alone. Absent: as all zero. */
	void (*nature)(const void *conf, struct ow_source_nature *nature);
	/*
	 * Since 1.3. Optional. The process cannot start, for that reason, and is about
	 * to exit: tells whoever feeds it. drain() comes next, and may wait for that.
	 */
	void (*start_failed)(void *state, const char *why);
};

/*
 * Keyer: validates an event, computes its key, shapes the vendor's reply.
 * Pure and synchronous: no I/O, no clock, no state that changes; so it can be
 * fuzzed, and `onceway key` gives what the daemon would.
 */
struct ow_keyer_ops {
	uint32_t size;
	int invalid_status; /* HTTP status for malformed JSON or an invalid event */
	int64_t window_ms;  /* default of the route option `window` */
	/*
	 * Fills key with host->key_* and returns OK, or says with
	 * host->key_invalid() what is wrong, or with host->key_missing() which
	 * field it cannot do without, and returns REJECT. Called only for a
	 * body that is valid JSON.
	 */
	enum ow_rc (*key)(void *state, const struct ow_event *event, struct ow_key *key);
	/*
	 * Optional. Writes the body for request->outcome with host->reply_*().
	 * Leaving reply empty asks for the core's plain reply. event may be one
	 * for which key() returned REJECT, or whose body is not JSON.
	 */
	void (*reply)(void *state, const struct ow_event *event,
	    const struct ow_reply_request *request, struct ow_reply *reply);
};

/*
 * Store: remembers keys. Claims are atomic: of any number of claims for one
 * key, on all workers and machines that share the store, exactly one gets NEW
 * until that one is released or its lock_ms has passed.
 *
 * renew, commit and release compare the token with the key's owner and change
 * nothing when it differs; they finish with op_done(): OK; REJECT: the claim
 * is no longer this token's; FAIL: the store could not be asked. A store
 * finishes every operation, at the latest after cancel().
 *
 * All texts and the result are borrowed until the operation is finished.
 */
struct ow_store_ops {
	uint32_t size;
	/* Finishes with claim_done(). */
	void (*claim)(void *state, struct ow_op *op, const struct ow_claim *claim);
	/* Gives an unfinished claim lock_ms more, counted from now. */
	void (*renew)(void *state, struct ow_op *op, const struct ow_claim *claim);
	/* Finishes the key: it stays for claim->window_ms with this result. */
	void (*commit)(void *state, struct ow_op *op, const struct ow_claim *claim,
	    const struct ow_result *result);
	/* Forgets the claim: the next one gets NEW. */
	void (*release)(void *state, struct ow_op *op, const struct ow_claim *claim);
	/* The core no longer waits long: finish op soon, with FAIL if need be. */
	void (*cancel)(void *state, struct ow_op *op);
	/* Optional. Counts a duplicate under a vendor's label, best effort. */
	void (*count_duplicate)(void *state, struct ow_text label);
	/* How many keys are remembered, -1 unknown. Called about once a second. */
	int64_t (*keys)(void *state);
	/* Optional. True if it can serve; else *why is a phrase valid until the next call. */
	bool (*ready)(void *state, const char **why);
};

/*
 * Sink: hands an event to the system behind. One call is one attempt; the core
 * owns retries, waits and the deadline.
 */
struct ow_sink_ops {
	uint32_t size;
	/*
	 * Starts one attempt; finishes with deliver_done(): OK; RETRY: may work
	 * later; REJECT: refused for good; FAIL: cannot work; UNKNOWN: sent, no
	 * answer. event and attempt are borrowed until then.
	 */
	void (*deliver)(void *state, struct ow_op *op, const struct ow_event *event,
	    const struct ow_attempt *attempt);
	/* Time is up: finish op soon (UNKNOWN if it may have been done). */
	void (*cancel)(void *state, struct ow_op *op);
	/* Optional. How to retry, from the configuration alone. Absent: one attempt. */
	void (*policy)(const void *conf, struct ow_sink_policy *policy);
	/* Optional, as in struct ow_store_ops. */
	bool (*ready)(void *state, const char **why);
};

/*
 * The retry options every retrying sink has. `m` is a struct ow_retry member.
 */
struct ow_retry {
	int64_t attempts;
	int64_t base_ms;
	int64_t max_ms;
	int jitter;
};

#define OW_RETRY_CHOICES                                                                       \
	static const char *const retry_jitter_choices[] = {"full", "none", NULL}

#define OW_RETRY_OPTIONS(c, m)                                                                 \
	OW_INT(c, m.attempts, "retry.attempts", .dflt = "5", .min = 1, .max = 100,             \
	    .unit = "attempts", .help = "Attempts at most, the first included."),              \
	    OW_DURATION(c, m.base_ms, "retry.base", .dflt = "1s", .min = 1, .max = 3600000,    \
		.help = "Wait before the second attempt; doubled before each further one."),   \
	    OW_DURATION(c, m.max_ms, "retry.max", .dflt = "60s", .min = 1, .max = 86400000,    \
		.help = "Longest wait between two attempts."),                                 \
	    OW_ENUM(c, m.jitter, "retry.jitter", .dflt = "full",                               \
		.choices = retry_jitter_choices,                                               \
		.help = "How waits are spread: `full` takes a random part of each wait.")

/*
 * The TLS options every client has. `m` is a struct ow_tls_options member; the
 * plugin copies it and sets its size before it passes it on.
 */
#define OW_TLS_CHOICES static const char *const tls_version_choices[] = {"1.2", "1.3", NULL}

#define OW_TLS_OPTIONS(c, m) OW_TLS_OPTIONS_AT(c, m, "")

/* The same (since 1.3) for a second peer; p: what stands before the names, such as "oauth2.".
 */
#define OW_TLS_OPTIONS_AT(c, m, p)                                                             \
	OW_STRING(c, m.ca, p "tls.ca",                                                         \
	    .help = "File, or directory hashed by `openssl rehash`, of the CAs to trust "      \
		    "instead of the system's."),                                               \
	    OW_STRING(c, m.certificate, p "tls.certificate",                                   \
		.help = "PEM file of the certificate to show, and of those between it and "    \
			"its CA."),                                                            \
	    OW_STRING(c, m.key, p "tls.key",                                                   \
		.help = "PEM file of that certificate's private key, without a password."),    \
	    OW_STRING(c, m.server_name, p "tls.server_name",                                   \
		.help = "Name the peer's certificate must have, and that it is asked for; by " \
			"default the host of the URL."),                                       \
	    OW_ENUM(c, m.min_version, p "tls.min_version", .dflt = "1.2",                      \
		.choices = tls_version_choices, .help = "Oldest TLS version to speak.")

#endif
