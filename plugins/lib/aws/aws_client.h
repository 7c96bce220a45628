/*
 * Calls of one AWS service that speaks AWS JSON 1.0, such as SQS: finds the
 * endpoint and the credentials, signs, sends through the host's HTTP client,
 * and says what the answer means.
 *
 * One client belongs to one instance, on its worker. It tries again by itself
 * in two cases, once each, within the call's time limit: when the service says
 * that the credentials have expired (new ones are fetched), and when it refuses
 * the signature while its Date header shows that this machine's clock is off
 * (signed with the service's time from then on). All other retries, and the
 * waits between them, are the caller's.
 */
#ifndef LIB_AWS_AWS_CLIENT_H
#define LIB_AWS_AWS_CLIENT_H

#include <onceway/plugin.h>

#include "lib/aws/options.h"

struct aws_client;
struct aws_call;

/* Borrowed for aws_client_new(), but for what says otherwise. */
struct aws_client_config {
	const char *service; /* "sqs": of the endpoint and the signature; static */
	const struct aws_identity *identity; /* borrowed for the client's life */
	const struct aws_place *place;	     /* borrowed for the client's life */
	const struct ow_tls_options *tls;    /* of the endpoint; NULL: the defaults */
	int64_t max_connections;
	int64_t max_waiting; /* calls in line when all connections are busy */
	int64_t connect_ms;
	int64_t max_response; /* bytes of an answer's body; a longer one is AWS_FAILED */
};

enum aws_outcome {
	AWS_OK = 1,    /* status 2xx, and a body */
	AWS_RETRY,     /* it did not work, and may later: 5xx, no connection, time-out */
	AWS_THROTTLED, /* too many calls: later, and fewer */
	AWS_DENIED,    /* no credentials, or they do not do: somebody has to act */
	AWS_FAILED,    /* the same call would fare the same: code says why */
};

/* How a call ended. Borrowed for the callback. No text is NULL. */
struct aws_result {
	enum aws_outcome outcome;
	/*
	 * The service may have done what was asked although the outcome is not
	 * AWS_OK: no answer came, or one of 5xx.
	 */
	bool maybe_done;
	int status;		/* 0: no answer */
	struct ow_text body;	/* as received; empty if none */
	const char *code;	/* "QueueDoesNotExist", without its namespace; "" if none */
	const char *query_code; /* the older name of it that some services send along; "" */
	/*
	 * Unless AWS_OK: one phrase that says what went wrong, code included,
	 * fit for a log line: bounded, printable, without secrets.
	 */
	const char *why;
	int64_t retry_after_ms; /* the least wait the service asks for; 0: none */
};

typedef void aws_call_done(const struct aws_result *result, void *arg);

/*
 * NULL with *why, a phrase that lives as long as the instance's configuration
 * or is static: the region is not known, or the endpoint is no good.
 * Reads the environment and perhaps the profile files: for create().
 */
struct aws_client *aws_client_new(const struct ow_host *host, struct ow_instance *self,
    const struct aws_client_config *config, const char **why);
/* Drops the calls under way: they get no callback. NULL is fine. */
void aws_client_free(struct aws_client *client);

/* The endpoint's URL, and the region; live as long as the client. */
const char *aws_client_endpoint(const struct aws_client *client);
const char *aws_client_region(const struct aws_client *client);

/*
 * False when calls are known to fail for now: the endpoint cannot be connected
 * to, or there are no credentials. *why is a phrase, valid until the next call.
 */
bool aws_client_ready(struct aws_client *client, const char **why);

/* What to send. Borrowed for aws_client_call(), but for the body. */
struct aws_request {
	const char *target;  /* "AmazonSQS.ReceiveMessage"; lives until the callback */
	struct ow_text body; /* a JSON document; borrowed until the callback */
	int64_t timeout_ms;  /* from now to the last byte of the answer, all included */
	bool repeatable;     /* may be sent again when a kept-alive connection turns out dead */
};

/*
 * done(result, arg) is called exactly once, never before this returns, unless
 * the call is cancelled or the client freed. It may make calls and cancel
 * others, but not free the client.
 */
struct aws_call *aws_client_call(struct aws_client *client, const struct aws_request *request,
    aws_call_done *done, void *arg);
/* Drops the call: no callback. True if the service may have got the whole request. */
bool aws_call_cancel(struct aws_call *call);

#endif
