/*
 * Any bytes as an event's body, on a fake core that is strict about the
 * contract: key() for what is JSON, reply() for all. FUZZ_KEYER names the keyer
 * that is linked in.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/plugin/mockhost.h"
#include "json/scan.h"

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_same(const struct ow_key *a, const struct ow_key *b)
{
	require(a->rc == b->rc && text_equal(a->text, b->text) && same(a->prefix, b->prefix) &&
		    text_equal(a->label, b->label) &&
		    same(a->invalid_field, b->invalid_field) &&
		    same(a->invalid_problem, b->invalid_problem),
	    "the same event has the same key");
}

static void check_reply(const struct ow_reply *reply)
{
	struct json_error error;
	if (!reply->begun)
		return;
	require(reply->status == 0 || (reply->status >= 200 && reply->status <= 599),
	    "a status is one");
	require(!strpbrk(reply->content_type, "\r\n"), "a content type is one line");
	require(
	    !strstr(reply->content_type, "json") || json_scan(reply->body, NULL, NULL, &error),
	    "a JSON reply is JSON");
}

static void reply_to_all(
    struct ow_instance *keyer, struct ow_event *event, const struct ow_key *key)
{
	for (int outcome = OW_DELIVERED; outcome <= OW_MISSING_KEY + 1; outcome++) {
		const struct ow_result result = {.size = sizeof(result),
		    .status = 200,
		    .content_type = text_of("application/json"),
		    .body = text_of(outcome % 2 ? "{\"a\":1}" : "<p>")};
		struct ow_reply_request request = {.size = sizeof(request),
		    .outcome = (enum ow_outcome)outcome,
		    .status = 200 + outcome,
		    .why = "a \"reason\"",
		    .key = key ? key->text : text_of(""),
		    .result = outcome % 3 ? &result : NULL};
		check_reply(mock_reply(keyer, event, key, &request));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mock *m = mock_new();
	const struct ow_component *component = mock_component(OW_MODULE_SYMBOL(), FUZZ_KEYER);
	struct ow_instance *keyer =
	    mock_instance(m, component, "fuzz", mock_conf(m, component, NULL));
	struct ow_event *event = mock_event_of(m, data, size);
	struct ow_key *key = NULL;
	struct json_error error;
	if (json_scan(text_span((const char *)data, size), NULL, NULL, &error)) {
		key = mock_key(keyer, event, false);
		check_same(key, mock_key(keyer, mock_event_of(m, data, size), false));
		check_same(key, mock_key(keyer, event, true));
	}
	reply_to_all(keyer, event, key);
	mock_free(m);
	return 0;
}
