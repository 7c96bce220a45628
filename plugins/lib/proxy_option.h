/* The option `proxy` of plugins that send requests: what struct ow_http_origin takes. */
#ifndef LIB_PROXY_OPTION_H
#define LIB_PROXY_OPTION_H

#include <onceway/plugin.h>

/* Complains unless it is a proxy's URL, or NULL. It may hold a password: it is never shown. */
void proxy_option_check(const char *option, const char *proxy, const struct ow_report *report);

#endif
