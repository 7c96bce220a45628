/* Vendor replies: JSON written piece by piece. */
#ifndef LIB_REPLY_H
#define LIB_REPLY_H

#include <onceway/plugin.h>

/* Adds text as it is. */
void reply_text(const struct ow_host *host, struct ow_reply *reply, const char *text);
/* Adds text as a JSON string. */
void reply_string(const struct ow_host *host, struct ow_reply *reply, const char *text);
/* Adds {"detail":"..."}, as the services that Onceway replaces tell a failure. */
void reply_detail(const struct ow_host *host, struct ow_reply *reply, const char *detail);

#endif
