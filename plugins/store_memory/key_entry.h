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
	union {
		unsigned char token[OW_TOKEN_SIZE]; /* claimed */
		struct {
			int64_t since_ms;
			uint32_t body_len;
			uint16_t type_len;
			int16_t status;
		} result; /* finished */
	} is;
	/* key; then, if finished: digest, content type, body */
	char bytes[];
};

/* Claimed under claim->token until now + lock. Freed with free(). */
struct key_entry *key_entry_new(const struct ow_claim *claim, int64_t now_ms);

/* Claimed again by another token. Returns the entry, which may have moved. */
struct key_entry *key_entry_claim(
    struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms);

/* Gives a claim its lock again, counted from now. */
void key_entry_renew(struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms);

/*
 * Finished. Keeps the result's texts if keep_texts. Returns the entry, which
 * may have moved.
 */
struct key_entry *key_entry_finish(struct key_entry *entry, const struct ow_claim *claim,
    const struct ow_result *result, bool keep_texts, int64_t now_ms);

/* Whether it is claimed, under this token. */
bool key_entry_owned(const struct key_entry *entry, const unsigned char *token);

/* Of a finished entry. The texts belong to it. */
void key_entry_result(const struct key_entry *entry, struct ow_result *result);
const unsigned char *key_entry_digest(const struct key_entry *entry); /* or NULL */

#endif
