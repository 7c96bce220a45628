#include <stdlib.h>
#include <string.h>

#include "lib/checkpoint_format.h"
#include "lib/checkpoint_json.h"
#include "lib/crc32c.h"
#include "tests/unit/main.h"

#define WALL_MS 1767225600000

/* Bytes that are read, and what came of them. */
struct file {
	const unsigned char *data;
	size_t len, at;
	int64_t wall_ms;
	unsigned records;
	struct ow_text keys[16]; /* copies */
	struct checkpoint_record last;
	struct ow_result result;
	struct checkpoint_error error;
};

static size_t file_read(void *arg, void *to, size_t len)
{
	struct file *f = arg;
	size_t left = f->len - f->at;
	len = len < left ? len : left;
	memcpy(to, f->data + f->at, len);
	f->at += len;
	return len;
}

static void file_header(void *arg, int64_t wall_ms)
{
	struct file *f = arg;
	f->wall_ms = wall_ms;
}

static void file_record(void *arg, const struct checkpoint_record *record)
{
	struct file *f = arg;
	if (f->records < 16) {
		struct ow_text *key = &f->keys[f->records];
		key->data =
		    memcpy(malloc(record->key.len + 1), record->key.data, record->key.len);
		key->len = record->key.len;
	}
	f->records++;
	f->last = *record;
}

static void file_forget(struct file *f)
{
	for (unsigned i = 0; i < f->records && i < 16; i++)
		free((void *)(uintptr_t)f->keys[i].data);
}

static bool decode(struct file *f, const unsigned char *data, size_t len)
{
	*f = (struct file){.data = data, .len = len};
	const struct checkpoint_reader reader = {
	    .read = file_read, .header = file_header, .record = file_record, .arg = f};
	unsigned char magic[CHECKPOINT_MAGIC_SIZE];
	if (file_read(f, magic, sizeof(magic)) < sizeof(magic) ||
	    memcmp(magic, CHECKPOINT_MAGIC, sizeof(magic)) != 0)
		return false;
	return checkpoint_decode(&reader, &f->error);
}

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

static const unsigned char digest[OW_DIGEST_SIZE] = "digest of the payload, 32 bytes";

/* Three blocks; one record of every sort. */
static void encode(struct checkpoint_encoder *e)
{
	static const struct ow_result good = {.size = sizeof(good),
	    .status = 202,
	    .content_type = {"text/plain", 10},
	    .body = {"a\0b", 3}};
	static const struct ow_result bad = {
	    .size = sizeof(bad), .status = 404, .failed = true};
	*e = (struct checkpoint_encoder){.data = NULL};
	checkpoint_encode_header(e, WALL_MS);
	checkpoint_encode_record(
	    e, &(struct checkpoint_record){
		   .key = text_of("first"), .result = &bad, .left_ms = 1, .age_ms = -5});
	checkpoint_encode_record(e, &(struct checkpoint_record){.key = {NULL, 0}});
	checkpoint_encode_block(e);
	checkpoint_encode_record(
	    e, &(struct checkpoint_record){
		   .key = text_of("no result"), .left_ms = 7, .age_unknown = true});
	checkpoint_encode_block(e);
	checkpoint_encode_record(e, &(struct checkpoint_record){.key = text_of("last"),
					.digest = digest,
					.result = &good,
					.left_ms = 300000,
					.age_ms = 1234});
	checkpoint_encode_end(e);
}

START_TEST(what_is_written_is_read)
{
	struct checkpoint_encoder e;
	struct file f;
	encode(&e);
	ck_assert(decode(&f, e.data, e.len));
	ck_assert_int_eq(f.wall_ms, WALL_MS);
	ck_assert_uint_eq(f.records, 4);
	ck_assert_uint_eq(f.keys[0].len, 5);
	ck_assert_uint_eq(f.keys[1].len, 0);
	ck_assert_mem_eq(f.keys[2].data, "no result", 9);
	file_forget(&f);
	checkpoint_encoder_fini(&e);
}
END_TEST

/* Each alone in a file, so that its texts are still there afterwards. */
static void file_of(struct checkpoint_encoder *e, const struct checkpoint_record *record)
{
	*e = (struct checkpoint_encoder){.data = NULL};
	checkpoint_encode_header(e, WALL_MS);
	checkpoint_encode_record(e, record);
	checkpoint_encode_end(e);
}

static struct checkpoint_record seen;
static struct ow_result seen_result;
static char seen_body[64];

static void see(void *arg, const struct checkpoint_record *record)
{
	(void)arg;
	seen = *record;
	if (!record->result)
		return;
	seen_result = *record->result;
	memcpy(seen_body, record->result->body.data, record->result->body.len);
}

static void see_only(const struct checkpoint_record *record)
{
	struct checkpoint_encoder e;
	struct file f;
	file_of(&e, record);
	f = (struct file){.data = e.data, .len = e.len, .at = CHECKPOINT_MAGIC_SIZE};
	const struct checkpoint_reader reader = {
	    .read = file_read, .header = file_header, .record = see, .arg = &f};
	ck_assert(checkpoint_decode(&reader, &f.error));
	checkpoint_encoder_fini(&e);
}

START_TEST(every_member_survives)
{
	struct ow_result result = {.size = sizeof(result),
	    .status = -1,
	    .content_type = text_of("x/y"),
	    .body = {"a\0b", 3},
	    .failed = true};
	see_only(&(struct checkpoint_record){.key = text_of("k"),
	    .digest = digest,
	    .result = &result,
	    .left_ms = 299999,
	    .age_ms = -3});
	ck_assert_int_eq(seen.left_ms, 299999);
	ck_assert_int_eq(seen.age_ms, -3);
	ck_assert(!seen.age_unknown);
	ck_assert_ptr_nonnull(seen.digest);
	ck_assert_int_eq(seen_result.status, -1);
	ck_assert(seen_result.failed);
	ck_assert_uint_eq(seen_result.content_type.len, 3);
	ck_assert_uint_eq(seen_result.body.len, 3);
	ck_assert_mem_eq(seen_body, "a\0b", 3);
	see_only(&(struct checkpoint_record){
	    .key = text_of("k"), .left_ms = INT64_MAX, .age_unknown = true});
	ck_assert_int_eq(seen.left_ms, CHECKPOINT_TIME_MAX);
	ck_assert(seen.age_unknown);
	ck_assert_ptr_null(seen.digest);
	ck_assert_ptr_null(seen.result);
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
	struct checkpoint_encoder e;
	struct file f;
	encode(&e);
	for (size_t i = 0; i < e.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			e.data[i] ^= (unsigned char)(1 << bit);
			if (decode(&f, e.data, e.len))
				ck_abort_msg("bit %d of byte %zu", bit, i);
			ck_assert_uint_le(f.error.offset, e.len);
			file_forget(&f);
			e.data[i] ^= (unsigned char)(1 << bit);
		}
		for (unsigned value = 0; value < 256; value += 51) {
			unsigned char was = e.data[i];
			e.data[i] = (unsigned char)value;
			ck_assert(decode(&f, e.data, e.len) == (was == value));
			file_forget(&f);
			e.data[i] = was;
		}
	}
	checkpoint_encoder_fini(&e);
}
END_TEST

START_TEST(every_truncation_is_found)
{
	struct checkpoint_encoder e;
	struct file f;
	encode(&e);
	for (size_t len = 0; len < e.len; len++) {
		if (decode(&f, e.data, len))
			ck_abort_msg("cut after %zu bytes", len);
		if (len >= CHECKPOINT_MAGIC_SIZE) {
			ck_assert_str_eq(f.error.problem, "it ends too early");
			ck_assert_uint_eq(f.error.offset, len);
		}
		file_forget(&f);
	}
	checkpoint_encoder_fini(&e);
}
END_TEST

START_TEST(nothing_may_stand_behind_the_end)
{
	struct checkpoint_encoder e;
	struct file f;
	encode(&e);
	unsigned char *more = calloc(1, e.len + 1);
	memcpy(more, e.data, e.len);
	ck_assert(!decode(&f, more, e.len + 1));
	ck_assert_str_eq(f.error.problem, "something stands behind its end");
	file_forget(&f);
	free(more);
	checkpoint_encoder_fini(&e);
}
END_TEST

/* Where the blocks of encode() begin: 24 bytes of header, then as long as they say. */
static size_t block_length(const unsigned char *block)
{
	return 24u + (size_t)(block[16] | block[17] << 8);
}

START_TEST(blocks_must_be_all_there_and_in_order)
{
	struct checkpoint_encoder e;
	struct file f;
	encode(&e);
	unsigned char *data = malloc(e.len), *first = e.data + 24;
	size_t one = block_length(first), two = block_length(first + one);
	/* without the second */
	memcpy(data, e.data, 24 + one);
	memcpy(data + 24 + one, first + one + two, e.len - 24 - one - two);
	ck_assert(!decode(&f, data, e.len - two));
	ck_assert_str_eq(f.error.problem, "a block is missing or out of order");
	file_forget(&f);
	/* the second first */
	memcpy(data, e.data, e.len);
	memcpy(data + 24, first + one, two);
	memcpy(data + 24 + two, first, one);
	ck_assert(!decode(&f, data, e.len));
	ck_assert_uint_eq(f.records, 0);
	file_forget(&f);
	free(data);
	checkpoint_encoder_fini(&e);
}
END_TEST

START_TEST(a_block_of_another_checkpoint_does_not_fit)
{
	struct checkpoint_encoder e, other = {.data = NULL};
	struct file f;
	encode(&e);
	checkpoint_encode_header(&other, WALL_MS + 1);
	memcpy(e.data, other.data, 24);
	ck_assert(!decode(&f, e.data, e.len));
	ck_assert_str_eq(f.error.problem, "the checksum of a block is wrong");
	ck_assert_uint_eq(f.error.offset, 24);
	file_forget(&f);
	checkpoint_encoder_fini(&e);
	checkpoint_encoder_fini(&other);
}
END_TEST

START_TEST(a_later_version_is_named)
{
	struct checkpoint_encoder e;
	struct file f;
	encode(&e);
	e.data[8] = 2;
	ck_assert(!decode(&f, e.data, e.len));
	ck_assert_str_eq(f.error.problem, "it has version 2; this onceway reads version 1");
	file_forget(&f);
	checkpoint_encoder_fini(&e);
}
END_TEST

/* Seals what was changed in the only block again, as somebody who knows the format could. */
static void seal(unsigned char *data, size_t block_len)
{
	uint32_t seed, crc;
	unsigned char *block = data + 24;
	memcpy(&seed, data + 12, sizeof(seed));
	crc = crc32c(crc32c(seed, block, 4), block + 8, block_len - 8);
	memcpy(block + 4, &crc, sizeof(crc));
}

START_TEST(lengths_and_times_are_not_believed)
{
	/* offsets in the record: life, key, body, type, flags */
	static const size_t offsets[] = {7, 15, 16, 19, 20, 23, 24, 25, 28, 31};
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		struct checkpoint_encoder e;
		struct file f;
		file_of(&e, &(struct checkpoint_record){.key = text_of("k"), .left_ms = 1});
		size_t block_len = block_length(e.data + 24);
		e.data[24 + 24 + offsets[i]] ^= 0x60;
		seal(e.data, block_len);
		ck_assert(!decode(&f, e.data, e.len));
		ck_assert_str_eq(f.error.problem, "a record is malformed");
		file_forget(&f);
		checkpoint_encoder_fini(&e);
	}
	struct checkpoint_encoder e;
	struct file f;
	file_of(&e, &(struct checkpoint_record){.key = text_of("k"), .left_ms = 1});
	e.data[24 + 19] = 0xff;
	ck_assert(!decode(&f, e.data, e.len));
	ck_assert_str_eq(f.error.problem, "a block has an impossible length");
	e.data[24 + 19] = 0;
	e.data[24 + 20] = 2; /* records */
	seal(e.data, block_length(e.data + 24));
	ck_assert(!decode(&f, e.data, e.len));
	file_forget(&f);
	e.data[24 + 20] = 0;
	seal(e.data, block_length(e.data + 24));
	ck_assert(!decode(&f, e.data, e.len));
	ck_assert_str_eq(f.error.problem, "a block is longer than its records");
	checkpoint_encoder_fini(&e);
}
END_TEST

START_TEST(taking_what_is_written_changes_nothing)
{
	struct checkpoint_encoder whole, part = {.data = NULL};
	static unsigned char data[4096];
	size_t len = 0;
	whole = (struct checkpoint_encoder){.data = NULL};
	checkpoint_encode_header(&whole, WALL_MS);
	checkpoint_encode_header(&part, WALL_MS);
	for (int i = 0; i < 10; i++) {
		struct checkpoint_record record = {.key = text_of("key"), .left_ms = i + 1};
		checkpoint_encode_record(&whole, &record);
		checkpoint_encode_block(&whole);
		checkpoint_encode_record(&part, &record);
		checkpoint_encode_block(&part);
		memcpy(data + len, part.data, part.len);
		len += part.len;
		checkpoint_encoder_take(&part);
	}
	checkpoint_encode_end(&whole);
	checkpoint_encode_end(&part);
	memcpy(data + len, part.data, part.len);
	len += part.len;
	ck_assert_uint_eq(len, whole.len);
	ck_assert_mem_eq(data, whole.data, len);
	checkpoint_encoder_fini(&whole);
	checkpoint_encoder_fini(&part);
}
END_TEST

/* ---- the tutorial's JSON ---- */

static bool decode_json(struct file *f, const char *text)
{
	*f = (struct file){.data = NULL};
	const struct checkpoint_reader reader = {.record = file_record, .arg = f};
	return checkpoint_json_decode(text, strlen(text), &reader, &f->error);
}

START_TEST(reads_the_tutorials_json)
{
	struct file f;
	ck_assert(decode_json(&f, "{\n  \"cxone:dedup:aaa\": 250,\n  \"b\": 0.5\n}"));
	ck_assert_uint_eq(f.records, 2);
	ck_assert_mem_eq(f.keys[0].data, "cxone:dedup:aaa", 15);
	ck_assert_int_eq(f.last.left_ms, 500);
	ck_assert(f.last.age_unknown);
	ck_assert_ptr_null(f.last.result);
	file_forget(&f);
	ck_assert(decode_json(&f, "{}"));
	ck_assert_uint_eq(f.records, 0);
	ck_assert(decode_json(&f, "{\"a\": -1}"));
	ck_assert_int_eq(f.last.left_ms, -1000);
	file_forget(&f);
}
END_TEST

START_TEST(refuses_other_json)
{
	static const struct {
		const char *text, *problem;
		uint64_t offset;
	} cases[] = {
	    {"{\"a\": 1", "it is not sound JSON", 7},
	    {"{\"a\": 1} x", "it is not sound JSON", 10},
	    {"{\"a\": 1, \"a\": 2}", "it is not sound JSON", 12},
	    {"{\"key\": \"1\"}", "the value of `key` is not a number of seconds", 2},
	    {"{\"key\": true}", "the value of `key` is not a number of seconds", 2},
	    {"{\"key\": {}}", "the value of `key` is not a number of seconds", 2},
	    {"{\"key\": 1e12}", "the value of `key` is beyond ten years", 2},
	    {"[1]", "it is not an object", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct file f;
		ck_assert_msg(!decode_json(&f, cases[i].text), "%s", cases[i].text);
		ck_assert_msg(
		    strncmp(f.error.problem, cases[i].problem, strlen(cases[i].problem)) == 0,
		    "%s: %s", cases[i].text, f.error.problem);
		ck_assert_uint_eq(f.error.offset, cases[i].offset);
		file_forget(&f);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("checkpoint_format");
	TCase *t = tcase_create("checkpoint_format");
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_test(t, every_member_survives);
	tcase_add_test(t, every_flipped_bit_is_found);
	tcase_add_test(t, every_truncation_is_found);
	tcase_add_test(t, nothing_may_stand_behind_the_end);
	tcase_add_test(t, blocks_must_be_all_there_and_in_order);
	tcase_add_test(t, a_block_of_another_checkpoint_does_not_fit);
	tcase_add_test(t, a_later_version_is_named);
	tcase_add_test(t, lengths_and_times_are_not_believed);
	tcase_add_test(t, taking_what_is_written_changes_nothing);
	tcase_add_test(t, reads_the_tutorials_json);
	tcase_add_test(t, refuses_other_json);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
