#include "plugin/host_tls.h"

#include <stdlib.h>

#include "base/log.h"
#include "io/tls_client.h"
#include "plugin/instance.h"
#include "plugin/sized.h"

struct ow_tls *host_tls_new(
    struct ow_instance *self, const struct ow_tls_options *options, const char **why)
{
	struct worker *w = instance_worker(self);
	if (options && options->size < SIZED_UP_TO(struct ow_tls_options, server_name)) {
		log_error("core", "plugin bug: the size of TLS options is not set");
		abort();
	}
	const struct tls_client_parts parts = {.store = worker_tls(w),
	    .base = worker_base(w),
	    .clock = worker_clock(w),
	    .name = instance_label(self)};
	if (!parts.store) {
		*why = "TLS is not to be had here";
		return NULL;
	}
	return tls_client_new(&parts, options, why);
}
