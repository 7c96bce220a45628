#include "store_memory/checkpoint_keys.h"

/* Copied under a shard's lock at once: some hundred keys, or one result that is larger. */
#define SLICE_BYTES (128 << 10)

/* ---- loading ---- */

struct loading {
	struct memory *memory;
	int64_t mono_ms;
	uint64_t no_room;
};

static bool restore(void *arg, const struct checkpoint_record *record)
{
	struct loading *l = arg;
	struct key_restored key = {.key = record->key,
	    .digest = record->digest,
	    .result = record->result,
	    .since_ms = record->age_unknown ? KEY_SINCE_UNKNOWN : l->mono_ms - record->age_ms,
	    .expires_ms = l->mono_ms + record->left_ms};
	if (!memory_restore(l->memory, &key))
		l->no_room++;
	return true;
}

bool keys_load(struct checkpoint_file *f, struct memory *m, struct moment now,
    struct keys_loaded *loaded, char why[CHECKPOINT_WHY])
{
	struct loading l = {.memory = m, .mono_ms = now.mono_ms};
	bool good = checkpoint_file_load(f, now.wall_ms, restore, &l, &loaded->file, why);
	loaded->no_room = l.no_room;
	return good;
}

/* ---- saving ---- */

struct saving {
	struct checkpoint_encoder *encoder;
	int64_t mono_ms;
};

/* Under a shard's lock: copies and nothing else. */
static void copy_entry(void *arg, const struct key_entry *entry)
{
	struct saving *s = arg;
	struct ow_result result;
	bool has_result = key_entry_result(entry, &result);
	int64_t since = entry->is.result.since_ms;
	if (entry->expires_ms <= s->mono_ms)
		return;
	checkpoint_encode_record(
	    s->encoder, &(struct checkpoint_record){.key = {entry->bytes, entry->key_len},
			    .digest = key_entry_digest(entry),
			    .result = has_result ? &result : NULL,
			    .left_ms = entry->expires_ms - s->mono_ms,
			    .age_ms = since == KEY_SINCE_UNKNOWN ? 0 : s->mono_ms - since,
			    .age_unknown = since == KEY_SINCE_UNKNOWN});
}

enum keys_end keys_save(struct checkpoint_file *f, struct memory *m, struct moment now,
    atomic_bool *stop, struct checkpoint_saved *saved, char why[CHECKPOINT_WHY])
{
	struct memory_walk walk = {.shard = 0};
	struct saving s = {
	    .encoder = checkpoint_file_begin(f, now.wall_ms, why), .mono_ms = now.mono_ms};
	if (!s.encoder)
		return KEYS_FAILED;
	while (memory_walk(m, &walk, SLICE_BYTES, copy_entry, &s)) {
		if (atomic_load(stop)) {
			checkpoint_file_abandon(f);
			return KEYS_STOPPED;
		}
		if (s.encoder->len >= CHECKPOINT_WRITE_BYTES && !checkpoint_file_write(f, why))
			return KEYS_FAILED;
	}
	return checkpoint_file_finish(f, saved, why) ? KEYS_SAVED : KEYS_FAILED;
}
