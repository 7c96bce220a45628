/*
 * Any bytes as a request to a webhook that wants to know who sends. Input: a
 * digit for the mode, header lines `Name: value`, an empty line, the body.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/plugin/mockhost.h"

#define HEADERS_MAX 16
#define SECRET	    "s3cret"

static const struct {
	const char *options;
	bool secret_is_sent; /* so nothing without it may be let in */
} modes[] = {
    {"{mode: bearer, secrets: [old, " SECRET "]}", true},
    {"{mode: header, header: X-Key, secrets: [" SECRET "]}", true},
    {"{mode: basic, secrets: [\"user:" SECRET "\"]}", false},
    {"{mode: hmac, header: X-Sig, prefix: \"sha256=\", secrets: [" SECRET "]}", false},
    {"{mode: hmac, header: X-Sig, encoding: base64, algorithm: sha1, secrets: [" SECRET "]}",
	false},
    {"{mode: standard_webhooks, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}", false},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* name, value, ..., NULL; returns the body. A listener hands on no other lines. */
static char *read_headers(char *text, const char **headers)
{
	size_t count = 0;
	while (text) {
		char *line = strsep(&text, "\n"), *colon = strstr(line, ": ");
		if (!line[0])
			break;
		if (!colon || count + 2 > 2 * HEADERS_MAX)
			continue;
		*colon = '\0';
		headers[count++] = line;
		headers[count++] = colon + 2;
	}
	headers[count] = NULL;
	return text;
}

static bool holds_secret(const char *const *headers)
{
	for (size_t i = 0; headers[i]; i += 2)
		if (strstr(headers[i + 1], SECRET) || strstr(headers[i + 1], "old"))
			return true;
	return false;
}

static void settle(struct mock *m)
{
	mock_settle(m, 0,
	    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
		.outcome = OW_DELIVERED,
		.acknowledge = true,
		.status = 200,
		.why = "delivered"});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *headers[2 * HEADERS_MAX + 1];
	char options[256];
	if (size < 1)
		return 0;
	size_t mode = data[0] % MODES;
	char *text = mem_string_of((const char *)data + 1, size - 1);
	char *body = read_headers(text, headers);
	size_t left = body ? size - 1 - (size_t)(body - text) : 0;
	struct mock *m = mock_new();
	const struct ow_component *component = mock_component(OW_MODULE_SYMBOL(), "webhook");
	snprintf(options, sizeof(options),
	    "{listener: l, path: /, content_types: any, auth: %s}", modes[mode].options);
	struct ow_instance *source =
	    mock_instance(m, component, "fuzz", mock_conf(m, component, options));
	require(mock_rc(mock_start(source)) == OW_OK, "it starts");
	struct ow_http_request *request =
	    mock_request(m, "l", "POST", "/", headers, text_span(body ? body : "", left));
	const struct mock_answer *answer = mock_answer(request);
	bool let_in = mock_emitted(m) == 1;
	require(let_in != (answer && answer->status == 401), "let in, or told 401");
	require(!let_in || !modes[mode].secret_is_sent || holds_secret(headers),
	    "nobody is let in without the secret");
	for (size_t i = 0; i < mock_log_lines(m); i++)
		require(!strstr(mock_log_line(m, i), SECRET), "no secret is logged");
	if (let_in)
		settle(m);
	mock_rc(mock_drain(source));
	mock_free(m);
	free(text);
	return 0;
}
