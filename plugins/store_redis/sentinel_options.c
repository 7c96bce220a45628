#define OW_NEED_MINOR 1 /* given() */
#include "store_redis/sentinel_options.h"

#include <string.h>

static void check_master(const struct sentinel_options *options, const struct ow_report *report)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	const char *name = options->master;
	if (!*name || name[strspn(name, allowed)])
		report->complain(report, "sentinel.master",
		    "must be the name in `sentinel monitor NAME ...`: letters, digits, `.`, "
		    "`-` and `_`");
	if (!options->nodes.count)
		report->complain(report,
		    report->given(report, "sentinel.nodes") ? "sentinel.nodes"
							    : "sentinel.master",
		    "needs somebody to ask: add `sentinel.nodes: [host:26379, ...]`");
}

static void check_nodes(const struct ow_list *nodes, const struct ow_report *report)
{
	for (size_t i = 0; i < nodes->count; i++) {
		struct redis_url place;
		const char *problem =
		    redis_url_parse_place(nodes->items[i], SENTINEL_PORT, &place);
		if (problem)
			report->complain(
			    report, "sentinel.nodes", "entry %zu %s", i + 1, problem);
		else
			redis_url_fini(&place);
	}
}

static void check_url(const struct redis_url *url, const struct ow_report *report)
{
	if (url->path)
		report->complain(report, "url",
		    "names a socket, but sentinels tell the host and port of the master: use "
		    "redis:// or rediss://, or remove sentinel");
	else if (url->host)
		report->complain(report, "url",
		    "names a host, but with sentinel the sentinels do: leave it out, as in "
		    "redis://user:password@/0");
}

void sentinel_options_check(const struct sentinel_options *options, const struct redis_url *url,
    const struct ow_report *report)
{
	static const char *const others[] = {
	    "sentinel.nodes", "sentinel.user", "sentinel.password", "sentinel.watch"};
	for (size_t i = 0; !options->master && i < sizeof(others) / sizeof(*others); i++)
		if (report->given(report, others[i])) {
			report->complain(report, others[i],
			    "is of no use without `sentinel.master: NAME`: add it, or remove "
			    "this");
			return;
		}
	if (!options->master) {
		if (!url->host && !url->path)
			report->complain(report, "url", "has no host");
		return;
	}
	check_master(options, report);
	check_nodes(&options->nodes, report);
	check_url(url, report);
	if (options->user && !options->password)
		report->complain(report, "sentinel.user", "needs sentinel.password");
}
