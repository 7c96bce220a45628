/* `onceway plugins`: lists components, or describes one from its option table. */
#ifndef DAEMON_PLUGINS_COMMAND_H
#define DAEMON_PLUGINS_COMMAND_H

#include <stdio.h>

/*
 * name NULL: all. Else a component's name; where several kinds have it, all of
 * them; `kind_name` (sink_http) tells them apart. Returns the exit status.
 */
int plugins_command(
    const char *const *plugin_dirs, const char *name, const char *format, FILE *out);

#endif
