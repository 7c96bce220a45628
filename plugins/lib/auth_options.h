/* How a source is told to recognise its senders: the options `auth.*` and their rules. */
#ifndef LIB_AUTH_OPTIONS_H
#define LIB_AUTH_OPTIONS_H

#include <onceway/plugin.h>

#include "lib/signature.h"

enum auth_mode {
	AUTH_NONE = 0,
	AUTH_BEARER,
	AUTH_BASIC,
	AUTH_HEADER,
	AUTH_HMAC,
	AUTH_STANDARD_WEBHOOKS
};

/* Each is one code to compute per request, over a body that a stranger may have sent. */
#define AUTH_SECRETS_MAX 16

struct auth_conf {
	int mode; /* enum auth_mode */
	struct ow_list secrets;
	const char *header;
	int algorithm; /* enum hmac_algorithm */
	int encoding;  /* enum signature_encoding */
	const char *prefix;
	int64_t tolerance_ms;
};

extern const char *const auth_mode_choices[];

/* The entries of an option table whose struct `conf` has a member `struct auth_conf auth`. */
#define AUTH_OPTIONS(conf)                                                                     \
	OW_ENUM(conf, auth.mode, "auth.mode", .dflt = "none", .choices = auth_mode_choices,    \
	    .help =                                                                            \
		"How a sender shows who it is; what does not match is answered with 401."),    \
	    OW_LIST(conf, auth.secrets, "auth.secrets", .flags = OW_O_SECRET, .min = 1,        \
		.max = AUTH_SECRETS_MAX,                                                       \
		.help = "Any one of these is accepted, so that they can be changed one by "    \
			"one: tokens (`bearer`), `user:password` (`basic`), values "           \
			"(`header`), keys (`hmac`), `whsec_...` (`standard_webhooks`)."),      \
	    OW_STRING(conf, auth.header, "auth.header",                                        \
		.help = "Header that has the value (`header`) or the signature (`hmac`)."),    \
	    OW_ENUM(conf, auth.algorithm, "auth.algorithm", .dflt = "sha256",                  \
		.choices = signature_algorithm_choices,                                        \
		.help = "Hash of the signature (`hmac`)."),                                    \
	    OW_ENUM(conf, auth.encoding, "auth.encoding", .dflt = "hex",                       \
		.choices = signature_encoding_choices,                                         \
		.help = "How the signature is written (`hmac`)."),                             \
	    OW_STRING(conf, auth.prefix, "auth.prefix", .dflt = "",                            \
		.help = "What stands before the signature, such as `sha256=` (`hmac`)."),      \
	    OW_DURATION(conf, auth.tolerance_ms, "auth.tolerance", .dflt = "5m", .min = 1000,  \
		.max = 86400000,                                                               \
		.help = "How far a request's time of signing may be from now, either way "     \
			"(`standard_webhooks`).")

/* Rules across the options. No complaint shows a secret. */
void auth_options_check(const struct auth_conf *conf, const struct ow_report *report);

#endif
