/* Any bytes as a URL of the configuration: refused with a reason, or taken apart and safe to
 * use. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/http_proxy.h"
#include "io/url.h"

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* What stands in a request line or in a Host field. */
static bool is_safe(const char *text)
{
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	return true;
}

/* The same bytes as a proxy's URL: what it is told is one request, and no more. */
static void check_proxy(const char *text, struct arena *arena)
{
	struct url origin;
	struct http_proxy proxy;
	require(!url_parse("https://crm:8443/", arena, &origin), "the origin is one");
	const char *why = http_proxy_parse(text, &origin, arena, &proxy);
	if (why) {
		require(why[0] != '\0', "a refusal has a reason");
		return;
	}
	require(proxy.url.host[0] && is_safe(proxy.url.host), "a proxy's host is safe");
	require(!proxy.authorization || strlen(proxy.authorization) > strlen("Basic "),
	    "a user is one");
	const char *end = strstr(proxy.connect, "\r\n\r\n");
	require(end && end[4] == '\0', "it is asked for one tunnel");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct url url, again;
	char *text = mem_string_of((const char *)data, size);
	const char *why = url_parse(text, &arena, &url);
	if (!why) {
		require(url.port >= 1 && url.port <= 65535, "a port is one");
		require(url.host[0] && is_safe(url.host), "a host is safe");
		require(is_safe(url.authority), "an authority is safe");
		require(url.target[0] == '/' && is_safe(url.target), "a target is safe");
		for (const char *c = url.host; *c; c++)
			require(*c < 'A' || *c > 'Z', "a host is in lower case");
		/* Put together again it means the same. */
		const char *whole = arena_printf(
		    &arena, "%s://%s%s", url.tls ? "https" : "http", url.authority, url.target);
		require(!url_parse(whole, &arena, &again), "its parts make a URL");
		require(again.tls == url.tls && again.port == url.port &&
			    strcmp(again.host, url.host) == 0 &&
			    strcmp(again.authority, url.authority) == 0 &&
			    strcmp(again.target, url.target) == 0,
		    "that says the same");
	} else {
		require(why[0] != '\0', "a refusal has a reason");
	}
	check_proxy(text, &arena);
	free(text);
	arena_free(&arena);
	return 0;
}
