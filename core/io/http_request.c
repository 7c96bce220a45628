#include "io/http_request.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_connection.h"

struct ow_http_request *http_request_new(struct http_connection *c)
{
	struct ow_http_request *r = mem_alloc(sizeof(*r));
	*r = (struct ow_http_request){.connection = c, .minor = 1};
	list_init(&r->link);
	c->refs++;
	return r;
}

/* What its handler was given. */
static void release(struct ow_http_request *r)
{
	http_head_fini(&r->head);
	free(r->block);
	r->block = NULL;
	buf_free(&r->body);
}

void http_request_free(struct ow_http_request *r)
{
	if (!r)
		return;
	if (list_linked(&r->link)) {
		list_remove(&r->link);
		r->connection->queued--;
	}
	release(r);
	buf_free(&r->answer);
	http_connection_unref(r->connection);
	free(r);
}

void http_request_queue(struct ow_http_request *r)
{
	list_append(&r->connection->requests, &r->link);
	r->connection->queued++;
}

const struct http_head *http_request_head(const struct ow_http_request *r)
{
	return &r->head;
}

struct ow_text http_request_body(const struct ow_http_request *r)
{
	return buf_text(&r->body);
}

const char *http_request_peer(const struct ow_http_request *r)
{
	return r->connection->peer;
}

void http_request_take(struct ow_http_request *r, struct http_head *head, char **block,
    char **body, size_t *body_len)
{
	*head = r->head;
	r->head = (struct http_head){.fields = NULL};
	*block = r->block;
	r->block = NULL;
	*body_len = r->body.len;
	*body = buf_take(&r->body);
}

/* True: nobody will ask for anything more behind it. */
static bool is_last(const struct ow_http_request *r)
{
	const struct http_connection *c = r->connection;
	if (r->link.next != &c->requests)
		return false;
	return c->ended || (c->server->draining && c->state == CONNECTION_HEAD &&
			       evbuffer_get_length(http_connection_input(c)) == 0);
}

void http_request_answer(struct ow_http_request *r, const struct http_answer *answer)
{
	struct http_connection *c = r->connection;
	if (c->state >= CONNECTION_ENDING) {
		http_request_free(r);
		return;
	}
	struct http_server *server = c->server;
	struct http_answer full = *answer;
	struct http_answer_form form = {
	    .common = &server->common, .minor = r->minor, .head = r->head_only};
	r->close = r->close || answer->close || is_last(r);
	full.close = r->close;
	http_common_fields_update(&server->common, clock_wall(server->clock));
	http_answer_write(&r->answer, &full, &form);
	r->answered = true;
	release(r);
	if (r->close && c->state < CONNECTION_LAST)
		http_connection_stop(c);
	if (!c->working)
		http_connection_settle(c);
}
