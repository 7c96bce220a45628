/*
 * What comes from AWS, or stands in its files: an error's document, credentials
 * in JSON and in XML, a profile. Whatever it is, the texts that are shown are
 * printable, and credentials are whole or there are none.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/aws/aws_error.h"
#include "lib/aws/credential_answer.h"
#include "lib/aws/profile_file.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_printable(const char *text, size_t size)
{
	size_t len = strnlen(text, size);
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len < size;
}

/* The document is the body, and the value of the headers that may hold a code. */
static void check_error(struct ow_text text)
{
	const struct ow_text names[] = {{"x-amzn-errortype", 16}, {"X-Amzn-Query-Error", 18}};
	const struct ow_text values[] = {text, text};
	const struct ow_http_response response = {.end = OW_HTTP_ANSWERED,
	    .status = 400 + (int)(text.len % 200),
	    .names = names,
	    .values = values,
	    .headers = text.len % 3,
	    .body = text};
	struct aws_error error;
	aws_error_read(&response, &error);
	require(error.outcome >= AWS_RETRY && error.outcome <= AWS_FAILED);
	require(is_printable(error.code, sizeof(error.code)));
	require(is_printable(error.query_code, sizeof(error.query_code)));
	require(is_printable(error.message, sizeof(error.message)));
}

static void check_found(const char *why, struct aws_found *found)
{
	require(why ? !found->access_key_id
		    : found->access_key_id[0] && found->secret_access_key[0]);
	if (!why)
		aws_found_problem(found);
	aws_found_fini(found);
}

static void check_profile(struct ow_text text, bool config)
{
	struct aws_profile profile = {.name = "default"};
	aws_profile_parse(&profile, text, config);
	require(profile.exists || (!profile.access_key_id && !profile.other));
	require(!profile.region || strlen(profile.region) <= text.len);
	aws_profile_fini(&profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that a sanitizer sees a read beyond the end. */
	char *copy = alloc_bytes(size ? size : 1);
	struct ow_text text = {copy, size};
	struct aws_found found = {.access_key_id = NULL};
	struct draft shown = DRAFT_EMPTY;
	if (size)
		memcpy(copy, data, size);
	check_error(text);
	check_found(aws_answer_of_json(text, &found), &found);
	check_found(aws_answer_of_sts(text, &found), &found);
	aws_error_of_sts(text, &shown);
	check_profile(text, false);
	check_profile(text, true);
	draft_free(&shown);
	free(copy);
	return 0;
}
