#include "lib/proxy_option.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* host, host:port, [v6] or [v6]:port, up to the end of len bytes. */
static bool is_place(const char *s, size_t len)
{
	const char *bracket = s[0] == '[' ? memchr(s, ']', len) : NULL;
	size_t host = bracket ? (size_t)(bracket - s) + 1 : strcspn(s, ":/");
	if (host == 0 || host > len || (s[0] == '[' && !bracket))
		return false;
	if (host == len)
		return true;
	size_t digits = strspn(s + host + 1, "0123456789");
	long port = strtol(s + host + 1, NULL, 10);
	return s[host] == ':' && digits > 0 && digits <= 5 && host + 1 + digits == len &&
	       port > 0 && port <= 65535;
}

static const char *problem_of(const char *proxy)
{
	if (strncasecmp(proxy, "https://", 8) == 0)
		return "proxies are spoken to without TLS of their own: write http://";
	if (strncasecmp(proxy, "http://", 7) != 0)
		return "must begin with http://";
	for (const char *c = proxy; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return "has a character that must be percent-encoded, such as %20";
	const char *start = proxy + 7;
	size_t len = strcspn(start, "/?");
	if (start[len] && strcmp(start + len, "/") != 0)
		return "must end with the port: a proxy has no path";
	for (size_t i = len; i-- > 0;)
		if (start[i] == '@') {
			start += i + 1;
			len -= i + 1;
			break;
		}
	return is_place(start, len)
		   ? NULL
		   : "must be http://host:port, or http://user:password@host:port";
}

void proxy_option_check(const char *option, const char *proxy, const struct ow_report *report)
{
	const char *problem = proxy ? problem_of(proxy) : NULL;
	if (problem)
		report->complain(report, option, "%s", problem);
}
