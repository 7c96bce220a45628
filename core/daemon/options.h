/* The core's own option tables: sections `onceway`, `listeners` and `routes`. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <onceway/option.h>

extern const struct ow_option process_options[];  /* into struct process_settings */
extern const struct ow_option listener_options[]; /* into struct listener_settings */
extern const struct ow_option route_options[];	  /* into struct route_settings */

#endif
