/* What the parts of the plugin share: its options. */
#ifndef SINK_HTTP_CONF_H
#define SINK_HTTP_CONF_H

#include <onceway/plugin.h>

#include "lib/outbound/options.h"
#include "sink_http/gate.h"

struct sink_conf {
	const char *url;
	const char *method;
	struct ow_pairs headers;
	const struct ow_node *body; /* NULL: the bytes as they were received */
	int64_t max_body;
	struct ow_list require;
	const char *idempotency_header;
	int64_t connect_ms, total_ms;
	int64_t max_connections, max_waiting, idle_ms;
	int64_t max_response;
	struct ow_retry retry;
	struct ow_list retry_on;
	struct gate_options gate;
	struct ow_tls_options tls;
	const char *proxy; /* NULL: none */
	struct outbound_options outbound;
};

#endif
