/*
 * Any bytes as an event of EventBridge, and as what surrounds one in Lambda.
 * Input: X-Ray's trace id, a line break, the event. The event is also what a
 * function answers.
 */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "lib/base64.h"
#include "source_eventbridge/invocation.h"
#include "tests/plugin/mockhost.h"

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* ---- mode: http ---- */

/* Everything is taken, or refused with the name of a member; what is taken is whole. */
static void check_intake(struct ow_text body)
{
	struct mock *m = mock_new();
	const struct ow_component *component =
	    mock_component(OW_MODULE_SYMBOL(), "eventbridge");
	struct ow_instance *source = mock_instance(
	    m, component, "fuzz", mock_conf(m, component, "{listener: l, path: /}"));
	require(mock_rc(mock_start(source)) == OW_OK, "it starts");
	struct ow_http_request *request = mock_request(m, "l", "POST", "/", NULL, body);
	const struct mock_answer *answer = mock_answer(request);
	require((mock_emitted(m) == 1) != (answer != NULL), "taken, or answered");
	if (answer) {
		json_t *said = json_loadb(answer->body.data, answer->body.len, 0, NULL);
		require(answer->status == 400, "refused with 400");
		require(json_string_length(json_object_get(said, "field")) > 0, "with a name");
		json_decref(said);
	} else {
		mock_settle(m, 0,
		    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
			.outcome = OW_DELIVERED,
			.acknowledge = true,
			.status = 200,
			.why = "delivered"});
	}
	mock_rc(mock_drain(source));
	mock_free(m);
}

/* ---- mode: lambda ---- */

static void check_trace(struct ow_text trace)
{
	char out[INVOCATION_TRACEPARENT_SIZE];
	if (!invocation_traceparent(trace, out))
		return;
	require(strlen(out) == sizeof(out) - 1, "a traceparent is 55 characters");
	require(strspn(out, "0123456789abcdef-") == sizeof(out) - 1, "of hex and dashes");
}

static void check_answer(struct ow_text body)
{
	char *answer = invocation_answer(200, body);
	json_t *said = json_loads(answer, JSON_ALLOW_NUL, NULL);
	require(said && json_integer_value(json_object_get(said, "statusCode")) == 200,
	    "an answer is JSON");
	const json_t *text = json_object_get(said, "body");
	struct ow_text got = {json_string_value(text), json_string_length(text)};
	char *decoded = mem_zero(body.len + 1);
	if (json_is_true(json_object_get(said, "isBase64Encoded"))) {
		ptrdiff_t len = base64_decode(got, decoded, body.len);
		got = text_span(decoded, len < 0 ? 0 : (size_t)len);
	}
	require(text_equal(got, body), "and has all of the body");
	json_decref(said);
	free(decoded);
	free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Copies of their very sizes, so that a read beyond them is seen. */
	const char *end = memchr(data, '\n', size);
	size_t first = end ? (size_t)(end - (const char *)data) : size;
	size_t rest = end ? size - first - 1 : 0;
	char *trace = mem_copy(data, first), *body = mem_copy(data + size - rest, rest);
	check_trace(text_span(trace, first));
	check_intake(text_span(body, rest));
	check_answer(text_span(body, rest));
	free(trace);
	free(body);
	return 0;
}
