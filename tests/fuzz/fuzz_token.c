/*
 * What a token endpoint answers: its first byte stands for the status, the rest
 * is the body. There is a token that can stand in a header, or a printable reason.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/outbound/token_answer.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that a sanitizer sees a read beyond the end. */
	size_t len = size > 0 ? size - 1 : 0;
	char *body = malloc(len ? len : 1);
	int status = size > 0 && data[0] != '0' ? 100 + data[0] * 2 : 200;
	struct token_answer answer;
	if (!body)
		abort();
	if (len)
		memcpy(body, data + 1, len);
	token_answer_read(status, (struct ow_text){body, len}, &answer);
	require((answer.token != NULL) == (answer.why[0] == '\0'));
	require(memchr(answer.why, '\0', sizeof(answer.why)) && is_printable(answer.why));
	if (answer.token) {
		size_t token = strlen(answer.token);
		require(status >= 200 && status <= 299);
		require(token > 0 && token <= TOKEN_SIZE_MAX && is_printable(answer.token));
		require(answer.token[0] != ' ' && answer.token[token - 1] != ' ');
		require(answer.life_ms == 0 || answer.life_ms >= 1000);
		require(answer.life_ms <= TOKEN_LIFE_MAX_MS);
		require(!answer.odd_life || answer.life_ms == 0);
	}
	token_answer_fini(&answer);
	free(body);
	return 0;
}
