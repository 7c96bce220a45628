/*
 * The bytes of a checkpoint. Pure: no files, no clock. All numbers are little
 * endian; every byte stands under a CRC-32C, and every CRC begins with that of
 * the header, so that blocks of another checkpoint do not fit.
 *
 *	header	"OWCHKPT\n", u32 version, u32 CRC of what is before and behind,
 *		i64 when it was written, ms since 1970, by the wall clock
 *	block	"BLCK", u32 CRC, u64 number, from 0, u32 bytes of its records,
 *		u32 number of its records; the records
 *	end	"END.", u32 CRC, u64 blocks, u64 records, u64 bytes of the file
 *		before the end; then nothing more
 *
 *	record	i64 ms left of its life and i64 ms since its commit, both at the
 *		time of the header; u32 bytes of its key, u32 bytes of its body,
 *		u16 bytes of its content type, i16 status, u8 flags, 3 bytes zero;
 *		key, digest (32 bytes, if there is one), content type, body
 */
#ifndef LIB_CHECKPOINT_FORMAT_H
#define LIB_CHECKPOINT_FORMAT_H

#include <onceway/plugin.h>

#define CHECKPOINT_MAGIC      "OWCHKPT\n"
#define CHECKPOINT_MAGIC_SIZE 8
#define CHECKPOINT_VERSION    1

/* More than a block is ever filled with, and the bound for what is read. */
#define CHECKPOINT_BLOCK_MAX (64 << 20)
/* So that any record fits into a block. */
#define CHECKPOINT_KEY_MAX  (16 << 20)
#define CHECKPOINT_BODY_MAX (16 << 20)

/* Times beyond are not ones: some thirty thousand years. */
#define CHECKPOINT_TIME_MAX ((int64_t)1 << 50)

/* A finished key. The texts are borrowed. Times are as of the header's. */
struct checkpoint_record {
	struct ow_text key;
	const unsigned char *digest;	/* or NULL */
	const struct ow_result *result; /* or NULL: not known */
	int64_t left_ms;		/* of its life */
	int64_t age_ms; /* since its commit; below 0 if that came behind the header */
	bool age_unknown;
};

/* ---- writing: bytes gather in data until they are taken ---- */

struct checkpoint_encoder {
	unsigned char *data;
	size_t len, size;
	uint32_t seed;	   /* the header's CRC */
	uint32_t in_block; /* records */
	size_t block_at;   /* where that block begins in data */
	uint64_t blocks, records, taken;
};

/* Writes the header. All zero before. */
void checkpoint_encode_header(struct checkpoint_encoder *e, int64_t wall_ms);
/* Adds to the block that is being made. Some MiB are enough for one. */
void checkpoint_encode_record(
    struct checkpoint_encoder *e, const struct checkpoint_record *record);
/* Ends the block, if there is one. */
void checkpoint_encode_block(struct checkpoint_encoder *e);
/* Ends the block, and the file. */
void checkpoint_encode_end(struct checkpoint_encoder *e);
/* data has been written: begins anew behind it. Not in the middle of a block. */
void checkpoint_encoder_take(struct checkpoint_encoder *e);
void checkpoint_encoder_fini(struct checkpoint_encoder *e);

/* ---- reading ---- */

/* Where bytes come from and where records go. */
struct checkpoint_reader {
	/* Up to len bytes; fewer only at the end of the file or when it cannot be read. */
	size_t (*read)(void *arg, void *to, size_t len);
	/* Once, before the first record. */
	void (*header)(void *arg, int64_t wall_ms);
	void (*record)(void *arg, const struct checkpoint_record *record);
	void *arg;
};

struct checkpoint_error {
	uint64_t offset; /* in the file */
	char problem[120];
};

/* The header's magic has been read already. False: see error; records may have been passed. */
bool checkpoint_decode(const struct checkpoint_reader *reader, struct checkpoint_error *error);

#endif
