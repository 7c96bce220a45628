#include "lib/outbound/basic.h"

#include <openssl/crypto.h>

#include "lib/alloc.h"
#include "lib/base64.h"

void basic_write(struct draft *out, const char *user, const char *password)
{
	struct draft plain = DRAFT_EMPTY;
	draft_printf(&plain, "%s:%s", user, password);
	size_t len = BASE64_SIZE(plain.len);
	char *encoded = alloc_bytes(len);
	base64_encode(plain.data, plain.len, encoded);
	draft_string(out, "Basic ");
	draft_add(out, (struct ow_text){encoded, len});
	OPENSSL_cleanse(encoded, len);
	free(encoded);
	draft_free(&plain);
}
