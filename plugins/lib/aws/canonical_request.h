/* The one text that a signature's two sides make of a request, however it travelled. */
#ifndef LIB_AWS_CANONICAL_REQUEST_H
#define LIB_AWS_CANONICAL_REQUEST_H

#include "lib/draft.h"

#define SIGV4_HEX 64 /* digits of a SHA-256 */

/* Borrowed. */
struct sigv4_request {
	const char *method;
	struct ow_text target; /* path and query as they are sent */
	/* All that are signed; Host is among them (with its port unless it is the
	 * scheme's own), none of those that the signature brings is. */
	const struct ow_text *names, *values;
	size_t headers;
	struct ow_text body;
	bool sign_body_hash; /* with X-Amz-Content-Sha256: S3 wants it, others take it */
	/*
	 * As S3 has it: the path's escapes are what they stand for, and its dots and
	 * slashes are kept. Everybody else escapes what is sent a second time, after
	 * `.`, `..` and double slashes were resolved.
	 */
	bool path_is_literal;
};

/* A header that the signature adds. */
struct sigv4_header {
	const char *name, *value;
};

/*
 * Writes the canonical request to out, and the list of its headers' names to
 * names. added are signed with the request's own headers.
 */
void canonical_request_write(const struct sigv4_request *request,
    const struct sigv4_header *added, size_t count, const char *body_sha256, struct draft *out,
    struct draft *names);

#endif
