#include "lib/auth_options.h"

#include <string.h>

#include "lib/field_text.h"
#include "lib/whsec.h"

const char *const auth_mode_choices[] = {
    "none", "bearer", "basic", "header", "hmac", "standard_webhooks", NULL};

/* ---- which mode uses what ---- */

#define MODE(mode) (1u << (mode))

static const struct use {
	const char *option;
	unsigned modes; /* MODE() of those that use it */
	bool required;	/* by these */
} uses[] = {
    {"auth.secrets",
	MODE(AUTH_BEARER) | MODE(AUTH_BASIC) | MODE(AUTH_HEADER) | MODE(AUTH_HMAC) |
	    MODE(AUTH_STANDARD_WEBHOOKS),
	true},
    {"auth.header", MODE(AUTH_HEADER) | MODE(AUTH_HMAC), true},
    {"auth.algorithm", MODE(AUTH_HMAC), false},
    {"auth.encoding", MODE(AUTH_HMAC), false},
    {"auth.prefix", MODE(AUTH_HMAC), false},
    {"auth.tolerance", MODE(AUTH_STANDARD_WEBHOOKS), false},
};

/*
 * An option that does nothing is a mistake here, never a trifle: without its
 * mode, secrets leave the door open while the file says it is locked.
 */
static void check_use(
    const struct auth_conf *conf, const struct ow_report *report, const struct use *use)
{
	const char *mode = auth_mode_choices[conf->mode];
	bool used = use->modes & MODE(conf->mode);
	bool given = report->given(report, use->option);
	if (!used && given && conf->mode == AUTH_NONE)
		report->complain(report, use->option,
		    "does nothing without a mode: say which with `auth: {mode: ...}`, or "
		    "remove it");
	else if (!used && given)
		report->complain(
		    report, use->option, "is not used in mode `%s`: remove it", mode);
	else if (used && use->required && !given)
		report->complain(report, use->option, "is missing: mode `%s` needs it", mode);
}

/* ---- what the values may be ---- */

/* NULL, or what is wrong with a secret of that mode. */
static const char *problem_of(int mode, const char *secret)
{
	unsigned char key[WHSEC_KEY_MAX];
	const char *colon = strchr(secret, ':');
	if (mode == AUTH_STANDARD_WEBHOOKS && whsec_read(secret, key) < WHSEC_KEY_MIN)
		return "must be `whsec_` and the base64 of 24 bytes or more, as the sender "
		       "shows it";
	if (mode == AUTH_BASIC && (!colon || colon == secret || colon[1] == '\0'))
		return "must be `user:password`";
	/* RFC 7617 section 2; spaces are fine, they are not sent as such. */
	if (mode == AUTH_BASIC)
		return field_has_control(secret)
			   ? "has a line break or another control character"
			   : NULL;
	if ((mode == AUTH_BEARER || mode == AUTH_HEADER) && !field_is_value(secret))
		return "can never be received: it has a line break, another control "
		       "character, or a space at an end";
	return NULL;
}

void auth_options_check(const struct auth_conf *conf, const struct ow_report *report)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		check_use(conf, report, &uses[i]);
	for (size_t i = 0; i < conf->secrets.count; i++) {
		const char *problem = problem_of(conf->mode, conf->secrets.items[i]);
		if (problem)
			report->complain(
			    report, "auth.secrets", "is a list: item %zu %s", i + 1, problem);
	}
	if (conf->header && !field_is_name(conf->header))
		report->complain(
		    report, "auth.header", "`%s` is not a header name", conf->header);
	/* A space at its end is one inside of the value: `HMAC <signature>`. */
	if (field_has_control(conf->prefix) || conf->prefix[0] == ' ')
		report->complain(report, "auth.prefix",
		    "can never be received: it has a control character, or begins with a "
		    "space");
}
