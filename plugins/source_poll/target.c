#include "source_poll/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/draft.h"
#include "lib/uri.h"

/* How long scheme, host and port of a URL are. */
static size_t origin_length(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	return (size_t)(host - url) + strcspn(host, "/?#");
}

static struct ow_text until_fragment(const char *text)
{
	return (struct ow_text){text, strcspn(text, "#")};
}

char *target_of_url(const char *url)
{
	struct draft d = DRAFT_EMPTY;
	const char *path = url + origin_length(url);
	if (*path != '/')
		draft_char(&d, '/');
	draft_add(&d, until_fragment(path));
	return draft_take(&d);
}

/* Whether a parameter of a query, as it stands there, has that name. */
static bool is_named(const char *parameter, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	return len >= name_len && memcmp(parameter, name, name_len) == 0 &&
	       (len == name_len || parameter[name_len] == '=');
}

char *target_with(const char *target, const char *name, struct ow_text value)
{
	struct draft d = DRAFT_EMPTY;
	size_t path = strcspn(target, "?");
	char separator = '?';
	draft_add(&d, (struct ow_text){target, path});
	const char *at = target[path] ? target + path + 1 : target + path;
	while (*at) {
		size_t len = strcspn(at, "&");
		if (len > 0 && !is_named(at, len, name)) {
			draft_char(&d, separator);
			draft_add(&d, (struct ow_text){at, len});
			separator = '&';
		}
		at += len + (at[len] == '&');
	}
	draft_char(&d, separator);
	draft_string(&d, name);
	draft_char(&d, '=');
	uri_escape(&d, value);
	return draft_take(&d);
}

bool target_number(const char *target, const char *name, int64_t *number)
{
	const char *at = strchr(target, '?');
	while (at && *at) {
		at++;
		size_t len = strcspn(at, "&");
		if (is_named(at, len, name) && at[strlen(name)] == '=') {
			char *end;
			errno = 0;
			*number = strtoll(at + strlen(name) + 1, &end, 10);
			return !errno && end == at + len && *number >= 0 &&
			       *number < INT64_MAX / 2;
		}
		at += len;
	}
	return false;
}

bool target_is_sound(const char *target)
{
	size_t len = strlen(target);
	if (target[0] != '/' || len > TARGET_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (target[i] <= ' ' || target[i] > '~' || target[i] == '#')
			return false;
	return true;
}

/* Path and query of what leads to the same origin; NULL with *why. */
static const char *same_origin(const char *url, const char *link, const char **why)
{
	size_t ours = origin_length(url), theirs = origin_length(link);
	if (ours == theirs && strncasecmp(url, link, ours) == 0)
		return link + theirs;
	*why = "the next page is of another origin, which is not followed";
	return NULL;
}

char *target_follow(const char *url, struct ow_text link, const char **why)
{
	struct draft text = DRAFT_EMPTY;
	char *target = NULL;
	draft_add(&text, link);
	const char *to = draft_text(&text);
	if (strlen(to) == link.len && link.len <= TARGET_MAX) {
		if (strstr(to, "://") && strcspn(to, "/?#") > 0)
			to = same_origin(url, to, why);
		else if (to[0] == '?' || (to[0] == '/' && to[1] != '/'))
			*why = NULL;
		else
			*why = "the next page is neither a URL nor a path", to = NULL;
	} else {
		*why = "the link to the next page is too long, or no text";
		to = NULL;
	}
	if (to) {
		struct draft d = DRAFT_EMPTY;
		if (to[0] == '?') {
			char *path = target_of_url(url);
			draft_add(&d, (struct ow_text){path, strcspn(path, "?")});
			free(path);
		} else if (to[0] != '/') {
			draft_char(&d, '/');
		}
		draft_add(&d, until_fragment(to));
		target = draft_take(&d);
		if (!target_is_sound(target)) {
			free(target);
			target = NULL;
			*why = "the link to the next page has bytes that a URL cannot have";
		}
	}
	draft_free(&text);
	return target;
}

/* ---- Link ---- */

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static bool has_word(struct ow_text list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list.data, *end = at + list.len; at < end;) {
		at = skip_space(at, end);
		const char *begin = at;
		while (at < end && *at != ' ' && *at != '\t')
			at++;
		if ((size_t)(at - begin) == len && strncasecmp(begin, word, len) == 0)
			return true;
	}
	return false;
}

/* The value of a parameter, quoted or not; moves *at behind it. */
static struct ow_text parameter_value(const char **at, const char *end)
{
	const char *begin = *at;
	if (begin < end && *begin == '"') {
		const char *quote = memchr(begin + 1, '"', (size_t)(end - begin - 1));
		*at = quote ? quote + 1 : end;
		return (struct ow_text){begin + 1, (size_t)((quote ? quote : end) - begin - 1)};
	}
	while (*at < end && !memchr(" \t;,", **at, 4))
		++*at;
	return (struct ow_text){begin, (size_t)(*at - begin)};
}

/* Behind the parameters of a link; *next: one of them says that it is the next page. */
static const char *read_parameters(const char *at, const char *end, bool *next)
{
	for (at = skip_space(at, end); at < end && *at == ';'; at = skip_space(at, end)) {
		at = skip_space(at + 1, end);
		const char *name = at;
		while (at < end && !memchr(" \t=;,", *at, 5))
			at++;
		size_t len = (size_t)(at - name);
		at = skip_space(at, end);
		if (at >= end || *at != '=')
			continue;
		at = skip_space(at + 1, end);
		struct ow_text value = parameter_value(&at, end);
		if (len == 3 && strncasecmp(name, "rel", 3) == 0 && has_word(value, "next"))
			*next = true;
	}
	return at;
}

bool target_next_link(struct ow_text header, struct ow_text *link)
{
	const char *at = header.data, *end = at + header.len;
	while (at < end) {
		const char *open = memchr(at, '<', (size_t)(end - at));
		const char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
		bool next = false;
		if (!close)
			return false;
		at = read_parameters(close + 1, end, &next);
		*link = (struct ow_text){open + 1, (size_t)(close - open - 1)};
		if (next)
			return true;
	}
	return false;
}
