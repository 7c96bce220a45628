/*
 * Whatever stands in Redis is a value. Taken as the answer of a sink instead,
 * it comes back from what we write, byte for byte, and what we write is ours.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "store_redis/value.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_written(struct ow_text type, struct ow_text body)
{
	static const unsigned char bytes[OW_DIGEST_SIZE] = {1, 2, 3};
	struct ow_claim claim = {.token = bytes, .digest = bytes, .window_ms = 1};
	struct ow_result result = {.status = 200, .content_type = type, .body = body};
	struct buf written = BUF_INIT;
	struct value_parts parts;
	struct value value;
	value_write_finished(&claim, &result, true, &parts);
	buf_add(&written, parts.head.data, parts.head.len);
	buf_add(&written, "7", 1);
	buf_add(&written, parts.tail.data, parts.tail.len);
	value_read(text_span(written.data, written.len), &value);
	require(value.kind == VALUE_FINISHED && !value.foreign && value.at_ms == 7);
	require(text_equal(value.result.content_type, type));
	require(text_equal(value.result.body, body));
	value_fini(&value);
	free(parts.bytes);
	buf_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that a sanitizer sees a read beyond the end. */
	char *copy = mem_copy(data, size);
	struct ow_text text = text_span(copy, size);
	struct value value;
	value_read(text, &value);
	require(value.kind == VALUE_CLAIM || value.kind == VALUE_FINISHED);
	require(value.kind == VALUE_FINISHED || !value.has_result);
	require(!value.has_result || value.result.body.len <= size);
	value_fini(&value);
	check_written(text_span(copy, size / 4), text_span(copy + size / 4, size - size / 4));
	free(copy);
	return 0;
}
