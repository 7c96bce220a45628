#include "lib/reply.h"

#include <string.h>

void reply_text(const struct ow_host *host, struct ow_reply *reply, const char *text)
{
	host->reply_add(reply, (struct ow_text){text, strlen(text)});
}

void reply_string(const struct ow_host *host, struct ow_reply *reply, const char *text)
{
	host->reply_add_json(reply, (struct ow_text){text, strlen(text)});
}

void reply_detail(const struct ow_host *host, struct ow_reply *reply, const char *detail)
{
	reply_text(host, reply, "{\"detail\":");
	reply_string(host, reply, detail);
	reply_text(host, reply, "}");
}
