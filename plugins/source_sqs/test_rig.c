#include "source_sqs/test_rig.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

struct ow_instance *rig_source;

static unsigned receipts[128];
static bool fifo;

/* ---- life ---- */

void rig_start(const char *queue_url, const char *yaml)
{
	char text[1000];
	const struct ow_component *sqs = mock_component(OW_MODULE_SYMBOL(), "sqs");
	snprintf(text, sizeof(text), "queue_url: \"%s\"\n%s", queue_url, yaml);
	rig_mock = mock_new();
	fifo = strstr(queue_url, ".fifo") != NULL;
	rig_source = mock_instance(rig_mock, sqs, "in", mock_conf(rig_mock, sqs, text));
	ck_assert_int_eq(mock_rc(mock_start(rig_source)), OW_OK);
}

void rig_end(void)
{
	mock_free(rig_mock);
	rig_forget_calls();
	memset(receipts, 0, sizeof(receipts));
}

const char *rig_receipt(size_t call, size_t entry)
{
	return json_string_value(json_object_get(rig_entry(call, entry), "ReceiptHandle"));
}

int64_t rig_visible(size_t call, size_t entry)
{
	return json_integer_value(json_object_get(rig_entry(call, entry), "VisibilityTimeout"));
}

/* ---- messages ---- */

static void md5(const char *text, char out[33])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_Digest(text, strlen(text), digest, NULL, EVP_md5(), NULL);
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void rig_receive(const char *letters)
{
	json_t *answer = json_object(), *list = json_array();
	for (; *letters; letters++) {
		char body[20], receipt[20], count[20], hex[33];
		unsigned n = ++receipts[(unsigned char)*letters];
		snprintf(body, sizeof(body), "{\"id\":\"%c\"}", *letters);
		snprintf(receipt, sizeof(receipt), "%c%u", *letters, n);
		snprintf(count, sizeof(count), "%u", n);
		md5(body, hex);
		json_t *m =
		    json_pack("{s:s#, s:s, s:s, s:s, s:{s:s, s:s}}", "MessageId", letters, 1,
			"ReceiptHandle", receipt, "MD5OfBody", hex, "Body", body, "Attributes",
			"ApproximateReceiveCount", count, "SentTimestamp", "1795222018183");
		if (fifo)
			json_object_set_new(json_object_get(m, "Attributes"), "MessageGroupId",
			    json_string(isupper((unsigned char)*letters) ? "upper" : "lower"));
		json_array_append_new(list, m);
	}
	json_object_set_new(answer, "Messages", list);
	char *text = json_dumps(answer, 0);
	json_decref(answer);
	rig_answer(rig_find(SQS_RECEIVE), text);
	free(text);
}

static char letter_of(const struct mock_emission *e)
{
	return mock_host()->event_header(e->event, "X-Sqs-Message-Id").data[0];
}

const char *rig_emitted(void)
{
	static char letters[128];
	size_t n = 0;
	for (size_t i = 0; i < mock_emitted(rig_mock); i++)
		if (!mock_emission(rig_mock, i)->settled)
			letters[n++] = letter_of(mock_emission(rig_mock, i));
	letters[n] = '\0';
	return letters;
}

void rig_settle_as(char letter, const struct ow_settlement *how)
{
	for (size_t i = 0; i < mock_emitted(rig_mock); i++)
		if (!mock_emission(rig_mock, i)->settled &&
		    letter_of(mock_emission(rig_mock, i)) == letter) {
			mock_settle(rig_mock, i, how);
			mock_run(rig_mock);
			return;
		}
	ck_abort_msg("no event of %c", letter);
}

void rig_settle(char letter, enum ow_outcome outcome)
{
	bool good = outcome == OW_DELIVERED || outcome == OW_DUPLICATE || outcome == OW_PASSED;
	rig_settle_as(letter, &(struct ow_settlement){.size = sizeof(struct ow_settlement),
				  .outcome = outcome,
				  .acknowledge = good,
				  .status = good ? 200 : 503,
				  .why = "the test says so"});
}

const char *rig_batch(const char *target)
{
	static char text[200];
	size_t call = rig_find(target);
	text[0] = '\0';
	for (size_t i = 0; i < rig_entries(call); i++) {
		if (i)
			strcat(text, " ");
		strcat(text, rig_receipt(call, i));
	}
	rig_answer_batch(call);
	return text;
}
