#include "lib/aws/profile_file.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/aws/small_file.h"

static const struct {
	const char *key;
	size_t offset;
} members[] = {
    {"aws_access_key_id", offsetof(struct aws_profile, access_key_id)},
    {"aws_secret_access_key", offsetof(struct aws_profile, secret_access_key)},
    {"aws_session_token", offsetof(struct aws_profile, session_token)},
    {"region", offsetof(struct aws_profile, region)},
    {"role_arn", offsetof(struct aws_profile, role_arn)},
    {"role_session_name", offsetof(struct aws_profile, role_session_name)},
    {"web_identity_token_file", offsetof(struct aws_profile, web_identity_token_file)},
};
#define MEMBERS (sizeof(members) / sizeof(*members))

static const char *const others[] = {"source_profile", "credential_source",
    "credential_process", "sso_session", "sso_start_url", "login_session"};

static char **member_at(struct aws_profile *profile, size_t i)
{
	return (char **)(void *)((char *)profile + members[i].offset);
}

/* ---- one file ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct ow_text trimmed(const char *begin, const char *end)
{
	while (begin < end && is_blank(*begin))
		begin++;
	while (begin < end && is_blank(end[-1]))
		end--;
	return (struct ow_text){begin, (size_t)(end - begin)};
}

static bool is(struct ow_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* "profile NAME" in a config file; there, and in the other, `default` is itself. */
static bool names_section(struct ow_text title, const char *name, bool config)
{
	static const char prefix[] = "profile";
	size_t len = sizeof(prefix) - 1;
	if (config && title.len > len && memcmp(title.data, prefix, len) == 0 &&
	    is_blank(title.data[len]))
		return is(trimmed(title.data + len, title.data + title.len), name);
	return is(title, name) && (!config || strcmp(name, "default") == 0);
}

/* Where a comment begins behind a value: a mark with a blank before it. */
static const char *value_end(const char *begin, const char *end)
{
	for (const char *at = begin; at < end; at++)
		if ((*at == '#' || *at == ';') && at > begin && is_blank(at[-1]))
			return at;
	return end;
}

static void set(struct aws_profile *profile, struct ow_text key, struct ow_text value)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (is(key, others[i]) && !profile->other)
			profile->other = others[i];
	for (size_t i = 0; i < MEMBERS; i++)
		if (is(key, members[i].key) && value.len && !*member_at(profile, i))
			*member_at(profile, i) = alloc_checked(strndup(value.data, value.len));
}

static void read_setting(struct aws_profile *profile, const char *begin, const char *end)
{
	const char *equals = memchr(begin, '=', (size_t)(end - begin));
	if (equals)
		set(profile, trimmed(begin, equals),
		    trimmed(equals + 1, value_end(equals + 1, end)));
}

void aws_profile_parse(struct aws_profile *profile, struct ow_text file, bool config)
{
	const char *at = file.data, *end = file.data + file.len, *next;
	bool inside = false;
	for (; at < end; at = next) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		next = stop ? stop + 1 : end;
		stop = stop ? stop : end;
		if (*at == '[') {
			const char *bracket = memchr(at, ']', (size_t)(stop - at));
			inside = bracket &&
				 names_section(trimmed(at + 1, bracket), profile->name, config);
			profile->exists |= inside;
		} else if (inside && at < stop && !is_blank(*at) && *at != '#' && *at != ';') {
			/* What is indented belongs to a setting of another SDK's. */
			read_setting(profile, at, stop);
		}
	}
}

/* ---- both files ---- */

static const char *some(const char *text)
{
	return text && text[0] ? text : NULL;
}

/* False: there is no home to look in. */
static bool write_path(struct draft *out, const char *given, const char *standard)
{
	const char *home = some(getenv("HOME"));
	if (given && strncmp(given, "~/", 2) != 0) {
		draft_string(out, given);
		return true;
	}
	if (home)
		draft_printf(out, "%s/%s", home, given ? given + 2 : standard);
	return home != NULL;
}

static void read_file(struct aws_profile *profile, const char *variable, const char *standard,
    bool config, struct draft *why)
{
	const char *given = some(getenv(variable));
	struct draft path = DRAFT_EMPTY, text = DRAFT_EMPTY;
	const char *problem = NULL;
	if (!write_path(&path, given, standard))
		problem = "HOME is not set";
	else
		problem = small_file_read(path.data, &text);
	if (!problem)
		aws_profile_parse(
		    profile, (struct ow_text){draft_text(&text), text.len}, config);
	else if (why)
		draft_printf(why, "%s%s: %s", why->len ? ", " : "",
		    path.len ? path.data : standard, problem);
	profile->chosen |= given != NULL;
	draft_free(&path);
	draft_free(&text);
}

void aws_profile_read(const char *name, struct aws_profile *profile, struct draft *why)
{
	*profile = (struct aws_profile){.name = some(name)};
	if (!profile->name)
		profile->name = some(getenv("AWS_PROFILE"));
	profile->chosen = profile->name != NULL;
	if (!profile->name)
		profile->name = "default";
	read_file(profile, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false, why);
	read_file(profile, "AWS_CONFIG_FILE", ".aws/config", true, why);
}

void aws_profile_fini(struct aws_profile *profile)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		char **text = member_at(profile, i);
		if (*text)
			OPENSSL_cleanse(*text, strlen(*text));
		free(*text);
		*text = NULL;
	}
}
