#include "conf/scalar.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DAY_MS	     INT64_C(86400000)
#define DURATION_MAX (36525 * DAY_MS)
#define GIB	     (INT64_C(1) << 30)
#define SIZE_MAX_GIB (INT64_C(1) << 20)

#define OUT_SIZE 32

/* A unit users write, or one they try to write, and what it is worth. */
struct unit {
	const char *name;
	int64_t worth;
};

/* Largest first: formatting takes the first that divides. */
static const struct unit duration_units[] = {
    {"d", DAY_MS},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
    {NULL, 0},
};

static const struct unit size_units[] = {
    {"GiB", GIB},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"", 1},
    {NULL, 0},
};

const char *conf_parse_int(const char *text, int64_t *out)
{
	bool minus = text[0] == '-';
	struct ow_text digits = text_of(text + minus);
	int64_t n;
	bool zero_first = digits.len > 1 && digits.data[0] == '0';
	if (zero_first || strspn(digits.data, "0123456789") != digits.len || digits.len == 0)
		return "a whole number such as 8 or 1024";
	if (!text_number(digits, INT64_MAX, &n))
		return "a whole number of at most 64 bits";
	*out = minus ? -n : n;
	return NULL;
}

const char *conf_parse_bool(const char *text, bool *out)
{
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0 ? NULL : "true or false";
}

/* Splits digits from what follows them; false if there are none. */
static bool split(const char *text, struct ow_text *digits, const char **rest)
{
	*digits = text_span(text, strspn(text, "0123456789"));
	*rest = text + digits->len;
	return digits->len > 0;
}

/* The worth of the unit of that name, 0 if there is none. */
static int64_t worth(const struct unit *units, const char *name)
{
	while (units->name && strcmp(units->name, name) != 0)
		units++;
	return units->worth;
}

static const char *parse_quantity(const char *text, const struct unit *units, int64_t max,
    int64_t *out, const char *expected, const char *too_large)
{
	struct ow_text digits;
	const char *unit;
	int64_t n, each;
	if (!split(text, &digits, &unit) || (each = worth(units, unit)) == 0)
		return expected;
	if (!text_number(digits, max / each, &n))
		return too_large;
	*out = n * each;
	return NULL;
}

const char *conf_parse_duration(const char *text, int64_t *out_ms)
{
	if (strcmp(text, "0") == 0) {
		*out_ms = 0;
		return NULL;
	}
	return parse_quantity(text, duration_units, DURATION_MAX, out_ms,
	    "a duration such as 250ms, 5s, 10m, 24h or 7d", "a duration of at most 36525d");
}

const char *conf_parse_size(const char *text, int64_t *out_bytes)
{
	return parse_quantity(text, size_units, SIZE_MAX_GIB * GIB, out_bytes,
	    "a size such as 512, 64KiB, 1MiB or 2GiB", "a size of at most 1048576GiB");
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_ipv6(struct ow_text t)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (t.len >= sizeof(copy))
		return false;
	memcpy(copy, t.data, t.len);
	copy[t.len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_ipv4(struct ow_text t)
{
	char copy[INET_ADDRSTRLEN];
	struct in_addr address;
	if (t.len >= sizeof(copy))
		return false;
	memcpy(copy, t.data, t.len);
	copy[t.len] = '\0';
	return inet_pton(AF_INET, copy, &address) == 1;
}

/*
 * A name or an IPv4 address. One whose last label is a number is only ever an
 * address: "127.1" or "1.2.3.999" must not be looked up as a name.
 */
static bool is_host(struct ow_text t)
{
	size_t label = 0;
	bool number = true;
	if (t.len == 0 || t.len > 253)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		char c = t.data[i];
		if (c == '.') {
			if (i == label)
				return false;
			if (i + 1 < t.len) {
				label = i + 1;
				number = true;
			}
		} else if (is_letter(c) || is_digit(c) || c == '-' || c == '_') {
			number = number && is_digit(c);
			if (i - label >= 63)
				return false;
		} else {
			return false;
		}
	}
	return !number || is_ipv4(t);
}

/* Port 0 is any to listen on, and none to connect to. */
static bool is_port(struct ow_text t, int64_t least)
{
	int64_t port;
	return t.len <= 5 && text_number(t, 65535, &port) && port >= least;
}

/* host, host:port, [v6] or [v6]:port; to listen on, or to connect to. */
static bool is_authority(struct ow_text t, bool listening)
{
	size_t host = 0;
	if (t.len && t.data[0] == '[') {
		const char *end = memchr(t.data, ']', t.len);
		if (!end || !is_ipv6(text_span(t.data + 1, (size_t)(end - t.data) - 1)))
			return false;
		host = (size_t)(end - t.data) + 1;
	} else {
		while (host < t.len && t.data[host] != ':')
			host++;
		if (!is_host(text_span(t.data, host)))
			return false;
	}
	if (host == t.len)
		return !listening;
	return t.data[host] == ':' &&
	       is_port(text_span(t.data + host + 1, t.len - host - 1), listening ? 0 : 1);
}

const char *conf_parse_address(const char *text)
{
	return is_authority(text_of(text), true)
		   ? NULL
		   : "an address such as 127.0.0.1:8080, [::1]:8080 or name:8080";
}

/* Length of the scheme before "://", 0 if there is none. */
static size_t scheme_length(const char *text)
{
	const char *end = strstr(text, "://");
	if (!end || !is_letter(text[0]))
		return 0;
	for (const char *p = text; p < end; p++)
		if (!is_letter(*p) && !is_digit(*p) && !strchr("+-.", *p))
			return 0;
	return (size_t)(end - text);
}

static bool is_listed(struct ow_text scheme, const char *const *schemes)
{
	for (; schemes && *schemes; schemes++)
		if (text_equal_nocase(scheme, text_of(*schemes)))
			return true;
	return !schemes;
}

const char *conf_parse_url(const char *text, const char *const *schemes)
{
	static const char shape[] = "a URL such as https://host:8443/path?query";
	size_t scheme = scheme_length(text);
	if (scheme == 0)
		return shape;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`", *p))
			return "a URL without spaces and special characters (write them as %20 "
			       "and so on)";
	if (strchr(text, '#'))
		return "a URL without a fragment (the part from `#` on)";
	const char *host = text + scheme + 3;
	struct ow_text authority = text_span(host, strcspn(host, "/?"));
	if (memchr(authority.data, '@', authority.len))
		return "a URL without a user name or password in it";
	if (!is_authority(authority, false))
		return shape;
	if (!is_listed(text_span(text, scheme), schemes))
		return "a URL with another scheme";
	return NULL;
}

const char *conf_parse_pointer(const char *text)
{
	static const char expected[] =
	    "a JSON pointer such as /data/contactId (with ~1 for a / and ~0 for a ~ in a name)";
	if (text[0] != '\0' && text[0] != '/')
		return expected;
	for (const char *p = text; *p; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return expected;
	return NULL;
}

static void format_quantity(int64_t n, const struct unit *units, char *out)
{
	while (units->worth > 1 && n % units->worth != 0)
		units++;
	snprintf(out, OUT_SIZE, "%" PRId64 "%s", n / units->worth, units->name);
}

void conf_format_duration(int64_t ms, char *out)
{
	if (ms == 0)
		snprintf(out, OUT_SIZE, "0");
	else
		format_quantity(ms, duration_units, out);
}

void conf_format_size(int64_t bytes, char *out)
{
	if (bytes == 0)
		snprintf(out, OUT_SIZE, "0");
	else
		format_quantity(bytes, size_units, out);
}

bool conf_guess_bool(const char *text, char *out)
{
	static const char *const words[][2] = {
	    {"true", "true"},
	    {"yes", "true"},
	    {"on", "true"},
	    {"y", "true"},
	    {"1", "true"},
	    {"false", "false"},
	    {"no", "false"},
	    {"off", "false"},
	    {"n", "false"},
	    {"0", "false"},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_equal_nocase(text_of(text), text_of(words[i][0]))) {
			snprintf(out, OUT_SIZE, "%s", words[i][1]);
			return true;
		}
	}
	return false;
}

/* words: pairs of what is written and the unit that is meant, any case; ends with NULL. */
static bool guess_quantity(const char *text, const char *const (*words)[2], char *out)
{
	struct ow_text digits;
	const char *rest;
	if (!split(text, &digits, &rest) || digits.len > 18)
		return false;
	struct ow_text unit = text_trim(text_of(rest));
	for (; words[0][0]; words++) {
		if (text_equal_nocase(unit, text_of(words[0][0]))) {
			snprintf(
			    out, OUT_SIZE, "%.*s%s", (int)digits.len, digits.data, words[0][1]);
			return true;
		}
	}
	return false;
}

bool conf_guess_duration(const char *text, char *out)
{
	static const char *const words[][2] = {
	    {"", "s"},
	    {"ms", "ms"},
	    {"msec", "ms"},
	    {"millis", "ms"},
	    {"s", "s"},
	    {"sec", "s"},
	    {"secs", "s"},
	    {"second", "s"},
	    {"seconds", "s"},
	    {"m", "m"},
	    {"min", "m"},
	    {"mins", "m"},
	    {"minute", "m"},
	    {"minutes", "m"},
	    {"h", "h"},
	    {"hr", "h"},
	    {"hour", "h"},
	    {"hours", "h"},
	    {"d", "d"},
	    {"day", "d"},
	    {"days", "d"},
	    {NULL, NULL},
	};
	return guess_quantity(text, words, out);
}

bool conf_guess_size(const char *text, char *out)
{
	static const char *const words[][2] = {
	    {"b", ""},
	    {"bytes", ""},
	    {"k", "KiB"},
	    {"kb", "KiB"},
	    {"kib", "KiB"},
	    {"m", "MiB"},
	    {"mb", "MiB"},
	    {"mib", "MiB"},
	    {"g", "GiB"},
	    {"gb", "GiB"},
	    {"gib", "GiB"},
	    {NULL, NULL},
	};
	return guess_quantity(text, words, out);
}
