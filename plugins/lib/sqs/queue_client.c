#include "lib/sqs/queue_client.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/sqs/queue_url.h"
#include "lib/tls_check.h"

struct sqs_client {
	struct aws_client *aws;
	struct aws_place place;	 /* the configuration's, and what the URL tells */
	char *region, *endpoint; /* owned; NULL: the configuration's */
	struct ow_tls_options tls;
};

/* ---- options ---- */

static bool equal(struct ow_text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.data, s, t.len) == 0;
}

static void check_tls(const struct sqs_queue_options *o, const struct queue_url *url,
    const struct ow_report *report)
{
	const char *at = o->place.endpoint;
	if (!at && !url->regional)
		at = o->url;
	tls_options_check(
	    &o->tls, !at || strncmp(at, "https:", 6) == 0, "http://", "https://", report);
}

void sqs_queue_check(const struct sqs_queue_options *o, const struct ow_report *report)
{
	struct queue_url url;
	const char *problem = queue_url_parse(o->url, &url);
	if (problem)
		report->complain(report, "queue_url", "%s", problem);
	else if (o->place.region && url.region.len && !equal(url.region, o->place.region))
		report->complain(report, "region",
		    "is %s, but the queue is in %.*s, as queue_url says: leave region out",
		    o->place.region, (int)url.region.len, url.region.data);
	if (!problem)
		check_tls(o, &url, report);
	aws_place_check(&o->place, report);
	aws_identity_check(&o->identity, "", report);
}

bool sqs_queue_is_fifo(const struct sqs_queue_options *options)
{
	struct queue_url url;
	return !queue_url_parse(options->url, &url) && url.fifo;
}

/* ---- the client ---- */

static char *copy_of(struct ow_text text)
{
	char *copy = alloc_bytes(text.len + 1);
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

static void complete_place(
    struct sqs_client *c, const struct aws_place *given, const struct queue_url *url)
{
	c->place = *given;
	if (!c->place.region && url->region.len)
		c->place.region = c->region = copy_of(url->region);
	if (!c->place.endpoint && !url->regional)
		c->place.endpoint = c->endpoint = copy_of(url->origin);
}

struct sqs_client *sqs_client_new(const struct ow_host *host, struct ow_instance *self,
    const struct sqs_queue_options *options, const struct sqs_client_limits *limits,
    const char **why)
{
	struct sqs_client *c = alloc_zero(1, sizeof(*c));
	struct queue_url url;
	*why = queue_url_parse(options->url, &url);
	if (!*why) {
		complete_place(c, &options->place, &url);
		c->tls = options->tls;
		c->tls.size = sizeof(c->tls);
		c->aws = aws_client_new(host, self,
		    &(struct aws_client_config){.service = "sqs",
			.identity = &options->identity,
			.place = &c->place,
			.tls = &c->tls,
			.max_connections = limits->max_connections,
			.max_waiting = limits->max_waiting,
			.connect_ms = limits->connect_ms,
			.max_response = limits->max_response},
		    why);
	}
	if (c->aws)
		return c;
	sqs_client_free(c);
	return NULL;
}

void sqs_client_free(struct sqs_client *c)
{
	if (!c)
		return;
	aws_client_free(c->aws);
	free(c->region);
	free(c->endpoint);
	free(c);
}

struct aws_client *sqs_client_aws(const struct sqs_client *client)
{
	return client->aws;
}
