/* The one queue of an instance, as all rooms of this plugin see it. */
#ifndef SOURCE_SQS_QUEUE_H
#define SOURCE_SQS_QUEUE_H

#include <onceway/plugin.h>

#include "lib/aws/aws_client.h"

/* Borrowed by all that are told of it; nothing in it changes once it is made. */
struct queue {
	const struct ow_host *host;
	struct ow_instance *self;
	struct aws_client *client;
	const char *url;
	int64_t visibility_ms; /* whole seconds */
	bool fifo;
};

#endif
