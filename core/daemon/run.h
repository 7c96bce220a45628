/* `onceway run`: threads, signals, from start to drained. */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include "daemon/settings.h"

/* Runs until drained. Returns the exit status. */
int run_daemon(const struct settings *settings);

#endif
