#include "lib/outbound/aws_signer.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/aws/endpoint.h"
#include "lib/aws/region.h"

struct aws_signer {
	const struct ow_host *host;
	struct ow_instance *self;
	const char *service;
	bool s3; /* which has rules of its own */
	struct draft region, authority;
	struct sigv4 *sigv4;
	struct aws_credentials *credentials;
};

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

struct aws_signer *aws_signer_new(const struct ow_host *host, struct ow_instance *self,
    const struct outbound_sigv4 *options, const char *url, const char **why)
{
	struct aws_signer *s = alloc_zero(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->service = options->service;
	s->s3 = strcmp(options->service, "s3") == 0;
	s->sigv4 = sigv4_new();
	*why = aws_region_find(options->region, options->identity.profile, &s->region);
	if (!*why && !s->sigv4)
		*why = "libcrypto offers no SHA-256 or no HMAC, which requests are signed with";
	if (*why) {
		aws_signer_free(s);
		return NULL;
	}
	aws_host_write(&s->authority, url);
	s->credentials = aws_credentials_new(&(struct aws_seeker){.host = host,
	    .self = self,
	    .identity = &options->identity,
	    .region = draft_text(&s->region)});
	return s;
}

void aws_signer_free(struct aws_signer *s)
{
	if (!s)
		return;
	aws_credentials_free(s->credentials);
	sigv4_free(s->sigv4);
	draft_free(&s->region);
	draft_free(&s->authority);
	free(s);
}

struct aws_credentials *aws_signer_credentials(const struct aws_signer *s)
{
	return s->credentials;
}

static void add(struct aws_signer_headers *out, const char *name, const char *value)
{
	out->names[out->count] = text_of(name);
	out->values[out->count++] = text_of(value);
}

/* What lies between may change other headers: those that matter are signed. */
static size_t signed_headers(const struct aws_signer *s, const struct ow_http_outgoing *request,
    struct ow_text names[2], struct ow_text values[2])
{
	size_t count = 1;
	names[0] = text_of("host");
	values[0] = (struct ow_text){s->authority.data, s->authority.len};
	for (size_t i = 0; i < request->headers && count < 2; i++) {
		if (request->names[i].len != strlen("content-type") ||
		    strncasecmp(
			request->names[i].data, "content-type", request->names[i].len) != 0)
			continue;
		names[count] = text_of("content-type");
		values[count++] = request->values[i];
	}
	return count;
}

bool aws_signer_sign(struct aws_signer *s, const struct ow_http_outgoing *request,
    struct aws_signer_headers *out)
{
	struct aws_keys keys;
	struct ow_text names[2], values[2];
	aws_signer_headers_fini(out);
	if (!aws_credentials_get(s->credentials, &keys))
		return false;
	const struct sigv4_request what = {.method = request->method,
	    .target = request->target,
	    .names = names,
	    .values = values,
	    .headers = signed_headers(s, request, names, values),
	    .body = request->body,
	    .sign_body_hash = s->s3,
	    .path_is_literal = s->s3};
	const struct sigv4_scope scope = {
	    s->host->wall_ms(s->self), draft_text(&s->region), s->service};
	sigv4_sign(s->sigv4, &scope, &keys, &what, &out->signature);
	out->generation = aws_credentials_generation(s->credentials);
	add(out, "X-Amz-Date", out->signature.date);
	if (s->s3)
		add(out, "X-Amz-Content-Sha256", out->signature.body_sha256);
	if (keys.session_token) {
		out->token = alloc_checked(strdup(keys.session_token));
		add(out, "X-Amz-Security-Token", out->token);
	}
	add(out, "Authorization", out->signature.authorization);
	return true;
}

void aws_signer_headers_fini(struct aws_signer_headers *headers)
{
	sigv4_signature_fini(&headers->signature);
	if (headers->token)
		OPENSSL_cleanse(headers->token, strlen(headers->token));
	free(headers->token);
	headers->token = NULL;
	headers->count = 0;
}
