/* Credentials for a token that says who we are, from STS: how pods on EKS get theirs. */
#ifndef LIB_AWS_WEB_IDENTITY_H
#define LIB_AWS_WEB_IDENTITY_H

#include "lib/aws/attempt.h"

/* Borrowed for the call. NULL: not given. */
struct aws_web_identity {
	const char *token_file, *role_arn, *session_name;
};

/* Reads the token and asks STS. token_file is not NULL. */
enum aws_step aws_web_identity_ask(
    struct aws_attempt *attempt, const struct aws_web_identity *identity);

#endif
