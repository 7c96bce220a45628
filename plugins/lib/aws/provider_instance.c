/*
 * The role of the EC2 instance, from its metadata service, version 2: a token
 * first, then the role's name, then its credentials.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/aws/attempt.h"
#include "lib/aws/credential_answer.h"

#define CONNECT_MS    1000
#define TOTAL_MS      2000
#define TOKEN_SECONDS "21600"
#define ROLES	      "/latest/meta-data/iam/security-credentials/"
#define ROLE_MAX      128

static const char *some(const char *text)
{
	return text && text[0] ? text : NULL;
}

static bool is(const char *variable, const char *word)
{
	const char *value = getenv(variable);
	return value && strcasecmp(value, word) == 0;
}

static const char *base_url(void)
{
	const char *given = some(getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
	if (given)
		return given;
	return is("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6") ? "http://[fd00:ec2::254]"
								    : "http://169.254.169.254";
}

static enum aws_step request(struct aws_attempt *attempt, const char *method, const char *path,
    const char *name, const char *header, const char *value, aws_provider_fetched *fn)
{
	struct draft url = DRAFT_EMPTY;
	draft_string(&url, base_url());
	while (url.len && url.data[url.len - 1] == '/')
		url.data[--url.len] = '\0';
	draft_printf(&url, "%s%s", path, name);
	enum aws_step step = aws_attempt_fetch(attempt,
	    &(struct aws_fetch_request){.url = url.data,
		.method = method,
		.header = header,
		.value = value,
		.connect_ms = CONNECT_MS,
		.total_ms = TOTAL_MS},
	    fn);
	draft_free(&url);
	return step;
}

static enum aws_step get(
    struct aws_attempt *attempt, const char *name, aws_provider_fetched *fn)
{
	return request(attempt, "GET", ROLES, name, "X-aws-ec2-metadata-token",
	    draft_text(&attempt->note), fn);
}

static enum aws_step refused(
    struct aws_attempt *attempt, const struct aws_fetched *fetched, const char *what)
{
	if (fetched->problem)
		return aws_attempt_broken(attempt, "%s: %s", what, fetched->problem);
	return aws_attempt_broken(
	    attempt, "%s: the metadata service answered %d", what, fetched->status);
}

static enum aws_step on_credentials(
    struct aws_attempt *attempt, const struct aws_fetched *fetched)
{
	if (fetched->problem || fetched->status != 200)
		return refused(attempt, fetched, "the role's credentials");
	const char *why = aws_answer_of_json(fetched->body, &attempt->found);
	return why ? aws_attempt_broken(attempt, "%s", why) : AWS_FOUND;
}

static enum aws_step on_role(struct aws_attempt *attempt, const struct aws_fetched *fetched)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+=,.@_-";
	char role[ROLE_MAX + 1] = "";
	size_t len = 0;
	if (!fetched->problem && fetched->status == 404)
		return aws_attempt_nothing(attempt, "the instance has no role");
	if (fetched->problem || fetched->status != 200)
		return refused(attempt, fetched, "the role's name");
	while (len < fetched->body.len && len < ROLE_MAX && fetched->body.data[len] &&
	       strchr(allowed, fetched->body.data[len]))
		len++;
	if (len)
		memcpy(role, fetched->body.data, len);
	if (!len || (len < fetched->body.len && !strchr("\r\n", fetched->body.data[len])))
		return aws_attempt_broken(attempt, "what was answered is not a role's name");
	return get(attempt, role, on_credentials);
}

static bool is_header_value(struct ow_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return text.len > 0;
}

static enum aws_step on_token(struct aws_attempt *attempt, const struct aws_fetched *fetched)
{
	if (fetched->problem)
		return aws_attempt_nothing(attempt, "%s", fetched->problem);
	if (fetched->status != 200)
		return refused(attempt, fetched, "the session token (IMDSv2)");
	if (!is_header_value(fetched->body))
		return aws_attempt_broken(attempt, "what was answered is not a token");
	draft_clear(&attempt->note);
	draft_add(&attempt->note, fetched->body);
	return get(attempt, "", on_role);
}

static enum aws_step ask_instance(struct aws_attempt *attempt)
{
	if (is("AWS_EC2_METADATA_DISABLED", "true"))
		return aws_attempt_nothing(attempt, "AWS_EC2_METADATA_DISABLED is set");
	return request(attempt, "PUT", "/latest/api/token", "",
	    "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS, on_token);
}

const struct aws_provider aws_provider_instance = {"instance", ask_instance};
