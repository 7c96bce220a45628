#define OW_NEED_MINOR 1 /* given() */
#include "store_redis/cluster_options.h"

static void check_nodes(const struct ow_list *nodes, const struct ow_report *report)
{
	for (size_t i = 0; i < nodes->count; i++) {
		struct redis_url place;
		const char *problem =
		    redis_url_parse_place(nodes->items[i], REDIS_PORT, &place);
		if (problem)
			report->complain(report, "nodes", "entry %zu %s", i + 1, problem);
		else
			redis_url_fini(&place);
	}
}

void cluster_options_check(const struct cluster_options *options, const struct redis_url *url,
    bool sentinel, const struct ow_report *report)
{
	static const char *const others[] = {"nodes", "max_nodes"};
	for (size_t i = 0; !options->wanted && i < sizeof(others) / sizeof(*others); i++)
		if (report->given(report, others[i]))
			report->complain(report, others[i],
			    "is of no use without `cluster: true`: add it, or remove this");
	if (!options->wanted)
		return;
	check_nodes(&options->nodes, report);
	if (sentinel)
		report->complain(report, "cluster",
		    "does not go with sentinel: a cluster replaces its masters itself");
	if (url->path)
		report->complain(report, "cluster",
		    "needs a url with host and port: the nodes of a cluster are reached by "
		    "network");
	if (url->db != 0)
		report->complain(report, "cluster",
		    "needs a url without a database, or with 0: a cluster has no other");
}
