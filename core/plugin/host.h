/* The table of functions that plugins are given; see <onceway/host.h>. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include <onceway/host.h>

/* One table for the whole process; constant. */
const struct ow_host *host_table(void);

#endif
