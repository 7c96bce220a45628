/* Which version this is. */
#ifndef DAEMON_VERSION_H
#define DAEMON_VERSION_H

#include "config.h"

#define ONCEWAY_VERSION PACKAGE_VERSION

#endif
