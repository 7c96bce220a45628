/*
 * Does a request come from somebody who knows one of the secrets? All modes
 * compare in constant time, whole codes of the same length, and look at every
 * secret there is; a signature is computed over the body as it was received.
 */
#ifndef LIB_AUTH_H
#define LIB_AUTH_H

#include "lib/auth_options.h"

struct auth;

/* conf is borrowed, for ever. Its mode is not AUTH_NONE. NULL with *why, a static phrase. */
struct auth *auth_new(const struct ow_host *host, struct ow_instance *self,
    const struct auth_conf *conf, const char **why);
void auth_free(struct auth *a); /* NULL is fine */

/*
 * Call it while the request has its headers and its body. NULL: it is
 * authentic. Otherwise the reason, a static phrase for the log: it has nothing
 * of the request and nothing secret, and is not for the sender.
 */
const char *auth_refusal(struct auth *a, const struct ow_http_request *request);

/* What WWW-Authenticate says with the answer 401; len 0: the mode has no scheme. */
struct ow_text auth_challenge(const struct auth *a);

#endif
