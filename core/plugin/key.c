#include "plugin/key.h"

#include "base/text.h"

void key_init(struct ow_key *key, bool explaining)
{
	*key = (struct ow_key){.explaining = explaining};
	key->last_field = &key->fields;
}

void key_fini(struct ow_key *key)
{
	arena_free(&key->arena);
}

struct ow_text key_text(const struct ow_key *key)
{
	if (!key->full.data)
		return text_of("");
	return text_span(key->full.data + key->prefix_len, key->full.len - key->prefix_len);
}

void reply_init(struct ow_reply *reply, const struct ow_key *key, int status)
{
	*reply = (struct ow_reply){.key = key, .status = status};
}

void reply_fini(struct ow_reply *reply)
{
	buf_free(&reply->type);
	buf_free(&reply->body);
}
