/*
 * One request: what the options, an event and an attempt make of it, or why they
 * cannot make one. Sends nothing.
 */
#ifndef SINK_HTTP_REQUEST_H
#define SINK_HTTP_REQUEST_H

#include "sink_http/conf.h"
#include "sink_http/field.h"

/* What the options say of every request, worked out once for an instance. */
struct request_form;

/* Headers that may be added to a request after it was built. */
#define REQUEST_MORE_HEADERS 8

/* One request. Its memory is used for one after the other. */
struct request {
	const struct request_form *form;
	struct ow_http_outgoing outgoing; /* to be sent; names and values are the two below */
	struct ow_text *names, *values;	  /* behind this struct */
	struct ow_text key;		  /* the attempt's, as a header can have it */
	struct draft escaped_key;	  /* where that is another text */
	struct draft target, body;	  /* those with fields in them */
	struct draft *lines;		  /* the headers, each one's value if it has fields */
};

/* For check(): `url`, `method`, `headers`, `body`, `require`, `idempotency_header`. */
void request_check(const struct sink_conf *conf, const struct ow_report *report);

/* In create(). All is borrowed for its life. */
struct request_form *request_form_new(
    const struct ow_host *host, struct ow_instance *self, const struct sink_conf *conf);
/* No request of it is left. NULL is fine. */
void request_form_free(struct request_form *form);

/* The form is borrowed for its life. Empty until request_build(). */
struct request *request_new(const struct request_form *form);
void request_free(struct request *request); /* NULL is fine */

/*
 * Makes it the request of this attempt. It borrows from both until it was sent
 * and ended. False: this event cannot be sent, now or later.
 */
bool request_build(struct request *request, const struct ow_event *event,
    const struct ow_attempt *attempt, struct refusal *refusal);

/*
 * Adds a header behind those it has, at most REQUEST_MORE_HEADERS to what was
 * built. Both texts are borrowed until the request was sent and ended.
 */
void request_add_header(struct request *request, struct ow_text name, struct ow_text value);

/* It was sent and ended: lets go of much memory. */
void request_ended(struct request *request);

#endif
