#include "lib/sqs/batch_answer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sqs/json_text.h"

static bool has_end(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);
	return len >= n && strcmp(text + len - n, end) == 0;
}

/* An expired receipt has no code of its own: SQS calls it an invalid parameter. */
static enum sqs_entry_end failed_end(const json_t *entry, const char *code)
{
	const char *text = sqs_json_member(entry, "Message");
	if (has_end(code, "ReceiptHandleIsInvalid") || has_end(code, "MessageNotInflight"))
		return SQS_ENTRY_GONE;
	if (has_end(code, "InvalidParameterValue") && text &&
	    (strstr(text, "receipt handle") || strstr(text, "ReceiptHandle")))
		return SQS_ENTRY_GONE;
	if (strstr(code, "Throttl") || !json_is_true(json_object_get(entry, "SenderFault")))
		return SQS_ENTRY_RETRY;
	return SQS_ENTRY_REFUSED;
}

/* The result that an entry of the answer is about; NULL: it was not asked for. */
static struct sqs_entry_result *result_of(
    const json_t *entry, struct sqs_entry_result *results, size_t count)
{
	const char *id = sqs_json_member(entry, "Id");
	char *end = NULL;
	unsigned long index = id ? strtoul(id, &end, 10) : count;
	bool number = id && *id >= '0' && *id <= '9' && !*end;
	return number && index < count ? &results[index] : NULL;
}

/* least: the first character that is taken as it is. Null is as if it were empty. */
static void note(char *out, size_t size, const char *text, char least)
{
	size_t n = 0;
	for (; text && *text && n < size - 1; text++)
		out[n++] = *text >= least && *text <= '~' ? *text : '?';
	out[n] = '\0';
}

static void read_done(const json_t *entry, struct sqs_entry_result *result)
{
	result->mentioned = true;
	result->end = SQS_ENTRY_OK;
	note(result->id, sizeof(result->id), sqs_json_member(entry, "MessageId"), '!');
	note(result->md5, sizeof(result->md5), sqs_json_member(entry, "MD5OfMessageBody"), '!');
}

static void read_failed(const json_t *entry, struct sqs_entry_result *result)
{
	result->mentioned = true;
	note(result->code, sizeof(result->code), sqs_json_member(entry, "Code"), '!');
	note(result->why, sizeof(result->why), sqs_json_member(entry, "Message"), ' ');
	result->end = failed_end(entry, result->code);
}

bool sqs_batch_read(struct ow_text body, struct sqs_entry_result *results, size_t count)
{
	json_t *tree = sqs_json_read(body), *entry;
	json_t *done = json_object_get(tree, "Successful");
	json_t *failed = json_object_get(tree, "Failed");
	bool known = json_is_array(done) || json_is_array(failed);
	size_t i;
	for (i = 0; i < count; i++)
		results[i] = (struct sqs_entry_result){.end = SQS_ENTRY_RETRY};
	json_array_foreach(done, i, entry)
	{
		struct sqs_entry_result *result = result_of(entry, results, count);
		if (result)
			read_done(entry, result);
	}
	json_array_foreach(failed, i, entry)
	{
		struct sqs_entry_result *result = result_of(entry, results, count);
		if (result)
			read_failed(entry, result);
	}
	json_decref(tree);
	return known;
}
