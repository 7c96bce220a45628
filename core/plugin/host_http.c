#include "plugin/host_http.h"

#include "io/http_client.h"
#include "io/http_server.h"
#include "plugin/instance.h"

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

struct ow_http_pool *host_http_pool_new(
    struct ow_instance *self, const struct ow_http_origin *origin, const char **why)
{
	return http_pool_new(worker_http(instance_worker(self)), origin, why);
}
