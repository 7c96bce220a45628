#include "lib/aws/fetch.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/draft.h"

#define ANSWER_MAX  65536
#define HEADERS_MAX 3

struct aws_fetch {
	const struct ow_host *host;
	aws_fetch_done *done;
	void *arg;
	struct ow_http_pool *pool;
	struct ow_http_call *call;
	struct ow_timer *refused; /* for a URL that is no good */
	struct draft problem, target, value, body;
	struct ow_text names[HEADERS_MAX], values[HEADERS_MAX];
	struct ow_http_outgoing request;
};

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static void fetch_free(struct aws_fetch *f)
{
	f->host->http_pool_free(f->pool);
	f->host->timer_free(f->refused);
	draft_free(&f->problem);
	draft_free(&f->target);
	draft_free(&f->value);
	draft_free(&f->body);
	free(f);
}

static void finish(struct aws_fetch *f, const struct aws_fetched *fetched)
{
	aws_fetch_done *done = f->done;
	void *arg = f->arg;
	done(fetched, arg);
	fetch_free(f);
}

static void answered(const struct ow_http_response *response, void *arg)
{
	struct aws_fetched fetched = {.status = response->status, .body = response->body};
	if (response->end != OW_HTTP_ANSWERED)
		fetched.problem = response->why;
	else if (response->body_dropped)
		fetched.problem = "the answer is longer than credentials can be";
	finish(arg, &fetched);
}

static void on_refused(void *arg)
{
	struct aws_fetch *f = arg;
	finish(f, &(struct aws_fetched){.problem = draft_text(&f->problem)});
}

static void add_header(struct aws_fetch *f, const char *name, const char *value)
{
	f->names[f->request.headers] = text_of(name);
	f->values[f->request.headers++] = text_of(value);
}

static void write_target(struct draft *out, const char *url)
{
	const char *at = strstr(url, "://");
	at = at ? at + 3 : url;
	at += strcspn(at, "/?");
	draft_printf(out, "%s%s", at[0] == '/' ? "" : "/", at);
}

static void write_request(struct aws_fetch *f, const struct aws_fetch_request *request)
{
	write_target(&f->target, request->url);
	draft_add(&f->body, request->body);
	f->request = (struct ow_http_outgoing){.size = sizeof(f->request),
	    .method = request->method,
	    .target = {f->target.data, f->target.len},
	    .names = f->names,
	    .values = f->values,
	    .body = {f->body.data, f->body.len},
	    .total_ms = request->total_ms};
	add_header(f, "User-Agent", "onceway");
	if (request->header) {
		draft_string(&f->value, request->value);
		add_header(f, request->header, f->value.data);
	}
	if (request->content_type)
		add_header(f, "Content-Type", request->content_type);
}

struct aws_fetch *aws_fetch_start(const struct ow_host *host, struct ow_instance *self,
    const struct aws_fetch_request *request, aws_fetch_done *done, void *arg)
{
	struct aws_fetch *f = alloc_zero(1, sizeof(*f));
	const char *why = NULL;
	f->host = host;
	f->done = done;
	f->arg = arg;
	write_request(f, request);
	f->pool = host->http_pool_new(self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = request->url,
		.max_connections = 1,
		.max_waiting = 0,
		.connect_ms = request->connect_ms,
		.idle_ms = 1,
		.max_response = ANSWER_MAX},
	    &why);
	if (f->pool) {
		f->call = host->http_send(f->pool, &f->request, answered, f);
	} else {
		draft_string(&f->problem, why);
		f->refused = host->timer_new(self, on_refused, f);
		host->timer_set(f->refused, 0);
	}
	return f;
}

void aws_fetch_cancel(struct aws_fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->pool)
		fetch->host->http_cancel(fetch->call);
	fetch_free(fetch);
}
