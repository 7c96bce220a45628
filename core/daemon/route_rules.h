/* Rules across a route's options: what each of them allows, but not together. */
#ifndef DAEMON_ROUTE_RULES_H
#define DAEMON_ROUTE_RULES_H

#include "daemon/settings.h"

/* Complains to report. Times are only compared when nothing else is wrong. */
void route_rules_check(const struct settings *s, struct conf_report *report);

#endif
