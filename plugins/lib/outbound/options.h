/*
 * The options by which a plugin says who it is to the system behind: one table
 * part, one set of rules, for every plugin that sends requests.
 */
#ifndef LIB_OUTBOUND_OPTIONS_H
#define LIB_OUTBOUND_OPTIONS_H

#include <onceway/plugin.h>

#include "lib/aws/options.h"
#include "lib/signature.h"

enum outbound_style {
	OUTBOUND_FORM = 0,
	OUTBOUND_JSON
};

enum outbound_client_auth {
	OUTBOUND_IN_BODY = 0,
	OUTBOUND_IN_HEADER
};

/* RFC 6749, 4.4: client credentials. token_url NULL: not used. */
struct outbound_oauth2 {
	const char *token_url;
	const char *client_id, *client_secret;
	const char *scope, *audience;
	int style;	 /* enum outbound_style */
	int client_auth; /* enum outbound_client_auth */
	int64_t refresh_before_ms, timeout_ms;
	struct ow_tls_options tls;
};

/* A code over the body. secret NULL: not used. */
struct outbound_hmac {
	const char *secret, *header, *prefix;
	int algorithm; /* enum hmac_algorithm */
	int encoding;  /* enum signature_encoding */
};

/* service NULL: not used. */
struct outbound_sigv4 {
	const char *service, *region;
	struct aws_identity identity;
};

struct outbound_options {
	struct outbound_oauth2 oauth2;
	const char *bearer;			 /* NULL: not used */
	const char *basic_user, *basic_password; /* NULL: not used */
	const char *header_name, *header_value;	 /* NULL: not used */
	struct outbound_hmac hmac;
	const char *standard_webhooks_secret; /* NULL: not used */
	struct outbound_sigv4 sigv4;
};

extern const char *const outbound_schemes[];
extern const char *const outbound_style_choices[];
extern const char *const outbound_client_auth_choices[];

/* For the option table; `m` is a struct outbound_options. OW_TLS_CHOICES stands before it. */
#define OUTBOUND_OPTIONS(c, m)                                                                 \
	OW_URL(c, m.oauth2.token_url, "oauth2.token_url", .choices = outbound_schemes,         \
	    .help = "Where an OAuth 2 token is fetched with client credentials; one for all "  \
		    "workers, fetched anew before it ends."),                                  \
	    OW_STRING(c, m.oauth2.client_id, "oauth2.client_id", .help = "The client's id."),  \
	    OW_SECRET(                                                                         \
		c, m.oauth2.client_secret, "oauth2.client_secret", .help = "Its secret."),     \
	    OW_STRING(c, m.oauth2.scope, "oauth2.scope",                                       \
		.help = "Scopes to ask for, with spaces between them."),                       \
	    OW_STRING(c, m.oauth2.audience, "oauth2.audience",                                 \
		.help = "For whom the token is to be, where the endpoint wants to be told."),  \
	    OW_ENUM(c, m.oauth2.style, "oauth2.style", .dflt = "form",                         \
		.choices = outbound_style_choices,                                             \
		.help = "How the endpoint is asked: `form` as RFC 6749 has it, or `json`."),   \
	    OW_ENUM(c, m.oauth2.client_auth, "oauth2.client_auth", .dflt = "body",             \
		.choices = outbound_client_auth_choices,                                       \
		.help = "Where the endpoint is shown id and secret: among the parameters of "  \
			"the body, or in a `basic` Authorization header."),                    \
	    OW_DURATION(c, m.oauth2.refresh_before_ms, "oauth2.refresh_before",                \
		.dflt = "300s", .min = 0, .max = 86400000,                                     \
		.help = "A token is fetched anew that long before its end, but not before "    \
			"three quarters of its life."),                                        \
	    OW_DURATION(c, m.oauth2.timeout_ms, "oauth2.timeout", .dflt = "10s", .min = 1,     \
		.max = 600000, .help = "Time for one request to the endpoint."),               \
	    OW_TLS_OPTIONS_AT(c, m.oauth2.tls, "oauth2."),                                     \
	    OW_SECRET(c, m.bearer, "bearer",                                                   \
		.help = "A token that never changes, sent as `Authorization: Bearer`."),       \
	    OW_STRING(                                                                         \
		c, m.basic_user, "basic.user", .help = "User of `Authorization: Basic`."),     \
	    OW_SECRET(c, m.basic_password, "basic.password", .help = "Its password."),         \
	    OW_STRING(c, m.header_name, "header.name",                                         \
		.help = "A header that shows who we are, such as X-API-Key."),                 \
	    OW_SECRET(c, m.header_value, "header.value", .help = "Its value."),                \
	    OW_SECRET(c, m.hmac.secret, "hmac.secret",                                         \
		.help = "Key that each body is signed with."),                                 \
	    OW_STRING(c, m.hmac.header, "hmac.header",                                         \
		.help = "Header that carries the signature, such as X-Hub-Signature-256."),    \
	    OW_ENUM(c, m.hmac.algorithm, "hmac.algorithm", .dflt = "sha256",                   \
		.choices = signature_algorithm_choices, .help = "Hash of the signature."),     \
	    OW_ENUM(c, m.hmac.encoding, "hmac.encoding", .dflt = "hex",                        \
		.choices = signature_encoding_choices,                                         \
		.help = "How the signature is written."),                                      \
	    OW_STRING(c, m.hmac.prefix, "hmac.prefix", .dflt = "",                             \
		.help = "What stands before the signature, such as `sha256=`."),               \
	    OW_SECRET(c, m.standard_webhooks_secret, "standard_webhooks.secret",               \
		.help = "Key `whsec_...` to sign each request with, as Standard Webhooks has " \
			"it."),                                                                \
	    OW_STRING(c, m.sigv4.service, "sigv4.service",                                     \
		.help = "AWS service that requests are signed for (Signature Version 4), "     \
			"such as `execute-api`, `lambda` or `s3`."),                           \
	    OW_STRING(c, m.sigv4.region, "sigv4.region",                                       \
		.help = "Its region; without it, AWS_REGION, AWS_DEFAULT_REGION or the "       \
			"profile's."),                                                         \
	    AWS_IDENTITY_OPTIONS(c, m.sigv4.identity, "sigv4.")

/* Whose headers are taken: no two may write the same one. Borrowed. */
struct outbound_taken {
	const struct ow_pairs *headers; /* of the plugin's option `headers` */
	const char *const *own;		/* that the plugin writes itself; ends with NULL */
};

/* Rules across those options, for a component's check(). No complaint shows a secret. */
void outbound_options_check(const struct outbound_options *options,
    const struct outbound_taken *taken, const struct ow_report *report);

#endif
