/*
 * A remembered key: one allocation with the key's bytes, the claim or what
 * became of it, and the result. Kept small: there may be millions.
 */
#ifndef STORE_MEMORY_KEY_ENTRY_H
#define STORE_MEMORY_KEY_ENTRY_H

#include <onceway/plugin.h>

struct key_entry {
	int64_t expires_ms; /* of the claim, or of the finished key */
	int64_t sweep_ms;   /* from then on it may be removed; not before expires_ms */
	uint32_t key_len;
	uint8_t done;	/* finished; else claimed */
	uint8_t failed; /* finished: what is kept is a failure */
	uint8_t has_digest;
	uint8_t no_result; /* finished: what the sink answered is not known */
	union {
		unsigned char token[OW_TOKEN_SIZE]; /* claimed */
		struct {
			int64_t since_ms; /* or KEY_SINCE_UNKNOWN */
			uint32_t body_len;
			uint16_t type_len;
			int16_t status;
		} result; /* finished */
	} is;
	/* key, digest; then, if finished: content type, body */
	char bytes[];
};

#define KEY_SINCE_UNKNOWN INT64_MIN

/* A finished key as it is brought back. The texts are borrowed. */
struct key_restored {
	struct ow_text key;
	const unsigned char *digest;	/* or NULL */
	const struct ow_result *result; /* or NULL: not known */
	int64_t since_ms;		/* or KEY_SINCE_UNKNOWN */
	int64_t expires_ms;
};

/* Claimed under claim->token until now + lock. Freed with free(). */
struct key_entry *key_entry_new(const struct ow_claim *claim, int64_t now_ms);

/* A finished one, as key_entry_finish() would make of its claim; and one just like it. */
struct key_entry *key_entry_finished(
    const struct ow_claim *claim, const struct ow_result *result, int64_t now_ms);
struct key_entry *key_entry_copy(const struct key_entry *entry);

struct key_entry *key_entry_restore(const struct key_restored *key);

/* Claimed again by another token. Returns the entry, which may have moved. */
struct key_entry *key_entry_claim(
    struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms);

/* Gives a claim its lock again, counted from now. */
void key_entry_renew(struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms);

/* Gives a finished key window_ms more, counted from now. Never less than it has. */
void key_entry_slide(struct key_entry *entry, int64_t window_ms, int64_t now_ms);

/*
 * Finished. Without texts and with the digest of its claim it needs no more
 * memory than the claim did. Keeps the result's texts if keep_texts. Returns the entry, which
 * may have moved.
 */
struct key_entry *key_entry_finish(struct key_entry *entry, const struct ow_claim *claim,
    const struct ow_result *result, bool keep_texts, int64_t now_ms);

/* Whether it is claimed, under this token. */
bool key_entry_owned(const struct key_entry *entry, const unsigned char *token);

/* What it takes from the heap; and what one for this claim would, at most. */
size_t key_entry_cost(struct key_entry *entry);
size_t key_entry_claim_cost(const struct ow_claim *claim);
/* Bytes of its key, digest and texts. */
size_t key_entry_length(const struct key_entry *entry);

/* Of a finished entry. The texts belong to it. False: the result is not known. */
bool key_entry_result(const struct key_entry *entry, struct ow_result *result);
const unsigned char *key_entry_digest(const struct key_entry *entry); /* or NULL */

#endif
