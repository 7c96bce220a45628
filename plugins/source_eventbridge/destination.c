#include "source_eventbridge/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

struct destination {
	struct intake *in;
	struct door *door;
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* Nobody reads it but whoever tries the address out: EventBridge keeps no answers. */
static void refuse(struct destination *d, struct ow_http_request *request, const char *field,
    const char *problem)
{
	char body[200];
	snprintf(body, sizeof(body),
	    "{\"error\":\"Invalid event structure\",\"field\":\"%s\",\"problem\":\"%s\"}",
	    field, problem);
	d->in->host->request_answer(request, 400, text("application/json"), text(body), 0);
}

static void received(struct ow_http_request *request, void *arg)
{
	struct destination *d = arg;
	struct ow_event *event = d->in->host->event_from_request(d->in->self, request);
	const char *problem, *field = intake_fault(d->in, event, &problem);
	if (!field) {
		door_emit(d->door, event, request);
		return;
	}
	refuse(d, request, field, problem);
	d->in->host->event_unref(event);
}

void destination_settle(
    struct destination *d, struct ow_http_request *request, const struct ow_settlement *how)
{
	d->in->host->request_answer(
	    request, how->status, how->content_type, how->body, how->retry_after_ms);
	door_settled(d->door);
}

void destination_start(struct destination *d, struct ow_op *op)
{
	door_start(d->door, op);
}

void destination_drain(struct destination *d, struct ow_op *op)
{
	door_drain(d->door, op);
}

struct destination *destination_new(
    struct intake *in, const struct door_place *place, const char **why)
{
	struct destination *d = alloc_zero(1, sizeof(*d));
	d->in = in;
	d->door = door_new(in->host, in->self, place, received, d, why);
	if (d->door)
		return d;
	destination_free(d);
	return NULL;
}

void destination_free(struct destination *d)
{
	if (!d)
		return;
	door_free(d->door);
	free(d);
}
