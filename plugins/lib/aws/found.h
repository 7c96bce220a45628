/* Credentials that somebody has found, with the time they end. Wiped when they are freed. */
#ifndef LIB_AWS_FOUND_H
#define LIB_AWS_FOUND_H

#include "lib/aws/sigv4.h"

struct aws_found {
	char *access_key_id; /* NULL: nothing found; owned, as the others */
	char *secret_access_key;
	char *session_token; /* NULL: none */
	int64_t expires_ms;  /* wall clock; 0: never */
};

/* Copies the texts. token may be empty. */
void aws_found_set(struct aws_found *found, struct ow_text access_key_id,
    struct ow_text secret_access_key, struct ow_text session_token, int64_t expires_ms);
void aws_found_fini(struct aws_found *found);

/* Borrowed from found. */
struct aws_keys aws_found_keys(const struct aws_found *found);

/* What a token or a key may consist of: it goes into a header. NULL: it is good. */
const char *aws_found_problem(const struct aws_found *found);

#endif
