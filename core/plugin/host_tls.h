/* The host table's TLS functions, for clients with a protocol of their own. */
#ifndef PLUGIN_HOST_TLS_H
#define PLUGIN_HOST_TLS_H

#include <onceway/host.h>

struct ow_tls *host_tls_new(
    struct ow_instance *self, const struct ow_tls_options *options, const char **why);

#endif
