/* The host table's HTTP functions: listeners for sources, the client for sinks. */
#ifndef PLUGIN_HOST_HTTP_H
#define PLUGIN_HOST_HTTP_H

#include <onceway/host.h>

int host_http_serve(struct ow_instance *self, const char *listener, const char *path,
    unsigned methods, ow_http_handler *handler, void *arg, const char **why);
struct ow_text host_request_header(const struct ow_http_request *request, const char *name);
void host_request_answer(struct ow_http_request *request, int status,
    struct ow_text content_type, struct ow_text body, int64_t retry_after_ms);
void host_request_answer_with(
    struct ow_http_request *request, const struct ow_http_answer *answer);
struct ow_http_pool *host_http_pool_new(
    struct ow_instance *self, const struct ow_http_origin *origin, const char **why);

#endif
