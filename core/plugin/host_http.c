#include "plugin/host_http.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "plugin/instance.h"
#include "plugin/sized.h"

int host_http_serve(struct ow_instance *self, const char *listener, const char *path,
    unsigned methods, ow_http_handler *handler, void *arg, const char **why)
{
	struct http_server *server = worker_listener(instance_worker(self), listener);
	if (!server) {
		*why = "there is no such listener";
		return -1;
	}
	if (!http_server_serve(server, path, methods, handler, arg)) {
		*why = "another source has this path on this listener";
		return -1;
	}
	return 0;
}

struct ow_text host_request_header(const struct ow_http_request *request, const char *name)
{
	return http_head_field(http_request_head(request), name);
}

void host_request_answer(struct ow_http_request *request, int status,
    struct ow_text content_type, struct ow_text body, int64_t retry_after_ms)
{
	http_request_answer(request, &(struct http_answer){.status = status,
					 .content_type = content_type,
					 .body = body,
					 .retry_after_ms = retry_after_ms});
}

static bool is_field(struct ow_text name, struct ow_text value)
{
	for (size_t i = 0; i < name.len; i++)
		if (!http_is_token(name.data[i]))
			return false;
	for (size_t i = 0; i < value.len; i++)
		if (!http_is_text(value.data[i]))
			return false;
	return name.len > 0;
}

void host_request_answer_with(
    struct ow_http_request *request, const struct ow_http_answer *answer)
{
	struct ow_http_answer a;
	struct buf extra = BUF_INIT;
	if (answer->size < SIZED_UP_TO(struct ow_http_answer, headers)) {
		log_error("core", "plugin bug: an answer's size is not set");
		abort();
	}
	sized_copy(&a, sizeof(a), answer, answer->size);
	for (size_t i = 0; i < a.headers; i++) {
		if (!is_field(a.names[i], a.values[i]))
			continue;
		buf_add_text(&extra, a.names[i]);
		buf_add_string(&extra, ": ");
		buf_add_text(&extra, a.values[i]);
		buf_add_string(&extra, "\r\n");
	}
	http_request_answer(request, &(struct http_answer){.status = a.status,
					 .content_type = a.content_type,
					 .body = a.body,
					 .retry_after_ms = a.retry_after_ms,
					 .extra = extra.len ? extra.data : NULL});
	buf_free(&extra);
}

struct ow_http_pool *host_http_pool_new(
    struct ow_instance *self, const struct ow_http_origin *origin, const char **why)
{
	return http_pool_new(worker_http(instance_worker(self)), origin, why);
}
