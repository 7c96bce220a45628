#include "lib/whsec.h"

#include <string.h>

#include "lib/base64.h"

#define WHSEC "whsec_"

ptrdiff_t whsec_read(const char *secret, unsigned char key[WHSEC_KEY_MAX])
{
	size_t prefix = strlen(WHSEC);
	if (strncmp(secret, WHSEC, prefix) != 0)
		return -1;
	struct ow_text text = {secret + prefix, strlen(secret + prefix)};
	return base64_decode(text, key, WHSEC_KEY_MAX);
}
