/* The options by which a plugin knows its queue, and the client that calls it. */
#ifndef LIB_SQS_QUEUE_CLIENT_H
#define LIB_SQS_QUEUE_CLIENT_H

#include "lib/aws/aws_client.h"

struct sqs_queue_options {
	const char *url;
	struct aws_place place;
	struct aws_identity identity;
	struct ow_tls_options tls;
};

/* `m` is a struct sqs_queue_options; what queue_url is good for stands in the help. */
#define SQS_QUEUE_CHOICES                                                                      \
	AWS_PLACE_CHOICES;                                                                     \
	OW_TLS_CHOICES;                                                                        \
	static const char *const queue_schemes[] = {"https", "http", NULL}

#define SQS_QUEUE_URL_OPTION(c, m, words)                                                      \
	OW_URL(c, m.url, "queue_url", .flags = OW_O_REQUIRED, .choices = queue_schemes,        \
	    .help = "URL of the queue, as `aws sqs get-queue-url` shows it; " words)

#define SQS_QUEUE_OPTIONS(c, m)                                                                \
	AWS_PLACE_OPTIONS(c, m.place), AWS_IDENTITY_OPTIONS(c, m.identity, ""),                \
	    OW_TLS_OPTIONS(c, m.tls)

/* Rules across those options, for a component's check(). */
void sqs_queue_check(const struct sqs_queue_options *options, const struct ow_report *report);
/* True if the URL is that of a FIFO queue. */
bool sqs_queue_is_fifo(const struct sqs_queue_options *options);

struct sqs_client_limits {
	int64_t max_connections, max_waiting; /* as in struct aws_client_config */
	int64_t connect_ms;
	int64_t max_response;
};

struct sqs_client;

/*
 * What the configuration leaves open the URL may tell: the region, and for a
 * queue of a VPC endpoint or an emulator where to connect to. NULL with *why,
 * as aws_client_new(). options is borrowed for the client's life.
 */
struct sqs_client *sqs_client_new(const struct ow_host *host, struct ow_instance *self,
    const struct sqs_queue_options *options, const struct sqs_client_limits *limits,
    const char **why);
/* Drops the calls under way: they get no callback. NULL is fine. */
void sqs_client_free(struct sqs_client *client);
/* To call with; lives as long. */
struct aws_client *sqs_client_aws(const struct sqs_client *client);

#endif
