/*
 * The options that every plugin which speaks to AWS has: where to, and as whom.
 * What is left out is looked for where AWS' own SDKs look; see doc/aws.md.
 */
#ifndef LIB_AWS_OPTIONS_H
#define LIB_AWS_OPTIONS_H

#include <onceway/plugin.h>

/* As whom. All NULL: as the environment, the profile or the machine says. */
struct aws_identity {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *profile;
	const char *role_arn;
	const char *role_session_name;
	const char *web_identity_token_file;
};

/* Where to. */
struct aws_place {
	const char *region;   /* NULL: from the environment or the profile */
	const char *endpoint; /* NULL: the region's */
	bool fips;
};

/*
 * For the option table; `m` is a struct aws_identity, p what stands before the
 * names: "" or "sigv4.".
 */
#define AWS_IDENTITY_OPTIONS(c, m, p)                                                          \
	OW_STRING(c, m.access_key_id, p "access_key_id", .flags = OW_O_SECRET,                 \
	    .help = "AWS access key; without it, credentials are looked for where AWS' SDKs "  \
		    "look: environment, web identity, profile, container, instance."),         \
	    OW_SECRET(c, m.secret_access_key, p "secret_access_key",                           \
		.help = "Secret of access_key_id."),                                           \
	    OW_SECRET(c, m.session_token, p "session_token",                                   \
		.help = "Session token of access_key_id, if it is a temporary one."),          \
	    OW_STRING(c, m.profile, p "profile",                                               \
		.help = "Profile of the AWS credentials and config files, instead of the "     \
			"one in AWS_PROFILE."),                                                \
	    OW_STRING(c, m.role_arn, p "role_arn",                                             \
		.help = "Role to take on with a web identity token, instead of the one in "    \
			"AWS_ROLE_ARN."),                                                      \
	    OW_STRING(c, m.role_session_name, p "role_session_name",                           \
		.help = "Name of that role's session, as CloudTrail shows it; `onceway` if "   \
			"AWS_ROLE_SESSION_NAME has none either."),                             \
	    OW_STRING(c, m.web_identity_token_file, p "web_identity_token_file",               \
		.help = "File with the web identity token, read anew for each refresh, "       \
			"instead of the one in AWS_WEB_IDENTITY_TOKEN_FILE.")

/* For the option table of a plugin that calls an AWS service; `m` is a struct aws_place. */
#define AWS_PLACE_CHOICES static const char *const aws_schemes[] = {"https", "http", NULL}

#define AWS_PLACE_OPTIONS(c, m)                                                                \
	OW_STRING(c, m.region, "region",                                                       \
	    .help = "AWS region, such as eu-central-1; without it, AWS_REGION, "               \
		    "AWS_DEFAULT_REGION or the profile's."),                                   \
	    OW_URL(c, m.endpoint, "endpoint", .choices = aws_schemes,                          \
		.help = "URL to call instead of the region's public endpoint: a VPC "          \
			"endpoint or an emulator."),                                           \
	    OW_BOOL(c, m.fips, "fips", .dflt = "false",                                        \
		.help = "Call the region's FIPS 140 endpoint.")

/* Rules across those options, for a component's check(). p as above. */
void aws_identity_check(
    const struct aws_identity *identity, const char *p, const struct ow_report *report);
void aws_place_check(const struct aws_place *place, const struct ow_report *report);

#endif
