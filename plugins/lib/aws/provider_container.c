/* The address that a container is told of: ECS, EKS Pod Identity, Greengrass. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/aws/attempt.h"
#include "lib/aws/credential_answer.h"
#include "lib/aws/small_file.h"

#define CONNECT_MS 2000
#define TOTAL_MS   5000
#define ECS_AGENT  "http://169.254.170.2"

static const char *some(const char *text)
{
	return text && text[0] ? text : NULL;
}

/*
 * Without TLS the token and the credentials go to this machine, or to the
 * addresses that AWS has for it, and nowhere else.
 */
static bool is_local(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127 || strcmp(host, "169.254.170.2") == 0 ||
		       strcmp(host, "169.254.170.23") == 0;
	return inet_pton(AF_INET6, host, &v6) == 1 &&
	       (IN6_IS_ADDR_LOOPBACK(&v6) || strcasecmp(host, "fd00:ec2::23") == 0);
}

static bool is_allowed(const char *url)
{
	char host[256];
	if (strncasecmp(url, "https://", 8) == 0)
		return true;
	if (strncasecmp(url, "http://", 7) != 0)
		return false;
	const char *begin = url + 7 + (url[7] == '[');
	size_t len = strcspn(begin, url[7] == '[' ? "]/?#" : ":/?#");
	if (len >= sizeof(host))
		return false;
	memcpy(host, begin, len);
	host[len] = '\0';
	return is_local(host);
}

static enum aws_step on_answer(struct aws_attempt *attempt, const struct aws_fetched *fetched)
{
	const char *why = fetched->problem;
	if (!why && fetched->status != 200)
		return aws_attempt_broken(attempt, "the endpoint answered %d", fetched->status);
	if (!why)
		why = aws_answer_of_json(fetched->body, &attempt->found);
	return why ? aws_attempt_broken(attempt, "%s", why) : AWS_FOUND;
}

/* Adds the value of Authorization; nothing if there is to be none. NULL, or a phrase. */
static const char *read_token(struct draft *out)
{
	const char *file = some(getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
	const char *token = some(getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
	const char *why = file ? small_file_read(file, out) : NULL;
	if (why)
		return why;
	if (!file && token)
		draft_string(out, token);
	while (out->len && strchr(" \t\r\n", out->data[out->len - 1]))
		out->data[--out->len] = '\0';
	if (out->len != strlen(draft_text(out)) || strpbrk(draft_text(out), "\r\n"))
		return "it has a line break or a NUL";
	return NULL;
}

static enum aws_step ask_url(struct aws_attempt *attempt, const char *url)
{
	struct draft token = DRAFT_EMPTY;
	const char *why = read_token(&token);
	enum aws_step step;
	if (!is_allowed(url))
		step = aws_attempt_broken(attempt,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to this "
		    "machine: a loopback address, 169.254.170.2, 169.254.170.23 or "
		    "fd00:ec2::23");
	else if (why)
		step = aws_attempt_broken(attempt, "authorization token: %s", why);
	else
		step = aws_attempt_fetch(attempt,
		    &(struct aws_fetch_request){.url = url,
			.method = "GET",
			.header = token.len ? "Authorization" : NULL,
			.value = draft_text(&token),
			.connect_ms = CONNECT_MS,
			.total_ms = TOTAL_MS},
		    on_answer);
	draft_free(&token);
	return step;
}

static enum aws_step ask_container(struct aws_attempt *attempt)
{
	const char *relative = some(getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"));
	const char *full = some(getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
	struct draft url = DRAFT_EMPTY;
	enum aws_step step;
	if (!relative && !full)
		return aws_attempt_nothing(attempt,
		    "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
	if (relative && relative[0] != '/')
		return aws_attempt_broken(
		    attempt, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
	if (relative)
		draft_printf(&url, ECS_AGENT "%s", relative);
	else
		draft_string(&url, full);
	step = ask_url(attempt, url.data);
	draft_free(&url);
	return step;
}

const struct aws_provider aws_provider_container = {"container", ask_container};
