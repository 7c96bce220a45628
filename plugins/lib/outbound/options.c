#define OW_NEED_MINOR 1 /* given() */
#include "lib/outbound/options.h"

#include <string.h>
#include <strings.h>

#include "lib/field_text.h"
#include "lib/tls_check.h"
#include "lib/whsec.h"

const char *const outbound_schemes[] = {"http", "https", NULL};
const char *const outbound_style_choices[] = {"form", "json", NULL};
const char *const outbound_client_auth_choices[] = {"body", "basic", NULL};

/* ---- groups: all of one, or none ---- */

/* An option that does nothing without another, or that another does not do without. */
static const struct part {
	const char *option, *head;
	bool required;
} parts[] = {
    {"oauth2.client_id", "oauth2.token_url", true},
    {"oauth2.client_secret", "oauth2.token_url", true},
    {"oauth2.scope", "oauth2.token_url", false},
    {"oauth2.audience", "oauth2.token_url", false},
    {"oauth2.style", "oauth2.token_url", false},
    {"oauth2.client_auth", "oauth2.token_url", false},
    {"oauth2.refresh_before", "oauth2.token_url", false},
    {"oauth2.timeout", "oauth2.token_url", false},
    {"oauth2.tls.ca", "oauth2.token_url", false},
    {"oauth2.tls.certificate", "oauth2.token_url", false},
    {"oauth2.tls.key", "oauth2.token_url", false},
    {"oauth2.tls.server_name", "oauth2.token_url", false},
    {"oauth2.tls.min_version", "oauth2.token_url", false},
    {"basic.password", "basic.user", true},
    {"header.value", "header.name", true},
    {"hmac.header", "hmac.secret", true},
    {"hmac.algorithm", "hmac.secret", false},
    {"hmac.encoding", "hmac.secret", false},
    {"hmac.prefix", "hmac.secret", false},
    {"sigv4.region", "sigv4.service", false},
    {"sigv4.access_key_id", "sigv4.service", false},
    {"sigv4.secret_access_key", "sigv4.service", false},
    {"sigv4.session_token", "sigv4.service", false},
    {"sigv4.profile", "sigv4.service", false},
    {"sigv4.role_arn", "sigv4.service", false},
    {"sigv4.role_session_name", "sigv4.service", false},
    {"sigv4.web_identity_token_file", "sigv4.service", false},
};

/* Half a group would send requests without credentials while the file has some. */
static void check_part(const struct part *part, const struct ow_report *report)
{
	bool given = report->given(report, part->option);
	bool head = report->given(report, part->head);
	if (given && !head)
		report->complain(
		    report, part->option, "does nothing without %s: add it", part->head);
	else if (head && !given && part->required)
		report->complain(report, part->head, "needs %s: add it", part->option);
}

/* ---- one header, one writer ---- */

static bool among(const struct ow_pairs *headers, const char *name)
{
	for (size_t i = 0; i < headers->count; i++)
		if (strcasecmp(headers->names[i], name) == 0)
			return true;
	return false;
}

/* Who writes Authorization: at most one. */
static const char *check_authorization(
    const struct ow_pairs *headers, const struct ow_report *report)
{
	static const char *const writers[] = {
	    "oauth2.token_url", "bearer", "basic.user", "sigv4.service"};
	const char *first = NULL;
	for (size_t i = 0; i < sizeof(writers) / sizeof(*writers); i++) {
		if (!report->given(report, writers[i]))
			continue;
		if (first)
			report->complain(report, writers[i],
			    "and %s both write the header Authorization: remove one of them",
			    first);
		else
			first = writers[i];
	}
	if (first && among(headers, "Authorization"))
		report->complain(report, "headers",
		    "`Authorization` is written by %s: remove one of them", first);
	return first;
}

static bool is_own(const struct outbound_taken *taken, const char *name)
{
	for (const char *const *own = taken->own; *own; own++)
		if (strcasecmp(*own, name) == 0)
			return true;
	return field_is_reserved(name);
}

static void check_named(const char *option, const char *name,
    const struct outbound_taken *taken, const struct ow_report *report)
{
	if (!name)
		return;
	if (!field_is_name(name))
		report->complain(report, option, "`%s` is not a header name", name);
	else if (is_own(taken, name))
		report->complain(report, option,
		    "`%s` is written by onceway itself: use another header", name);
	else if (among(taken->headers, name))
		report->complain(
		    report, option, "`%s` stands in headers too: remove one of them", name);
}

static void check_headers(const struct outbound_options *o, const struct outbound_taken *taken,
    const struct ow_report *report)
{
	const struct ow_pairs *headers = taken->headers;
	static const char *const standard[] = {
	    "webhook-id", "webhook-timestamp", "webhook-signature"};
	const char *writer = check_authorization(headers, report);
	check_named("header.name", o->header_name, taken, report);
	check_named("hmac.header", o->hmac.header, taken, report);
	if (o->header_name && writer && strcasecmp(o->header_name, "Authorization") == 0)
		report->complain(report, "header.name",
		    "`Authorization` is written by %s: remove one of them", writer);
	if (o->header_name && o->hmac.header && strcasecmp(o->header_name, o->hmac.header) == 0)
		report->complain(report, "hmac.header",
		    "`%s` is header.name too: they need a header each", o->hmac.header);
	for (size_t i = 0; o->standard_webhooks_secret && i < 3; i++)
		if (among(headers, standard[i]))
			report->complain(report, "headers",
			    "`%s` is written by standard_webhooks: remove it", standard[i]);
}

/* ---- values ---- */

static void check_value(const char *option, const char *value, const struct ow_report *report)
{
	if (value && !field_is_value(value))
		report->complain(report, option,
		    "cannot be sent: it has a line break, another control character or a "
		    "space at an end");
}

static bool is_region(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static void check_values(const struct outbound_options *o, const struct ow_report *report)
{
	unsigned char key[WHSEC_KEY_MAX];
	check_value("bearer", o->bearer, report);
	check_value("header.value", o->header_value, report);
	check_value("oauth2.client_id", o->oauth2.client_id, report);
	check_value("oauth2.client_secret", o->oauth2.client_secret, report);
	/* RFC 7617, 2: what stands before the first colon is the user. */
	if (o->basic_user && (strchr(o->basic_user, ':') || field_has_control(o->basic_user)))
		report->complain(report, "basic.user",
		    "must have no colon, line break or other control character");
	if (o->basic_password && field_has_control(o->basic_password))
		report->complain(report, "basic.password",
		    "must have no line break or other control character");
	if (field_has_control(o->hmac.prefix) || o->hmac.prefix[0] == ' ')
		report->complain(report, "hmac.prefix",
		    "cannot be sent: it has a control character, or begins with a space");
	if (o->standard_webhooks_secret &&
	    whsec_read(o->standard_webhooks_secret, key) < WHSEC_KEY_MIN)
		report->complain(report, "standard_webhooks.secret",
		    "must be `whsec_` and the base64 of 24 bytes or more, as the receiver "
		    "shows it");
	if (o->sigv4.service && !is_region(o->sigv4.service))
		report->complain(report, "sigv4.service",
		    "`%s` is not the name that a service signs with, such as execute-api",
		    o->sigv4.service);
	if (o->sigv4.region && !is_region(o->sigv4.region))
		report->complain(report, "sigv4.region",
		    "`%s` is not a region: give a name such as eu-central-1", o->sigv4.region);
}

void outbound_options_check(const struct outbound_options *options,
    const struct outbound_taken *taken, const struct ow_report *report)
{
	const struct outbound_oauth2 *oauth2 = &options->oauth2;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		check_part(&parts[i], report);
	check_headers(options, taken, report);
	check_values(options, report);
	if (oauth2->token_url)
		tls_options_check_at(&oauth2->tls, "oauth2.",
		    strncasecmp(oauth2->token_url, "https:", 6) == 0, "http://", "https://",
		    report);
	if (options->sigv4.service)
		aws_identity_check(&options->sigv4.identity, "sigv4.", report);
}
