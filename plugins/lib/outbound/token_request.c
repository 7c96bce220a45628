#include "lib/outbound/token_request.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/outbound/basic.h"
#include "lib/uri.h"

#define FORM "application/x-www-form-urlencoded"

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* The parameters of the body, in order; NULL: left out. */
struct parameter {
	const char *name, *value;
};

#define PARAMETERS 5

static void list(const struct outbound_oauth2 *o, struct parameter out[PARAMETERS])
{
	bool in_body = o->client_auth == OUTBOUND_IN_BODY;
	out[0] = (struct parameter){"grant_type", "client_credentials"};
	out[1] = (struct parameter){"client_id", in_body ? o->client_id : NULL};
	out[2] = (struct parameter){"client_secret", in_body ? o->client_secret : NULL};
	out[3] = (struct parameter){"scope", o->scope};
	out[4] = (struct parameter){"audience", o->audience};
}

static void write_form(struct draft *out, const struct parameter *p)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		if (!p[i].value)
			continue;
		draft_printf(out, "%s%s=", out->len ? "&" : "", p[i].name);
		uri_escape(out, text_of(p[i].value));
	}
}

static void write_json(struct draft *out, const struct parameter *p)
{
	json_t *root = alloc_checked(json_object());
	for (size_t i = 0; i < PARAMETERS; i++)
		if (p[i].value)
			json_object_set_new(
			    root, p[i].name, alloc_checked(json_string(p[i].value)));
	char *text = alloc_checked(json_dumps(root, JSON_COMPACT));
	draft_string(out, text);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	json_decref(root);
}

/* RFC 6749, 2.3.1: both are encoded as in a form before they are joined. */
static void write_basic(struct draft *out, const struct outbound_oauth2 *o)
{
	struct draft user = DRAFT_EMPTY, password = DRAFT_EMPTY;
	uri_escape(&user, text_of(o->client_id));
	uri_escape(&password, text_of(o->client_secret));
	basic_write(out, draft_text(&user), draft_text(&password));
	draft_free(&user);
	draft_free(&password);
}

static void write_target(struct draft *out, const char *url)
{
	const char *at = strstr(url, "://") + 3;
	at += strcspn(at, "/?");
	draft_printf(out, "%s%s", at[0] == '/' ? "" : "/", at);
}

static void add_header(struct token_request *r, const char *name, const char *value)
{
	r->names[r->outgoing.headers] = text_of(name);
	r->values[r->outgoing.headers++] = text_of(value);
}

void token_request_init(struct token_request *r, const struct outbound_oauth2 *o)
{
	struct parameter parameters[PARAMETERS];
	bool json = o->style == OUTBOUND_JSON;
	*r = (struct token_request){.target = DRAFT_EMPTY};
	list(o, parameters);
	write_target(&r->target, o->token_url);
	if (json)
		write_json(&r->body, parameters);
	else
		write_form(&r->body, parameters);
	if (o->client_auth == OUTBOUND_IN_HEADER)
		write_basic(&r->authorization, o);
	r->outgoing = (struct ow_http_outgoing){.size = sizeof(r->outgoing),
	    .method = "POST",
	    .target = {r->target.data, r->target.len},
	    .names = r->names,
	    .values = r->values,
	    .body = {r->body.data, r->body.len},
	    .repeatable = true, /* a token more is no harm */
	    .total_ms = o->timeout_ms};
	add_header(r, "Content-Type", json ? "application/json" : FORM);
	add_header(r, "Accept", "application/json");
	add_header(r, "User-Agent", "onceway");
	if (r->authorization.len)
		add_header(r, "Authorization", r->authorization.data);
}

void token_request_fini(struct token_request *r)
{
	draft_free(&r->target);
	draft_free(&r->body);
	draft_free(&r->authorization);
}

static bool quotes(const char *text, const char *secret)
{
	return secret[0] && strstr(text, secret);
}

bool token_request_quoted(
    const struct token_request *r, const struct outbound_oauth2 *o, const char *text)
{
	struct draft encoded = DRAFT_EMPTY;
	uri_escape(&encoded, text_of(o->client_secret));
	const char *basic = draft_text(&r->authorization);
	bool quoted = quotes(text, o->client_secret) || quotes(text, draft_text(&encoded)) ||
		      quotes(text, basic + strcspn(basic, " ") + (basic[0] ? 1 : 0));
	draft_free(&encoded);
	return quoted;
}
