#include "lib/aws/credential_answer.h"

#include <jansson.h>
#include <string.h>

#include "lib/aws/xml_leaves.h"
#include "lib/timestamp.h"

/* Borrowed from the document. */
struct parts {
	struct ow_text id, secret, token, expiration;
};

static const char *take(const struct parts *p, bool needs_token, struct aws_found *found)
{
	int64_t expires_ms = 0;
	if (!p->id.len || !p->secret.len)
		return "the answer has no AccessKeyId or no SecretAccessKey";
	if (needs_token && !p->token.len)
		return "the answer has no session token";
	if (p->expiration.len && !timestamp_of_text(p->expiration, &expires_ms))
		return "the answer's Expiration is not a time";
	aws_found_set(found, p->id, p->secret, p->token, expires_ms);
	return NULL;
}

/* ---- JSON ---- */

static struct ow_text string_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return (struct ow_text){json_string_value(value), json_string_length(value)};
}

static const char *take_json(const json_t *root, struct aws_found *found)
{
	const struct parts parts = {string_member(root, "AccessKeyId"),
	    string_member(root, "SecretAccessKey"), string_member(root, "Token"),
	    string_member(root, "Expiration")};
	const char *code = json_string_value(json_object_get(root, "Code"));
	if (!json_is_object(root))
		return "the answer is not a JSON object";
	if (code && strcmp(code, "Success") != 0)
		return "the answer says that the role cannot be used";
	return take(&parts, false, found);
}

const char *aws_answer_of_json(struct ow_text body, struct aws_found *found)
{
	json_t *root = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
	const char *why = take_json(root, found);
	json_decref(root);
	return why;
}

/* ---- XML ---- */

static bool is(struct ow_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static void credential_leaf(
    struct ow_text parent, struct ow_text name, struct ow_text text, void *arg)
{
	struct parts *p = arg;
	if (!is(parent, "Credentials"))
		return;
	if (is(name, "AccessKeyId"))
		p->id = text;
	else if (is(name, "SecretAccessKey"))
		p->secret = text;
	else if (is(name, "SessionToken"))
		p->token = text;
	else if (is(name, "Expiration"))
		p->expiration = text;
}

const char *aws_answer_of_sts(struct ow_text body, struct aws_found *found)
{
	struct parts parts = {.id = {NULL, 0}};
	if (!xml_leaves(body, credential_leaf, &parts))
		return "the answer is not the XML that STS writes";
	return take(&parts, true, found);
}

static void error_leaf(
    struct ow_text parent, struct ow_text name, struct ow_text text, void *arg)
{
	struct parts *p = arg;
	if (is(parent, "Error") && is(name, "Code"))
		p->id = text;
	else if (is(parent, "Error") && is(name, "Message"))
		p->secret = text;
}

void aws_error_of_sts(struct ow_text body, struct draft *out)
{
	struct parts parts = {.id = {NULL, 0}};
	/* An entity in the message ends the reading; the code stands before it. */
	xml_leaves(body, error_leaf, &parts);
	draft_add(out, parts.id);
	if (parts.secret.len)
		draft_string(out, ": ");
	draft_add(out, parts.secret);
}
