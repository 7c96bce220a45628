/*
 * What stands in Redis under a key. Two programs read it: Onceway, and the
 * Python services that may share the Redis during a migration. So both forms
 * are texts in UTF-8 and valid JSON:
 *
 *   a claim     "processing onceway <token, 32 hexadecimal digits>"
 *   a finished  {"onceway":{"v":1,"status":200,"at":1767225600000,
 *   key           "window":300000,"by":"<16>","digest":"<64>",
 *                 "type":"application/json","body":"below"},
 *                 "the":"members of the sink's answer"}
 *
 * Services that only look whether the key exists (cxone, genesys, the queue
 * consumer) see a duplicate in both. One that reads what it finds (cognigy) is
 * answered by a claim as by its own `processing`: a JSON string is no result;
 * and finds in a finished key the members of the sink's answer, as it would
 * have stored them, with one member more.
 *
 * An answer that is not a JSON object is kept as "body64". A result that was
 * not kept has neither.
 *
 * `at` is the commit by Redis' clock, put in by the script that commits; there
 * is no other clock in it. `by` is the beginning of the token that committed.
 */
#ifndef STORE_REDIS_VALUE_H
#define STORE_REDIS_VALUE_H

#include <onceway/plugin.h>

#define VALUE_CLAIM_SIZE (sizeof("\"processing onceway \"") - 1 + 2 * OW_TOKEN_SIZE)

enum value_kind {
	VALUE_CLAIM = 1, /* somebody's claim: ours, or a Python service's `processing` */
	VALUE_FINISHED,
};

struct value {
	enum value_kind kind;
	bool foreign;	 /* another program wrote it */
	bool has_result; /* FINISHED: result is filled in */
	bool has_digest;
	int64_t at_ms;		 /* FINISHED, ours: the commit by Redis' clock; else -1 */
	int64_t window_ms;	 /* likewise: its window; else -1 */
	struct ow_result result; /* texts lie in the value's bytes or in `room` */
	unsigned char digest[OW_DIGEST_SIZE];
	char *room; /* what had to be decoded; owned */
};

/* Any bytes are a value. Texts are borrowed from bytes. Ends with value_fini(). */
void value_read(struct ow_text bytes, struct value *value);
void value_fini(struct value *value);

/*
 * Milliseconds since the commit, -1 unknown. left_ms: of its life. now_ms: by
 * Redis' clock, -1 unknown; a key in a fixed window needs no clock: its age is
 * what has passed of the window.
 */
int64_t value_age(const struct value *value, int64_t left_ms, int64_t now_ms);

/* The claim under that token. */
void value_write_claim(const unsigned char *token, char out[VALUE_CLAIM_SIZE]);

/* A finished key, to be written around Redis' time: head, digits, tail. Texts end with free().
 */
struct value_parts {
	char *bytes;
	struct ow_text head, tail;
};

/* keep_texts false: of the result only status and failed. */
void value_write_finished(const struct ow_claim *claim, const struct ow_result *result,
    bool keep_texts, struct value_parts *parts);

/* What was committed at that time, with all of its result. The text ends with free(). */
struct ow_text value_write_restored(const unsigned char *digest, const struct ow_result *result,
    int64_t window_ms, int64_t at_ms);
/* What another program left: its JSON, if that is what the body is. Ends with free(). */
struct ow_text value_write_foreign(struct ow_text body);

#endif
