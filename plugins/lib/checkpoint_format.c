#include "lib/checkpoint_format.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/crc32c.h"

#define HEADER_SIZE 24
#define BLOCK_SIZE  24 /* without its records */
#define END_SIZE    32
#define RECORD_SIZE 32 /* without its texts */

enum {
	FLAG_FAILED = 1,
	FLAG_DIGEST = 2,
	FLAG_NO_RESULT = 4,
	FLAG_AGE_UNKNOWN = 8,
	FLAGS_ALL = 15
};

static unsigned char *put16(unsigned char *at, uint16_t value)
{
	value = htole16(value);
	return (unsigned char *)memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static unsigned char *put32(unsigned char *at, uint32_t value)
{
	value = htole32(value);
	return (unsigned char *)memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static unsigned char *put64(unsigned char *at, uint64_t value)
{
	value = htole64(value);
	return (unsigned char *)memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static unsigned char *put_bytes(unsigned char *at, const void *data, size_t len)
{
	return len ? (unsigned char *)memcpy(at, data, len) + len : at;
}

static uint16_t get16(const unsigned char *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* Of a part with its CRC in bytes 4 to 7, which count as what is before and behind them. */
static uint32_t part_crc(uint32_t seed, const unsigned char *part, size_t len)
{
	return crc32c(crc32c(seed, part, 4), part + 8, len - 8);
}

/* The magic is longer than other parts' names, so the header's CRC stands further back. */
static uint32_t header_crc(const unsigned char *header)
{
	return crc32c(crc32c(0, header, 12), header + 16, HEADER_SIZE - 16);
}

/* ---- writing ---- */

static unsigned char *make_room(struct checkpoint_encoder *e, size_t more)
{
	if (e->size - e->len < more) {
		e->size = e->size * 2 > e->len + more ? e->size * 2 : e->len + more;
		e->data = alloc_resize(e->data, e->size);
	}
	e->len += more;
	return e->data + e->len - more;
}

void checkpoint_encode_header(struct checkpoint_encoder *e, int64_t wall_ms)
{
	unsigned char *header = make_room(e, HEADER_SIZE);
	memcpy(header, CHECKPOINT_MAGIC, CHECKPOINT_MAGIC_SIZE);
	put32(header + 8, CHECKPOINT_VERSION);
	put64(header + 16, (uint64_t)wall_ms);
	e->seed = header_crc(header);
	put32(header + 12, e->seed);
}

static int64_t bounded(int64_t ms)
{
	return ms > CHECKPOINT_TIME_MAX	   ? CHECKPOINT_TIME_MAX
	       : ms < -CHECKPOINT_TIME_MAX ? -CHECKPOINT_TIME_MAX
					   : ms;
}

void checkpoint_encode_record(
    struct checkpoint_encoder *e, const struct checkpoint_record *record)
{
	static const struct ow_result nothing = {.size = sizeof(nothing)};
	const struct ow_result *result = record->result ? record->result : &nothing;
	size_t digest_len = record->digest ? OW_DIGEST_SIZE : 0;
	if (e->in_block == 0) {
		e->block_at = e->len;
		make_room(e, BLOCK_SIZE);
	}
	unsigned char *at = make_room(e, RECORD_SIZE + record->key.len + digest_len +
					     result->content_type.len + result->body.len);
	at = put64(at, (uint64_t)bounded(record->left_ms));
	at = put64(at, record->age_unknown ? 0 : (uint64_t)bounded(record->age_ms));
	at = put32(at, (uint32_t)record->key.len);
	at = put32(at, (uint32_t)result->body.len);
	at = put16(at, (uint16_t)result->content_type.len);
	at = put16(at, (uint16_t)result->status);
	at = put32(at, (result->failed ? FLAG_FAILED : 0u) |
			   (record->digest ? FLAG_DIGEST : 0u) |
			   (record->result ? 0u : FLAG_NO_RESULT) |
			   (record->age_unknown ? FLAG_AGE_UNKNOWN : 0u));
	at = put_bytes(at, record->key.data, record->key.len);
	at = put_bytes(at, record->digest, digest_len);
	at = put_bytes(at, result->content_type.data, result->content_type.len);
	put_bytes(at, result->body.data, result->body.len);
	e->in_block++;
	e->records++;
}

void checkpoint_encode_block(struct checkpoint_encoder *e)
{
	if (e->in_block == 0)
		return;
	unsigned char *block = e->data + e->block_at;
	size_t len = e->len - e->block_at;
	memcpy(block, "BLCK", 4);
	put64(block + 8, e->blocks);
	put32(block + 16, (uint32_t)(len - BLOCK_SIZE));
	put32(block + 20, e->in_block);
	put32(block + 4, part_crc(e->seed, block, len));
	e->blocks++;
	e->in_block = 0;
}

void checkpoint_encode_end(struct checkpoint_encoder *e)
{
	checkpoint_encode_block(e);
	uint64_t before = e->taken + e->len;
	unsigned char *end = make_room(e, END_SIZE);
	memcpy(end, "END.", 4);
	put64(end + 8, e->blocks);
	put64(end + 16, e->records);
	put64(end + 24, before);
	put32(end + 4, part_crc(e->seed, end, END_SIZE));
}

void checkpoint_encoder_take(struct checkpoint_encoder *e)
{
	e->taken += e->len;
	e->len = 0;
}

void checkpoint_encoder_fini(struct checkpoint_encoder *e)
{
	free(e->data);
	*e = (struct checkpoint_encoder){.data = NULL};
}

/* ---- reading ---- */

struct decoder {
	const struct checkpoint_reader *reader;
	struct checkpoint_error *error;
	uint32_t seed;
	uint64_t at; /* in the file */
	uint64_t blocks, records;
	unsigned char *data; /* one part */
	size_t size;
};

static bool damaged(struct decoder *d, uint64_t offset, const char *problem)
{
	d->error->offset = offset;
	snprintf(d->error->problem, sizeof(d->error->problem), "%s", problem);
	return false;
}

/* Reads more behind the `have` bytes of the part. Room grows with what is really there. */
static bool take(struct decoder *d, size_t have, size_t more)
{
	const size_t step = 1 << 20;
	while (more > 0) {
		size_t len = more < step ? more : step;
		if (d->size < have + len) {
			d->size = have + len > 2 * d->size ? have + len : 2 * d->size;
			d->data = alloc_resize(d->data, d->size);
		}
		size_t got = d->reader->read(d->reader->arg, d->data + have, len);
		d->at += got;
		if (got < len)
			return damaged(d, d->at, "it ends too early");
		have += len;
		more -= len;
	}
	return true;
}

static bool is_time(int64_t ms)
{
	return ms >= -CHECKPOINT_TIME_MAX && ms <= CHECKPOINT_TIME_MAX;
}

static bool decode_header(struct decoder *d)
{
	memcpy(d->data, CHECKPOINT_MAGIC, CHECKPOINT_MAGIC_SIZE);
	d->at = CHECKPOINT_MAGIC_SIZE;
	if (!take(d, CHECKPOINT_MAGIC_SIZE, HEADER_SIZE - CHECKPOINT_MAGIC_SIZE))
		return false;
	uint32_t version = get32(d->data + 8);
	d->seed = get32(d->data + 12);
	/* Of later versions nothing more is known than where they say so. */
	if (version != CHECKPOINT_VERSION) {
		d->error->offset = CHECKPOINT_MAGIC_SIZE;
		snprintf(d->error->problem, sizeof(d->error->problem),
		    "it has version %u; this onceway reads version %d", version,
		    CHECKPOINT_VERSION);
		return false;
	}
	if (d->seed != header_crc(d->data))
		return damaged(d, 0, "the checksum of its header is wrong");
	if (!is_time((int64_t)get64(d->data + 16)))
		return damaged(d, 16, "it was written at an impossible time");
	d->reader->header(d->reader->arg, (int64_t)get64(d->data + 16));
	return true;
}

/* What the record at `at` takes, of which `left` bytes are there; 0: it is none. */
static size_t record_length(const unsigned char *at, size_t left)
{
	if (left < RECORD_SIZE)
		return 0;
	uint32_t key_len = get32(at + 16), body_len = get32(at + 20), flags = get32(at + 28);
	if (key_len > CHECKPOINT_KEY_MAX || body_len > CHECKPOINT_BODY_MAX ||
	    flags & ~(uint32_t)FLAGS_ALL || !is_time((int64_t)get64(at)) ||
	    !is_time((int64_t)get64(at + 8)))
		return 0;
	size_t len = RECORD_SIZE + (size_t)key_len + body_len + get16(at + 24) +
		     (flags & FLAG_DIGEST ? OW_DIGEST_SIZE : 0);
	return len <= left ? len : 0;
}

static void decode_record(struct decoder *d, const unsigned char *at)
{
	uint32_t flags = get32(at + 28);
	const unsigned char *key = at + RECORD_SIZE, *digest = key + get32(at + 16);
	const unsigned char *type = digest + (flags & FLAG_DIGEST ? OW_DIGEST_SIZE : 0);
	const unsigned char *body = type + get16(at + 24);
	struct ow_result result = {.size = sizeof(result),
	    .status = (int16_t)get16(at + 26),
	    .content_type = {(const char *)type, get16(at + 24)},
	    .body = {(const char *)body, get32(at + 20)},
	    .failed = flags & FLAG_FAILED};
	struct checkpoint_record record = {.key = {(const char *)key, get32(at + 16)},
	    .digest = flags & FLAG_DIGEST ? digest : NULL,
	    .result = flags & FLAG_NO_RESULT ? NULL : &result,
	    .left_ms = (int64_t)get64(at),
	    .age_ms = (int64_t)get64(at + 8),
	    .age_unknown = flags & FLAG_AGE_UNKNOWN};
	d->reader->record(d->reader->arg, &record);
}

/* The first 8 bytes of the part are there. */
static bool decode_block(struct decoder *d)
{
	uint64_t begin = d->at - 8;
	if (!take(d, 8, BLOCK_SIZE - 8))
		return false;
	uint32_t len = get32(d->data + 16), count = get32(d->data + 20);
	if (len > CHECKPOINT_BLOCK_MAX)
		return damaged(d, begin + 16, "a block has an impossible length");
	if (!take(d, BLOCK_SIZE, len))
		return false;
	if (get32(d->data + 4) != part_crc(d->seed, d->data, BLOCK_SIZE + len))
		return damaged(d, begin, "the checksum of a block is wrong");
	if (get64(d->data + 8) != d->blocks)
		return damaged(d, begin + 8, "a block is missing or out of order");
	size_t at = BLOCK_SIZE, end = BLOCK_SIZE + len;
	for (uint32_t i = 0; i < count; i++) {
		size_t record = record_length(d->data + at, end - at);
		if (record == 0)
			return damaged(d, begin + at, "a record is malformed");
		decode_record(d, d->data + at);
		at += record;
	}
	if (at != end)
		return damaged(d, begin + at, "a block is longer than its records");
	d->blocks++;
	d->records += count;
	return true;
}

static bool decode_end(struct decoder *d)
{
	uint64_t begin = d->at - 8;
	unsigned char more;
	if (!take(d, 8, END_SIZE - 8))
		return false;
	if (get32(d->data + 4) != part_crc(d->seed, d->data, END_SIZE))
		return damaged(d, begin, "the checksum of its end is wrong");
	if (get64(d->data + 8) != d->blocks || get64(d->data + 16) != d->records ||
	    get64(d->data + 24) != begin)
		return damaged(d, begin + 8, "blocks are missing before its end");
	if (d->reader->read(d->reader->arg, &more, 1) > 0)
		return damaged(d, d->at, "something stands behind its end");
	return true;
}

static bool decode(struct decoder *d)
{
	if (!decode_header(d))
		return false;
	for (;;) {
		if (!take(d, 0, 8))
			return false;
		if (memcmp(d->data, "END.", 4) == 0)
			return decode_end(d);
		if (memcmp(d->data, "BLCK", 4) != 0)
			return damaged(d, d->at - 8, "what stands here is not a block");
		if (!decode_block(d))
			return false;
	}
}

bool checkpoint_decode(const struct checkpoint_reader *reader, struct checkpoint_error *error)
{
	struct decoder d = {.reader = reader, .error = error, .size = 256};
	d.data = alloc_bytes(d.size);
	bool sound = decode(&d);
	free(d.data);
	return sound;
}
