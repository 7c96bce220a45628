/* What services answer that give credentials away. */
#ifndef LIB_AWS_CREDENTIAL_ANSWER_H
#define LIB_AWS_CREDENTIAL_ANSWER_H

#include "lib/aws/found.h"

/*
 * Containers' and instances' JSON: AccessKeyId, SecretAccessKey, Token,
 * Expiration. Returns NULL and fills found, or a static phrase.
 */
const char *aws_answer_of_json(struct ow_text body, struct aws_found *found);

/* STS' answer to AssumeRoleWithWebIdentity, in XML. As above. */
const char *aws_answer_of_sts(struct ow_text body, struct aws_found *found);
/* Adds "Code: message" of STS' error document; nothing if it is none. */
void aws_error_of_sts(struct ow_text body, struct draft *out);

#endif
