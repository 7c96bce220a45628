/* Credentials that stand somewhere as they are: in the options, in the environment. */
#include <stdlib.h>
#include <string.h>

#include "lib/aws/attempt.h"

static const char *some(const char *text)
{
	return text && text[0] ? text : NULL;
}

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, s ? strlen(s) : 0};
}

static enum aws_step given(
    struct aws_attempt *attempt, const char *id, const char *secret, const char *token)
{
	aws_found_set(&attempt->found, text_of(id), text_of(secret), text_of(token), 0);
	return AWS_FOUND;
}

/* Which of them go together, the component's check() has looked at. */
static enum aws_step ask_options(struct aws_attempt *attempt)
{
	const struct aws_identity *o = attempt->seeker->identity;
	if (!some(o->access_key_id))
		return aws_attempt_nothing(attempt, "access_key_id is not set");
	return given(attempt, o->access_key_id, o->secret_access_key, o->session_token);
}

static enum aws_step ask_environment(struct aws_attempt *attempt)
{
	const struct aws_identity *o = attempt->seeker->identity;
	const char *id = some(getenv("AWS_ACCESS_KEY_ID"));
	const char *secret = some(getenv("AWS_SECRET_ACCESS_KEY"));
	if (o->profile || o->web_identity_token_file)
		return aws_attempt_nothing(attempt, "not asked, for the options say who to be");
	if (!id && !secret)
		return aws_attempt_nothing(attempt, "AWS_ACCESS_KEY_ID is not set");
	if (!id || !secret)
		return aws_attempt_broken(attempt, "%s is set, but %s is not",
		    id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		    id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	return given(attempt, id, secret, getenv("AWS_SESSION_TOKEN"));
}

const struct aws_provider aws_provider_options = {"options", ask_options};
const struct aws_provider aws_provider_environment = {"environment", ask_environment};
