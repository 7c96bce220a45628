/*
 * What the scanner accepts, the canonical writer must be able to write: as
 * JSON that is accepted again and does not change any more. And what is found
 * by pointer must lie inside the text and be valid by itself.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "lib/canonical.h"
#include "json/scan.h"

static const char *const pointers[] = {"", "/a", "/a/b", "/a/0", "/b/1/a", "/", "/a~1b", "/0"};
#define POINTERS (sizeof(pointers) / sizeof(*pointers))

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_value(struct ow_text text, const struct ow_json *value)
{
	struct json_error error;
	require(value->raw.data >= text.data);
	require(value->raw.data + value->raw.len <= text.data + text.len);
	require(json_scan(value->raw, NULL, NULL, &error));
	if (value->type == OW_JSON_STRING) {
		size_t room = json_string_room(value->raw);
		char *out = mem_alloc(room);
		struct ow_text decoded = text_span(out, json_string_decode(value->raw, out));
		require(decoded.len <= room);
		require(json_string_is(value->raw, decoded));
		free(out);
	}
}

static void check_canonical(struct ow_text raw)
{
	struct canonical *once = canonical_new(), *twice = canonical_new();
	struct json_error error;
	canonical_add_value(once, raw);
	require(json_scan(canonical_text(once), NULL, NULL, &error));
	canonical_add_value(twice, canonical_text(once));
	require(text_equal(canonical_text(once), canonical_text(twice)));
	canonical_free(once);
	canonical_free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that a sanitizer sees a read beyond the end. */
	char *copy = mem_copy(data, size);
	struct ow_text text = text_span(copy, size);
	struct pointer_set *set = pointer_set_new();
	struct ow_json values[POINTERS];
	struct json_error error;
	for (size_t i = 0; i < POINTERS; i++)
		pointer_add(set, pointers[i]);
	if (json_scan(text, set, values, &error)) {
		require(values[0].type != 0);
		check_canonical(values[0].raw);
		for (size_t i = 0; i < POINTERS; i++)
			if (values[i].type != 0)
				check_value(text, &values[i]);
	} else {
		require(error.problem && error.offset <= size);
	}
	pointer_set_free(set);
	free(copy);
	return 0;
}
