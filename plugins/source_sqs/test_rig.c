#include "source_sqs/test_rig.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define CALLS_MAX 4000

struct aws_call {
	struct rig_call seen;
	aws_call_done *done;
	void *arg;
	struct ow_text body; /* as it was lent */
};

struct aws_client {
	const struct ow_host *host;
};

struct mock *rig_mock;
struct ow_instance *rig_source;

static struct aws_call calls[CALLS_MAX];
static size_t call_count;
static struct aws_client_config config;
static struct aws_place place;
static struct ow_tls_options tls;
static unsigned receipts[128];
static bool fifo;

/* ---- the client ---- */

struct aws_client *aws_client_new(const struct ow_host *host, struct ow_instance *self,
    const struct aws_client_config *c, const char **why)
{
	static struct aws_client client;
	(void)self, (void)why;
	config = *c;
	place = *c->place;
	tls = *c->tls;
	config.place = &place;
	config.tls = &tls;
	client.host = host;
	return &client;
}

void aws_client_free(struct aws_client *client)
{
	if (client)
		for (size_t i = 0; i < call_count; i++)
			calls[i].seen.open = false;
}

const char *aws_client_endpoint(const struct aws_client *client)
{
	(void)client;
	return "https://sqs.test";
}

const char *aws_client_region(const struct aws_client *client)
{
	(void)client;
	return "test-1";
}

struct aws_call *aws_client_call(struct aws_client *client, const struct aws_request *request,
    aws_call_done *done, void *arg)
{
	ck_assert_uint_lt(call_count, CALLS_MAX);
	struct aws_call *call = &calls[call_count++];
	(void)client;
	*call =
	    (struct aws_call){.seen = {request->target,
				  json_loadb(request->body.data, request->body.len, 0, NULL),
				  request->timeout_ms, true},
		.done = done,
		.arg = arg,
		.body = request->body};
	ck_assert_ptr_nonnull(call->seen.request);
	return call;
}

bool aws_call_cancel(struct aws_call *call)
{
	ck_assert(call->seen.open);
	call->seen.open = false;
	return true;
}

void aws_place_check(const struct aws_place *p, const struct ow_report *report)
{
	(void)p, (void)report;
}

void aws_identity_check(
    const struct aws_identity *identity, const char *p, const struct ow_report *report)
{
	(void)identity, (void)p, (void)report;
}

/* ---- life ---- */

void rig_start(const char *queue_url, const char *yaml)
{
	char text[1000];
	const struct ow_component *sqs = mock_component(ow_module(), "sqs");
	snprintf(text, sizeof(text), "queue_url: \"%s\"\n%s", queue_url, yaml);
	rig_mock = mock_new();
	fifo = strstr(queue_url, ".fifo") != NULL;
	rig_source = mock_instance(rig_mock, sqs, "in", mock_conf(rig_mock, sqs, text));
	ck_assert_int_eq(mock_rc(mock_start(rig_source)), OW_OK);
}

void rig_end(void)
{
	mock_free(rig_mock);
	for (size_t i = 0; i < call_count; i++)
		json_decref(calls[i].seen.request);
	call_count = 0;
	memset(receipts, 0, sizeof(receipts));
}

const struct aws_client_config *rig_config(void)
{
	return &config;
}

/* ---- calls ---- */

size_t rig_calls(void)
{
	return call_count;
}

const struct rig_call *rig_call(size_t index)
{
	ck_assert_uint_lt(index, call_count);
	return &calls[index].seen;
}

size_t rig_open(const char *target)
{
	size_t open = 0;
	for (size_t i = 0; i < call_count; i++)
		open += calls[i].seen.open && strcmp(calls[i].seen.target, target) == 0;
	return open;
}

size_t rig_find(const char *target)
{
	size_t i = 0;
	while (i < call_count &&
	       !(calls[i].seen.open && strcmp(calls[i].seen.target, target) == 0))
		i++;
	ck_assert_msg(i < call_count, "no open call of %s", target);
	return i;
}

int64_t rig_number(size_t call, const char *member)
{
	return json_integer_value(json_object_get(rig_call(call)->request, member));
}

static json_t *entry_of(size_t call, size_t entry)
{
	return json_array_get(json_object_get(rig_call(call)->request, "Entries"), entry);
}

size_t rig_entries(size_t call)
{
	return json_array_size(json_object_get(rig_call(call)->request, "Entries"));
}

const char *rig_receipt(size_t call, size_t entry)
{
	return json_string_value(json_object_get(entry_of(call, entry), "ReceiptHandle"));
}

int64_t rig_visible(size_t call, size_t entry)
{
	return json_integer_value(json_object_get(entry_of(call, entry), "VisibilityTimeout"));
}

static void end_call(size_t index, const struct aws_result *result)
{
	struct aws_call *call = &calls[index];
	ck_assert(call->seen.open);
	call->seen.open = false;
	/* Lent until now: a sanitizer sees if it was not there any more. */
	json_t *again = json_loadb(call->body.data, call->body.len, 0, NULL);
	ck_assert(json_equal(again, call->seen.request));
	json_decref(again);
	call->done(result, call->arg);
	mock_run(rig_mock);
}

void rig_answer(size_t call, const char *body)
{
	end_call(call, &(struct aws_result){.outcome = AWS_OK,
			   .status = 200,
			   .body = {body, strlen(body)},
			   .code = "",
			   .query_code = "",
			   .why = ""});
}

void rig_fail(size_t call, enum aws_outcome outcome, const char *code)
{
	end_call(call, &(struct aws_result){.outcome = outcome,
			   .status = 400,
			   .maybe_done = outcome == AWS_RETRY,
			   .body = {"", 0},
			   .code = code,
			   .query_code = "",
			   .why = code});
}

void rig_throttle(size_t call, int64_t retry_after_ms)
{
	end_call(call, &(struct aws_result){.outcome = AWS_THROTTLED,
			   .status = 400,
			   .body = {"", 0},
			   .code = "RequestThrottled",
			   .query_code = "",
			   .why = "too many",
			   .retry_after_ms = retry_after_ms});
}

void rig_answer_batch(size_t call)
{
	char body[1000] = "{\"Successful\":[";
	for (size_t i = 0; i < rig_entries(call); i++) {
		size_t len = strlen(body);
		snprintf(body + len, sizeof(body) - len, "%s{\"Id\":\"%zu\"}", i ? "," : "", i);
	}
	strcat(body, "],\"Failed\":[]}");
	rig_answer(call, body);
}

void rig_answer_all(const char *target)
{
	while (rig_open(target))
		rig_answer_batch(rig_find(target));
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
