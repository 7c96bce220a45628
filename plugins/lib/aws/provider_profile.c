/* The profile in the files that AWS' tools share. */
#include <string.h>

#include "lib/aws/attempt.h"
#include "lib/aws/profile_file.h"
#include "lib/aws/web_identity.h"

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, s ? strlen(s) : 0};
}

static enum aws_step use(
    struct aws_attempt *attempt, const struct aws_profile *p, const char *unread)
{
	if (p->web_identity_token_file)
		return aws_web_identity_ask(attempt,
		    &(struct aws_web_identity){.token_file = p->web_identity_token_file,
			.role_arn = p->role_arn,
			.session_name = p->role_session_name});
	if (p->role_arn || (p->other && !p->access_key_id))
		return aws_attempt_broken(attempt,
		    "profile `%s` gets its credentials by %s, which is not supported: give it "
		    "keys, or a web_identity_token_file with its role_arn",
		    p->name, p->other ? p->other : "role_arn alone");
	if (!p->access_key_id && !p->secret_access_key)
		return aws_attempt_nothing(
		    attempt, "profile `%s` has no credentials%s", p->name, unread);
	if (!p->access_key_id || !p->secret_access_key)
		return aws_attempt_broken(attempt, "profile `%s` has no %s", p->name,
		    p->access_key_id ? "aws_secret_access_key" : "aws_access_key_id");
	aws_found_set(&attempt->found, text_of(p->access_key_id), text_of(p->secret_access_key),
	    text_of(p->session_token), 0);
	return AWS_FOUND;
}

static enum aws_step ask_profile(struct aws_attempt *attempt)
{
	struct aws_profile profile;
	struct draft why = DRAFT_EMPTY, unread = DRAFT_EMPTY;
	enum aws_step step;
	aws_profile_read(attempt->seeker->identity->profile, &profile, &why);
	if (why.len)
		draft_printf(&unread, " (%s)", why.data);
	if (profile.exists)
		step = use(attempt, &profile, draft_text(&unread));
	else
		step = (profile.chosen ? aws_attempt_broken : aws_attempt_nothing)(
		    attempt, "there is no profile `%s`%s", profile.name, draft_text(&unread));
	aws_profile_fini(&profile);
	draft_free(&why);
	draft_free(&unread);
	return step;
}

const struct aws_provider aws_provider_profile = {"profile", ask_profile};
