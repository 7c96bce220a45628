/*
 * The files that AWS' tools and SDKs share: ~/.aws/credentials and
 * ~/.aws/config, or those named by AWS_SHARED_CREDENTIALS_FILE and
 * AWS_CONFIG_FILE. Where both have a value, that of the credentials file counts.
 */
#ifndef LIB_AWS_PROFILE_FILE_H
#define LIB_AWS_PROFILE_FILE_H

#include "lib/draft.h"

struct aws_profile {
	const char *name; /* borrowed from where it was given; static */
	bool chosen;	  /* it, or a file, was asked for by name */
	bool exists;	  /* a file has it */
	/* Owned; NULL: not there. */
	char *access_key_id, *secret_access_key, *session_token;
	char *region;
	char *role_arn, *role_session_name, *web_identity_token_file;
	const char *other; /* a key by which other SDKs get credentials; static; NULL: none */
};

/*
 * Reads the profile of that name; NULL: the one in AWS_PROFILE, or `default`.
 * why gets which files could not be read, and why not; NULL: not wanted. Free
 * with aws_profile_fini().
 */
void aws_profile_read(const char *name, struct aws_profile *profile, struct draft *why);
void aws_profile_fini(struct aws_profile *profile);

/* Adds what one file says of profile->name. A `config` file writes [profile NAME]. */
void aws_profile_parse(struct aws_profile *profile, struct ow_text file, bool config);

#endif
