#include "store_redis/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"

#define DB_MAX 1000000

static char *copy_span(const char *from, size_t len)
{
	char *copy = alloc_bytes(len + 1);
	memcpy(copy, from, len);
	copy[len] = '\0';
	return copy;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL: a '%' is not followed by two hexadecimal digits, or stands for NUL. */
static char *decode_span(const char *from, size_t len)
{
	char *out = alloc_bytes(len + 1), *at = out;
	for (size_t i = 0; i < len; i++, at++) {
		*at = from[i];
		if (from[i] != '%')
			continue;
		if (len - i < 3 || hex_digit(from[i + 1]) < 0 || hex_digit(from[i + 2]) < 0 ||
		    (from[i + 1] == '0' && from[i + 2] == '0')) {
			free(out);
			return NULL;
		}
		*at = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
		i += 2;
	}
	*at = '\0';
	return out;
}

/* Digits only, up to max. -1: not such a number. */
static int number_of(const char *text, size_t len, int max)
{
	int value = 0;
	if (len == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
		if (value > max)
			return -1;
	}
	return value;
}

static const char *parse_login(const char *text, size_t len, struct redis_url *url)
{
	static const char bad[] = "has a user or password with a % that is not followed by two "
				  "hexadecimal digits: write % as %25";
	const char *colon = memchr(text, ':', len);
	size_t user_len = colon ? (size_t)(colon - text) : len;
	if (user_len > 0 && !(url->user = decode_span(text, user_len)))
		return bad;
	if (colon && user_len + 1 < len &&
	    !(url->password = decode_span(colon + 1, len - user_len - 1)))
		return bad;
	return url->user && !url->password ? "has a user without a password" : NULL;
}

static const char *parse_host(
    const char *text, size_t len, int default_port, struct redis_url *url)
{
	const char *port = NULL, *end = text + len;
	size_t host_len = len;
	if (len > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', len);
		if (!close)
			return "has an IPv6 address without its ]";
		if (close + 1 < end && close[1] != ':')
			return "has something behind the ] of its address that is not a port";
		port = close + 1 < end ? close + 2 : NULL;
		text++;
		host_len = (size_t)(close - text);
	} else {
		const char *colon = memchr(text, ':', len);
		if (colon) {
			port = colon + 1;
			host_len = (size_t)(colon - text);
		}
	}
	if (host_len == 0)
		return "has no host";
	url->port = port ? number_of(port, (size_t)(end - port), 65535) : default_port;
	if (url->port < 1)
		return "has a port that is not a number from 1 to 65535";
	url->host = copy_span(text, host_len);
	return NULL;
}

static const char *parse_query(const char *query, struct redis_url *url)
{
	if (strncmp(query, "db=", 3) != 0)
		return "has a ? with something else than db=N behind it";
	url->db = number_of(query + 3, strlen(query + 3), DB_MAX);
	return url->db < 0 ? "has a db that is not a number" : NULL;
}

/* Not the URL itself, which is a secret: the log would leave it out. */
void redis_url_name(
    const struct redis_url *url, const char *host, int port, char out[REDIS_NAME_SIZE])
{
	if (url->path)
		snprintf(out, REDIS_NAME_SIZE, "Redis at %s/%d", url->path, url->db);
	else
		snprintf(out, REDIS_NAME_SIZE,
		    strchr(host, ':') ? "Redis at [%s]:%d/%d%s" : "Redis at %s:%d/%d%s", host,
		    port, url->db, url->tls ? " (TLS)" : "");
}

static void keep_name(struct redis_url *url)
{
	char name[REDIS_NAME_SIZE];
	if (!url->path && !url->host)
		return;
	redis_url_name(url, url->host, url->port, name);
	url->name = copy_span(name, strlen(name));
}

/* What follows the scheme and the login. */
static const char *parse_place(const char *text, bool local, struct redis_url *url)
{
	const char *query = strchr(text, '?');
	size_t len = query ? (size_t)(query - text) : strlen(text);
	const char *slash = memchr(text, '/', len), *problem;
	if (local) {
		if (slash != text || len < 2)
			return "must name the socket by its whole path: unix:///run/redis.sock";
		url->path = decode_span(text, len);
		if (!url->path)
			return "has a path with a % that is not followed by two hexadecimal "
			       "digits: write % as %25";
	} else {
		size_t host_len = slash ? (size_t)(slash - text) : len;
		if (host_len > 0 && (problem = parse_host(text, host_len, REDIS_PORT, url)))
			return problem;
		if (slash && slash + 1 < text + len &&
		    (url->db = number_of(slash + 1, (size_t)(text + len - slash - 1), DB_MAX)) <
			0)
			return "has a db that is not a number";
	}
	return query ? parse_query(query + 1, url) : NULL;
}

const char *redis_url_parse(const char *text, struct redis_url *url)
{
	static const char *const schemes[] = {"redis://", "rediss://", "unix://"};
	size_t scheme = 0;
	*url = (struct redis_url){0};
	while (scheme < 3 && strncasecmp(text, schemes[scheme], strlen(schemes[scheme])) != 0)
		scheme++;
	if (scheme == 3)
		return "must begin with redis://, rediss:// or unix://";
	url->tls = scheme == 1;
	text += strlen(schemes[scheme]);

	/* A password may hold what is not percent-encoded as it should be, but no '/'. */
	size_t login_len = strcspn(text, "/?");
	const char *at = memrchr(text, '@', login_len);
	const char *problem = at ? parse_login(text, (size_t)(at - text), url) : NULL;
	if (!problem)
		problem = parse_place(at ? at + 1 : text, scheme == 2, url);
	if (problem) {
		redis_url_fini(url);
		return problem;
	}
	keep_name(url);
	return NULL;
}

const char *redis_url_parse_place(const char *text, int default_port, struct redis_url *url)
{
	*url = (struct redis_url){0};
	if (strpbrk(text, "/@?"))
		return "must be host or host:port, without scheme, login and path";
	const char *problem = parse_host(text, strlen(text), default_port, url);
	if (problem)
		redis_url_fini(url);
	else
		keep_name(url);
	return problem;
}

static char *copy_string(const char *string)
{
	return string ? copy_span(string, strlen(string)) : NULL;
}

void redis_url_like(
    const struct redis_url *like, struct ow_text host, int port, struct redis_url *url)
{
	*url = (struct redis_url){.tls = like->tls,
	    .host = copy_span(host.data, host.len),
	    .port = port,
	    .user = copy_string(like->user),
	    .password = copy_string(like->password)};
	keep_name(url);
}

void redis_url_fini(struct redis_url *url)
{
	if (url->password)
		explicit_bzero(url->password, strlen(url->password));
	free(url->password);
	free(url->user);
	free(url->host);
	free(url->path);
	free(url->name);
	*url = (struct redis_url){0};
}
