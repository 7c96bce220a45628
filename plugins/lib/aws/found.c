#include "lib/aws/found.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/alloc.h"

static char *copy(struct ow_text text)
{
	char *out = alloc_bytes(text.len + 1);
	if (text.len)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return out;
}

static void wipe(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

void aws_found_set(struct aws_found *found, struct ow_text access_key_id,
    struct ow_text secret_access_key, struct ow_text session_token, int64_t expires_ms)
{
	aws_found_fini(found);
	found->access_key_id = copy(access_key_id);
	found->secret_access_key = copy(secret_access_key);
	found->session_token = session_token.len ? copy(session_token) : NULL;
	found->expires_ms = expires_ms;
}

void aws_found_fini(struct aws_found *found)
{
	wipe(found->access_key_id);
	wipe(found->secret_access_key);
	wipe(found->session_token);
	*found = (struct aws_found){NULL, NULL, NULL, 0};
}

struct aws_keys aws_found_keys(const struct aws_found *found)
{
	return (struct aws_keys){
	    found->access_key_id, found->secret_access_key, found->session_token};
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

const char *aws_found_problem(const struct aws_found *found)
{
	const char *id = found->access_key_id, *secret = found->secret_access_key;
	if (!id[0] || !is_printable(id) || strpbrk(id, "/,"))
		return "the access key is empty or has a character that keys cannot have";
	if (!secret[0] || !is_printable(secret))
		return "the secret access key is empty or has a character that keys cannot "
		       "have";
	if (found->session_token && !is_printable(found->session_token))
		return "the session token has a character that tokens cannot have";
	return NULL;
}
