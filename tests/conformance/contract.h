/*
 * The sentences of the contract that the tests stand on, as they are in the
 * headers (tests/conformance/quotes compares them).
 */
#ifndef CONFORMANCE_CONTRACT_H
#define CONFORMANCE_CONTRACT_H

/* Every component. */
#define RULE_CREATE	  "On failure returns NULL and points *why at a static phrase."
#define RULE_START	  "Begins work; finishes op with op_done(OK or FAIL, why)."
#define RULE_DRAIN	  "Takes nothing in any more; finishes op with op_done(OK) when idle."
#define RULE_DRAIN_FAILED "Also called when start() failed, of this or another part."
#define RULE_DESTROY	  "Frees the state. No operation is unfinished then."
#define RULE_ONCE                                                                              \
	"The plugin finishes it exactly once, with the host function named there: at once, "   \
	"later, or after cancel()."
#define RULE_TWICE                                                                             \
	"Finishing twice, or with the wrong host function, aborts the process: it is a bug "   \
	"that would lose events."

/* Stores. */
#define RULE_ATOMIC                                                                            \
	"Claims are atomic: of any number of claims for one key, on all workers and machines " \
	"that share the store, exactly one gets NEW until that one is released or its "        \
	"lock_ms has passed."
#define RULE_NEW	 "the key is yours, under your token, for lock_ms"
#define RULE_IN_PROGRESS "another token holds it"
#define RULE_DONE	 "finished inside its window; result tells how"
#define RULE_TOKEN                                                                             \
	"renew, commit and release compare the token with the key's owner and change nothing " \
	"when it differs"
#define RULE_RENEW	    "Gives an unfinished claim lock_ms more, counted from now."
#define RULE_COMMIT	    "Finishes the key: it stays for claim->window_ms with this result."
#define RULE_RELEASE	    "Forgets the claim: the next one gets NEW."
#define RULE_SLIDING	    "a claim that finds the key finished gives it window_ms more, from now"
#define RULE_DIGEST	    "DONE: of the payload that was delivered, or NULL"
#define RULE_STORE_CANCEL   "The core no longer waits long: finish op soon, with FAIL if need be."
#define RULE_STORE_FINISHES "A store finishes every operation, at the latest after cancel()."
#define RULE_KEYS	    "How many keys are remembered, -1 unknown."
#define RULE_COUNT	    "Counts a duplicate under a vendor's label, best effort."
#define RULE_READY	    "True if it can serve; else *why is a phrase valid until the next call."

/* Keyers. */
#define RULE_PURE                                                                              \
	"Pure and synchronous: no I/O, no clock, no state that changes; so it can be fuzzed, " \
	"and `onceway key` gives what the daemon would."
#define RULE_KEY                                                                               \
	"Fills key with host->key_* and returns OK, or says with host->key_invalid() what is " \
	"wrong, or with host->key_missing() which field it cannot do without, and returns "    \
	"REJECT."
#define RULE_REPLY "Writes the body for request->outcome with host->reply_*()."
#define RULE_REPLY_ANY                                                                         \
	"event may be one for which key() returned REJECT, or whose body is not JSON."
#define RULE_KEYER_STATUS "HTTP status for malformed JSON or an invalid event"
#define RULE_KEYER_WINDOW "default of the route option `window`"

/* Sinks. */
#define RULE_DELIVER                                                                           \
	"Starts one attempt; finishes with deliver_done(): OK; RETRY: may work later; "        \
	"REJECT: refused for good; FAIL: cannot work; UNKNOWN: sent, no answer."
#define RULE_BORROWED	 "event and attempt are borrowed until then."
#define RULE_SINK_CANCEL "Time is up: finish op soon (UNKNOWN if it may have been done)."
#define RULE_POLICY	 "How to retry, from the configuration alone. Absent: one attempt."
#define RULE_CODE	 "metric label: \"200\", \"timeout\", \"connect\"; static or short-lived"
#define RULE_WHY	 "unless OK: one phrase for the log, no secrets"

/* Sources. */
#define RULE_EMIT                                                                              \
	"For each it makes an event, describes it, and gives it away with host->emit(self, "   \
	"event, cookie)."
#define RULE_SETTLE "Acts on the outcome: answers the request, deletes the message, ..."
#define RULE_STATUS "what an HTTP source answers"

#endif
