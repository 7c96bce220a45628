/* What a token endpoint is asked (RFC 6749, 4.4.2), or the same members as JSON. */
#ifndef LIB_OUTBOUND_TOKEN_REQUEST_H
#define LIB_OUTBOUND_TOKEN_REQUEST_H

#include "lib/draft.h"
#include "lib/outbound/options.h"

#define TOKEN_REQUEST_HEADERS 4

/* Made once, sent for every token. Its memory is wiped: it is full of secrets. */
struct token_request {
	struct draft target, body, authorization;
	struct ow_text names[TOKEN_REQUEST_HEADERS], values[TOKEN_REQUEST_HEADERS];
	struct ow_http_outgoing outgoing; /* to be sent */
};

/* At one place for its life. Free with token_request_fini(). */
void token_request_init(struct token_request *request, const struct outbound_oauth2 *options);
void token_request_fini(struct token_request *request);

/* True if the text quotes a secret that the request holds, as it is or as it was encoded. */
bool token_request_quoted(const struct token_request *request,
    const struct outbound_oauth2 *options, const char *text);

#endif
