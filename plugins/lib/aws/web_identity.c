#include "lib/aws/web_identity.h"

#include <stdlib.h>
#include <string.h>

#include "lib/aws/credential_answer.h"
#include "lib/aws/endpoint.h"
#include "lib/aws/small_file.h"
#include "lib/uri.h"

#define CONNECT_MS 3000
#define TOTAL_MS   10000

static const char *some(const char *text)
{
	return text && text[0] ? text : NULL;
}

static enum aws_step on_sts(struct aws_attempt *attempt, const struct aws_fetched *fetched)
{
	struct draft error = DRAFT_EMPTY;
	enum aws_step step = AWS_FOUND;
	const char *why = NULL;
	if (fetched->problem) {
		step = aws_attempt_broken(attempt, "STS: %s", fetched->problem);
	} else if (fetched->status != 200) {
		aws_error_of_sts(fetched->body, &error);
		step = aws_attempt_broken(
		    attempt, "STS answered %d %s", fetched->status, draft_text(&error));
	} else if ((why = aws_answer_of_sts(fetched->body, &attempt->found))) {
		step = aws_attempt_broken(attempt, "STS: %s", why);
	}
	draft_free(&error);
	return step;
}

static void add_field(struct draft *body, const char *name, struct ow_text value)
{
	draft_printf(body, "&%s=", name);
	uri_escape(body, value);
}

static enum aws_step ask_sts(
    struct aws_attempt *attempt, const struct aws_web_identity *identity, struct ow_text token)
{
	const char *name = some(identity->session_name);
	const char *given = aws_endpoint_given(NULL, "sts");
	struct draft url = DRAFT_EMPTY, body = DRAFT_EMPTY;
	if (given)
		draft_string(&url, given);
	else
		aws_endpoint_write(&url, "sts", attempt->seeker->region, attempt->seeker->fips);
	name = name ? name : "onceway";
	draft_string(&body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
	add_field(
	    &body, "RoleArn", (struct ow_text){identity->role_arn, strlen(identity->role_arn)});
	add_field(&body, "RoleSessionName", (struct ow_text){name, strlen(name)});
	add_field(&body, "WebIdentityToken", token);
	enum aws_step step = aws_attempt_fetch(attempt,
	    &(struct aws_fetch_request){.url = url.data,
		.method = "POST",
		.content_type = "application/x-www-form-urlencoded",
		.body = {body.data, body.len},
		.connect_ms = CONNECT_MS,
		.total_ms = TOTAL_MS},
	    on_sts);
	draft_free(&url);
	draft_free(&body);
	return step;
}

enum aws_step aws_web_identity_ask(
    struct aws_attempt *attempt, const struct aws_web_identity *identity)
{
	struct draft token = DRAFT_EMPTY;
	enum aws_step step;
	if (!some(identity->role_arn))
		return aws_attempt_broken(attempt,
		    "there is a token file, but no role: set role_arn or AWS_ROLE_ARN");
	const char *why = small_file_read(identity->token_file, &token);
	while (token.len && strchr(" \t\r\n", token.data[token.len - 1]))
		token.data[--token.len] = '\0';
	if (why || !token.len)
		step = aws_attempt_broken(
		    attempt, "token file %s: %s", identity->token_file, why ? why : "is empty");
	else
		step = ask_sts(attempt, identity, (struct ow_text){token.data, token.len});
	draft_free(&token);
	return step;
}

static enum aws_step ask_web_identity(struct aws_attempt *attempt)
{
	const struct aws_identity *o = attempt->seeker->identity;
	const char *file = some(o->web_identity_token_file);
	const char *role = some(o->role_arn), *name = some(o->role_session_name);
	if (o->profile)
		return aws_attempt_nothing(attempt, "not asked, for `profile` is set");
	file = file ? file : some(getenv("AWS_WEB_IDENTITY_TOKEN_FILE"));
	if (!file && role)
		return aws_attempt_broken(attempt,
		    "role_arn is set, but there is no token: set web_identity_token_file or "
		    "AWS_WEB_IDENTITY_TOKEN_FILE");
	if (!file)
		return aws_attempt_nothing(attempt, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	return aws_web_identity_ask(
	    attempt, &(struct aws_web_identity){.token_file = file,
			 .role_arn = role ? role : getenv("AWS_ROLE_ARN"),
			 .session_name = name ? name : getenv("AWS_ROLE_SESSION_NAME")});
}

const struct aws_provider aws_provider_web_identity = {"web identity", ask_web_identity};
