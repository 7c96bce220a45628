/*
 * AWS Signature Version 4, in the Authorization header: a function of the
 * time, the credentials and the request, and of nothing else.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * says what is signed. A signature in the query (a presigned URL) is not made.
 */
#ifndef LIB_AWS_SIGV4_H
#define LIB_AWS_SIGV4_H

#include "lib/aws/canonical_request.h"

/* Who signs. Borrowed. */
struct aws_keys {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL: none */
};

/* When and for whom. Borrowed. */
struct sigv4_scope {
	int64_t time_ms; /* since 1970, in the years 0 to 9999 */
	const char *region;
	const char *service;
};

struct sigv4_signature {
	char date[sizeof("20150830T123600Z")]; /* of X-Amz-Date */
	char body_sha256[SIGV4_HEX + 1];       /* of X-Amz-Content-Sha256 */
	char *authorization;		       /* of Authorization; owned */
};

/* The digests, fetched once, and the key derived last. One thread uses it at a time. */
struct sigv4;

/* NULL: libcrypto offers no SHA-256 or no HMAC (its configuration forbids them). */
struct sigv4 *sigv4_new(void);
void sigv4_free(struct sigv4 *s); /* NULL is fine */

/*
 * Signs the request's headers and those that the signature brings itself:
 * X-Amz-Date, X-Amz-Security-Token (if there is a token) and, if the request
 * says so, X-Amz-Content-Sha256. The caller sends all of them, with the values
 * in out, and Authorization. Free with sigv4_signature_fini().
 */
void sigv4_sign(struct sigv4 *s, const struct sigv4_scope *scope, const struct aws_keys *keys,
    const struct sigv4_request *request, struct sigv4_signature *out);
void sigv4_signature_fini(struct sigv4_signature *signature);

#endif
