/*
 * Whatever stands in a checkpoint, reading it ends well: with records that lie
 * inside their bounds and could be written again, or with an error that says
 * where. An input is tried as it is, as JSON, and, so that a fuzzer gets beyond
 * the checksums, as the records of a block in a file that is sound otherwise.
 *
 *	clang -fsanitize=fuzzer,address,undefined -g -O1 -D_GNU_SOURCE -pthread -I. \
 *	    -Icore -Icore/include -Iplugins tests/fuzz/fuzz_checkpoint.c \
 *	    plugins/lib/checkpoint_format.c plugins/lib/checkpoint_json.c \
 *	    plugins/lib/crc32c.c -ljansson
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/checkpoint_format.h"
#include "lib/checkpoint_json.h"
#include "lib/crc32c.h"

struct input {
	const uint8_t *data;
	size_t len, at;
	unsigned headers;
	uint64_t records;
	struct checkpoint_encoder again;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t read_input(void *arg, void *to, size_t len)
{
	struct input *in = arg;
	size_t left = in->len - in->at;
	len = len < left ? len : left;
	if (len)
		memcpy(to, in->data + in->at, len);
	in->at += len;
	return len;
}

static void take_header(void *arg, int64_t wall_ms)
{
	struct input *in = arg;
	require(in->headers++ == 0);
	checkpoint_encode_header(&in->again, wall_ms);
}

static void take_record(void *arg, const struct checkpoint_record *record)
{
	struct input *in = arg;
	require(record->key.len <= CHECKPOINT_KEY_MAX);
	in->records++;
	checkpoint_encode_record(&in->again, record);
}

static void no_header(void *arg, int64_t wall_ms)
{
	(void)arg, (void)wall_ms;
}

struct again {
	uint64_t records;
	struct input input;
};

static void take_again(void *arg, const struct checkpoint_record *record)
{
	struct again *again = arg;
	(void)record;
	again->records++;
}

static size_t read_again(void *arg, void *to, size_t len)
{
	return read_input(&((struct again *)arg)->input, to, len);
}

/* What was read can be written and read once more. */
static void require_round_trip(struct input *in)
{
	struct checkpoint_error error;
	checkpoint_encode_end(&in->again);
	struct again again = {
	    .input = {
		.data = in->again.data, .len = in->again.len, .at = CHECKPOINT_MAGIC_SIZE}};
	const struct checkpoint_reader reader = {
	    .read = read_again, .header = no_header, .record = take_again, .arg = &again};
	require(checkpoint_decode(&reader, &error));
	require(again.records == in->records);
}

static void try_file(const uint8_t *data, size_t len)
{
	struct input in = {.data = data, .len = len};
	struct checkpoint_error error = {.offset = 0};
	const struct checkpoint_reader reader = {
	    .read = read_input, .header = take_header, .record = take_record, .arg = &in};
	if (checkpoint_decode(&reader, &error))
		require_round_trip(&in);
	else
		require(error.problem[0] && error.offset <= len + CHECKPOINT_MAGIC_SIZE);
	checkpoint_encoder_fini(&in.again);
}

static void try_json(const uint8_t *data, size_t len)
{
	struct input in = {.data = data, .len = len};
	struct checkpoint_error error = {.offset = 0};
	const struct checkpoint_reader reader = {.record = take_record, .arg = &in};
	checkpoint_encode_header(&in.again, 0);
	if (checkpoint_json_decode((const char *)data, len, &reader, &error))
		require_round_trip(&in);
	else
		require(error.problem[0] && error.offset <= len);
	checkpoint_encoder_fini(&in.again);
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void seal(uint32_t seed, uint8_t *part, size_t len)
{
	put(part + 4, crc32c(crc32c(seed, part, 4), part + 8, len - 8), 4);
}

/* The first byte is how many records the block says it has. */
static void try_block(const uint8_t *data, size_t len)
{
	struct checkpoint_encoder e = {.data = NULL};
	checkpoint_encode_header(&e, 1);
	size_t head = e.len, size = 24 + len - 1;
	uint8_t *file = calloc(1, head + size + 32);
	uint8_t *block = file + head, *end = block + size;
	memcpy(file, e.data, head);
	memcpy(block, "BLCK", 4);
	put(block + 16, len - 1, 4);
	put(block + 20, data[0], 4);
	memcpy(block + 24, data + 1, len - 1);
	seal(e.seed, block, size);
	memcpy(end, "END.", 4);
	put(end + 8, 1, 8);
	put(end + 16, data[0], 8);
	put(end + 24, head + size, 8);
	seal(e.seed, end, 32);
	try_file(file + CHECKPOINT_MAGIC_SIZE, head + size + 32 - CHECKPOINT_MAGIC_SIZE);
	free(file);
	checkpoint_encoder_fini(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that a sanitizer sees a read beyond the end. */
	uint8_t *copy = malloc(size + 1);
	memcpy(copy, data, size);
	if (size >= CHECKPOINT_MAGIC_SIZE &&
	    memcmp(copy, CHECKPOINT_MAGIC, CHECKPOINT_MAGIC_SIZE) == 0)
		try_file(copy + CHECKPOINT_MAGIC_SIZE, size - CHECKPOINT_MAGIC_SIZE);
	try_json(copy, size);
	if (size > 0)
		try_block(copy, size);
	free(copy);
	return 0;
}
