/* The host table's look-up of names, for clients with a protocol of their own. */
#ifndef PLUGIN_HOST_NAMES_H
#define PLUGIN_HOST_NAMES_H

#include <onceway/host.h>

struct ow_query *host_resolve(
    struct ow_instance *self, const char *host, int port, ow_resolve_callback *fn, void *arg);
void host_resolve_cancel(struct ow_query *query);

#endif
