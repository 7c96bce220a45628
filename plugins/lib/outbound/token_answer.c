#include "lib/outbound/token_answer.h"

#include <jansson.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"

#define QUOTE_SIZE 180 /* of what the endpoint says: what to check has room behind it */

/* ---- texts of theirs ---- */

static void copy_printable(char out[QUOTE_SIZE], const json_t *text)
{
	const char *data = json_string_value(text);
	size_t len = data ? json_string_length(text) : 0;
	if (len > QUOTE_SIZE - 1)
		len = QUOTE_SIZE - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = data[i] >= ' ' && data[i] <= '~' ? data[i] : '?';
	out[len] = '\0';
}

/* ---- no token ---- */

/* RFC 6749, 5.2; RFC 8707, 2: invalid_target. */
static const char *check_by_error(const char *error)
{
	static const struct {
		const char *error, *check;
	} known[] = {
	    {"invalid_client", "check oauth2.client_id, oauth2.client_secret and "
			       "oauth2.client_auth"},
	    {"unauthorized_client", "this client may not have a token by client credentials: "
				    "check oauth2.client_id, and its rights at the endpoint"},
	    {"invalid_grant", "check oauth2.client_id and oauth2.client_secret"},
	    {"invalid_scope", "check oauth2.scope"},
	    {"invalid_target", "check oauth2.audience"},
	    {"unsupported_grant_type", "check oauth2.token_url and oauth2.style"},
	    {"invalid_request", "check oauth2.style, oauth2.client_auth, oauth2.scope and "
				"oauth2.audience"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(error, known[i].error) == 0)
			return known[i].check;
	return NULL;
}

static const char *check_by_status(int status)
{
	if (status >= 300 && status <= 399)
		return "redirects are not followed: check oauth2.token_url";
	switch (status) {
	case 400:
		return "check oauth2.client_id, oauth2.client_secret, oauth2.scope and "
		       "oauth2.style";
	case 401:
		return "check oauth2.client_id and oauth2.client_secret";
	case 403:
		return "check oauth2.scope, and the rights of oauth2.client_id at the endpoint";
	case 404:
	case 405:
	case 410:
		return "check oauth2.token_url";
	case 415:
		return "check oauth2.style";
	default:
		return NULL;
	}
}

static void refuse(struct token_answer *out, int status, const json_t *root)
{
	char error[QUOTE_SIZE], description[QUOTE_SIZE];
	copy_printable(error, json_object_get(root, "error"));
	copy_printable(description, json_object_get(root, "error_description"));
	const char *check = check_by_error(error);
	if (!check)
		check = check_by_status(status);
	out->refused = check != NULL;
	snprintf(out->why, sizeof(out->why), "it answered %d%s%s%s%s%s%s%s", status,
	    error[0] ? " " : "", error, description[0] ? " (" : "", description,
	    description[0] ? ")" : "", check ? ": " : "", check ? check : "");
}

static void no_token(struct token_answer *out, const char *why)
{
	snprintf(out->why, sizeof(out->why), "%s", why);
}

/* ---- a token ---- */

/* It becomes part of a header: RFC 6749, A.12 has printable ASCII, a header no spaces at ends.
 */
static bool is_token(const char *s, size_t len)
{
	if (len == 0 || len > TOKEN_SIZE_MAX || s[0] == ' ' || s[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return true;
}

/* Seconds; some endpoints send them as a text. NAN: neither. */
static double seconds_of(const json_t *value)
{
	if (json_is_number(value))
		return json_number_value(value);
	const char *text = json_string_value(value);
	size_t digits = text ? strspn(text, "0123456789") : 0;
	if (digits == 0 || digits > 18 || text[digits])
		return NAN;
	return strtod(text, NULL);
}

static void read_life(struct token_answer *out, const json_t *value)
{
	if (!value || json_is_null(value))
		return;
	double seconds = seconds_of(value);
	out->odd_life = !(seconds >= 1);
	if (out->odd_life)
		return;
	out->life_ms = seconds * 1000 >= (double)TOKEN_LIFE_MAX_MS ? TOKEN_LIFE_MAX_MS
								   : (int64_t)(seconds * 1000);
}

/* NULL, or why it cannot be used. */
static const char *problem_of(const char *text, size_t len, const json_t *type)
{
	if (!text)
		return "its answer has no access_token: check oauth2.token_url";
	if (!is_token(text, len))
		return "its access_token is empty, longer than 16 KiB, or cannot stand in a "
		       "header";
	if (type &&
	    (!json_is_string(type) || strcasecmp(json_string_value(type), "bearer") != 0))
		return "its token_type is not Bearer: other tokens cannot be used";
	return NULL;
}

static void take(struct token_answer *out, const json_t *root)
{
	const json_t *token = json_object_get(root, "access_token");
	const char *text = json_string_value(token);
	const char *problem =
	    problem_of(text, json_string_length(token), json_object_get(root, "token_type"));
	if (problem) {
		no_token(out, problem);
		return;
	}
	read_life(out, json_object_get(root, "expires_in"));
	out->token = alloc_checked(strdup(text));
}

void token_answer_read(int status, struct ow_text body, struct token_answer *out)
{
	*out = (struct token_answer){.token = NULL};
	json_t *root = body.len ? json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL) : NULL;
	bool good = status >= 200 && status <= 299;
	if (!good || json_object_get(root, "error"))
		refuse(out, status, root);
	else if (!json_is_object(root))
		no_token(out, "its answer is not a JSON object: check oauth2.token_url");
	else
		take(out, root);
	json_decref(root);
}

void token_answer_fini(struct token_answer *answer)
{
	if (answer->token)
		OPENSSL_cleanse(answer->token, strlen(answer->token));
	free(answer->token);
	answer->token = NULL;
}
