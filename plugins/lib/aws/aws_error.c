#include "lib/aws/aws_error.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX 65536 /* a longer one is no error document */

static const char *const throttled[] = {"Throttling", "ThrottlingException",
    "ThrottledException", "RequestThrottledException", "RequestThrottled",
    "TooManyRequestsException", "ProvisionedThroughputExceededException",
    "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown",
    "PriorRequestNotComplete", "TransactionInProgressException", "EC2ThrottledException",
    "OverLimit", "KmsThrottled", NULL};

static const char *const transient[] = {"RequestTimeout", "RequestTimeoutException",
    "InternalError", "InternalFailure", "InternalServerError", "InternalServerException",
    "ServiceUnavailable", "ServiceUnavailableException", NULL};

static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException", NULL};

static const char *const signature[] = {"RequestTimeTooSkewed", "RequestExpired",
    "RequestInTheFuture", "InvalidSignatureException", "SignatureDoesNotMatch", NULL};

static const char *const denied[] = {"AccessDenied", "AccessDeniedException",
    "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
    "InvalidSecurityToken", "KmsAccessDenied", "KmsDisabled", "KmsInvalidKeyUsage",
    "KmsInvalidState", "KmsNotFound", "KmsOptInRequired", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired",
    "UnauthorizedOperation", "UnrecognizedClientException", NULL};

static bool among(const char *const *codes, const char *code)
{
	for (; *codes; codes++)
		if (strcmp(*codes, code) == 0)
			return true;
	return false;
}

struct ow_text aws_header(const struct ow_http_response *response, const char *name)
{
	for (size_t i = 0; i < response->headers; i++)
		if (response->names[i].len == strlen(name) &&
		    strncasecmp(response->names[i].data, name, response->names[i].len) == 0)
			return response->values[i];
	return (struct ow_text){NULL, 0};
}

/* ---- texts ---- */

static size_t span_until(struct ow_text text, const char *stops)
{
	size_t len = 0;
	while (len < text.len && (text.data[len] == '\0' || !strchr(stops, text.data[len])))
		len++;
	return len;
}

static void copy_printable(char *out, size_t size, struct ow_text text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
	out[len] = '\0';
}

/* "com.amazonaws.sqs#QueueDoesNotExist:http://..." is QueueDoesNotExist. */
static void copy_code(char out[AWS_CODE_SIZE], struct ow_text text)
{
	size_t hash = span_until(text, "#");
	if (hash < text.len)
		text = (struct ow_text){text.data + hash + 1, text.len - hash - 1};
	text.len = span_until(text, ":;, ");
	copy_printable(out, AWS_CODE_SIZE, text);
}

static struct ow_text string_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return (struct ow_text){json_string_value(value), json_string_length(value)};
}

static struct ow_text first_of(struct ow_text a, struct ow_text b)
{
	return a.len ? a : b;
}

static void read_body(struct ow_text body, struct aws_error *error)
{
	json_t *root = body.len > 0 && body.len <= BODY_MAX
			   ? json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL)
			   : NULL;
	struct ow_text message =
	    first_of(string_member(root, "message"), string_member(root, "Message"));
	copy_code(
	    error->code, first_of(string_member(root, "__type"), string_member(root, "code")));
	/*
	 * The first line. A refused signature's further ones quote what should
	 * have been signed, the session token included.
	 */
	message.len = span_until(message, "\r\n");
	copy_printable(error->message, sizeof(error->message), message);
	json_decref(root);
}

/* ---- what follows from it ---- */

static enum aws_outcome judge(int status, const struct aws_error *error)
{
	if (among(throttled, error->code) || among(throttled, error->query_code) ||
	    status == 429)
		return AWS_THROTTLED;
	if (among(transient, error->code) || status >= 500 || status == 408)
		return AWS_RETRY;
	if (error->expired || error->signature || among(denied, error->code) || status == 401 ||
	    status == 403)
		return AWS_DENIED;
	return AWS_FAILED;
}

void aws_error_read(const struct ow_http_response *response, struct aws_error *error)
{
	*error = (struct aws_error){.code = ""};
	read_body(response->body, error);
	copy_code(error->query_code, aws_header(response, "x-amzn-query-error"));
	if (!error->code[0])
		copy_code(error->code, aws_header(response, "x-amzn-errortype"));
	if (!error->code[0])
		memcpy(error->code, error->query_code, sizeof(error->code));
	error->expired = among(expired, error->code);
	error->signature = among(signature, error->code);
	error->outcome = judge(response->status, error);
}
