#include "source_sqs/message.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/hex.h"

#define MD5_SIZE 16

/* Null stays null. */
static char *copied(const char *text)
{
	return text ? alloc_checked(strdup(text)) : NULL;
}

/* SQS tells no better digest. Where libcrypto may not do MD5, TLS alone guards the body. */
static bool md5_hex(struct ow_text body, char out[2 * MD5_SIZE + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	bool done = md5 && EVP_Digest(body.data, body.len, digest, &len, md5, NULL) == 1 &&
		    len == MD5_SIZE;
	EVP_MD_free(md5);
	if (done)
		hex_write(out, digest, MD5_SIZE);
	out[2 * MD5_SIZE] = '\0';
	return done;
}

bool message_is_whole(const struct sqs_message *received)
{
	char hex[2 * MD5_SIZE + 1];
	return !received->md5 || !md5_hex(received->body, hex) ||
	       strcasecmp(hex, received->md5) == 0;
}

struct message *message_new(
    const struct queue *q, const struct sqs_message *received, struct ow_event *event)
{
	struct message *m = alloc_zero(1, sizeof(*m));
	m->state = MESSAGE_WAITING;
	m->id = copied(received->id);
	m->receipt = copied(received->receipt);
	m->group = q->fifo ? copied(received->group ? received->group : "") : NULL;
	m->receives = received->receives;
	m->event = event;
	m->received_ms = q->host->mono_ms(q->self);
	ring_init(&m->deletion.link);
	ring_init(&m->visibility.link);
	ring_init(&m->in_hand);
	ring_init(&m->in_group);
	ring_init(&m->in_heartbeat);
	return m;
}

void message_free(const struct queue *q, struct message *m)
{
	if (m->event)
		q->host->event_unref(m->event);
	free(m->id);
	free(m->receipt);
	free(m->group);
	free(m);
}

void message_renew(const struct queue *q, struct message *m, const struct sqs_message *received)
{
	free(m->receipt);
	m->receipt = copied(received->receipt);
	m->receives = received->receives;
	m->receipts++;
	m->received_ms = q->host->mono_ms(q->self);
}

int64_t message_hidden_max_s(const struct queue *q, const struct message *m)
{
	int64_t age_ms = q->host->mono_ms(q->self) - m->received_ms;
	int64_t left_s = SQS_VISIBILITY_MAX_S - age_ms / 1000 - 1;
	return left_s > 0 ? left_s : 0;
}

bool message_is_quiet(const struct message *m)
{
	return m->deletion.state == POSTING_NONE && m->visibility.state == POSTING_NONE;
}
