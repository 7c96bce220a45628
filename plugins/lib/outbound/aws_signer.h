/* Signature Version 4 for any request, with the credentials that plugins/lib/aws finds. */
#ifndef LIB_OUTBOUND_AWS_SIGNER_H
#define LIB_OUTBOUND_AWS_SIGNER_H

#include "lib/aws/credentials.h"
#include "lib/outbound/options.h"

struct aws_signer;

#define AWS_SIGNER_HEADERS 4

/* What a request gets. Names are static. */
struct aws_signer_headers {
	struct ow_text names[AWS_SIGNER_HEADERS], values[AWS_SIGNER_HEADERS];
	size_t count;
	struct sigv4_signature signature;
	char *token; /* the session's; NULL: none */
	uint64_t generation;
};

/* options are borrowed for its life; url: where requests go. NULL with *why, static. */
struct aws_signer *aws_signer_new(const struct ow_host *host, struct ow_instance *self,
    const struct outbound_sigv4 *options, const char *url, const char **why);
void aws_signer_free(struct aws_signer *s); /* nobody waits; NULL is fine */

/* Whose keys are signed with; to wait for, and to be told that they have expired. */
struct aws_credentials *aws_signer_credentials(const struct aws_signer *s);

/*
 * False: there are no credentials yet. out borrows from itself until
 * aws_signer_headers_fini(); all zero at first.
 */
bool aws_signer_sign(struct aws_signer *s, const struct ow_http_outgoing *request,
    struct aws_signer_headers *out);
void aws_signer_headers_fini(struct aws_signer_headers *headers);

#endif
