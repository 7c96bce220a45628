/* What the URL of a queue tells. */
#ifndef LIB_SQS_QUEUE_URL_H
#define LIB_SQS_QUEUE_URL_H

#include <onceway/plugin.h>

struct queue_url {
	struct ow_text origin; /* scheme, host and port */
	struct ow_text name;
	struct ow_text region; /* empty: the host does not tell */
	bool regional;	       /* the region's public endpoint, not a VPC's or an emulator's */
	bool fifo;
};

/*
 * Looks into text, which is scheme://host[:port]/... and is pointed into by
 * out. NULL, or what is wrong with it.
 */
const char *queue_url_parse(const char *text, struct queue_url *out);

#endif
