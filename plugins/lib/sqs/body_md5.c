#include "lib/sqs/body_md5.h"

#include <openssl/evp.h>
#include <strings.h>

#include "lib/hex.h"

#define MD5_SIZE 16

static bool md5_hex(struct ow_text body, char out[2 * MD5_SIZE + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	bool done = md5 && EVP_Digest(body.data, body.len, digest, &len, md5, NULL) == 1 &&
		    len == MD5_SIZE;
	EVP_MD_free(md5);
	if (done)
		hex_write(out, digest, MD5_SIZE);
	out[2 * MD5_SIZE] = '\0';
	return done;
}

bool sqs_body_matches(struct ow_text body, const char *hex)
{
	char own[2 * MD5_SIZE + 1];
	return !hex || !md5_hex(body, own) || strcasecmp(own, hex) == 0;
}
