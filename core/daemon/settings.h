/*
 * A configuration, checked: every reference resolved, every value in its
 * struct. Immutable once loaded; shared by all workers.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include "base/arena.h"
#include "conf/tree.h"
#include "daemon/listeners.h"
#include "daemon/match_options.h"
#include "plugin/registry.h"
#include "route/route.h"

#define ADMIN_OFF "off"

struct process_settings {
	int64_t workers;   /* or OW_WORD(0): auto */
	const char *admin; /* host:port, or ADMIN_OFF */
	int64_t drain_timeout_ms;
	int log_level;	/* index: error, warning, info, debug */
	int log_format; /* enum log_format */
	struct ow_list plugin_path;
	const char *state_dir;			   /* NULL: none, nothing is kept on disk */
	int64_t spool_max_bytes, spool_max_age_ms; /* of waiting events */
	int64_t dead_max_bytes, dead_max_age_ms;   /* of dead letters */
};

/* A configured source, store, sink or keyer. */
struct component_settings {
	struct component_settings *next;
	const char *name; /* of a keyer: its route's */
	const struct conf_node *node;
	const struct component *component;
	const void *conf;
	bool used; /* by a route */
};

struct route_settings {
	struct route_settings *next;
	const char *name;
	const struct conf_node *node;
	const char *from, *store_name, *to, *fallback_name; /* as written */
	struct ow_list also;				    /* likewise */
	struct match_options match_options;
	struct match *match; /* NULL: all of the source's events */
	struct route_policy policy;
	bool queue; /* its source is one */
	struct component_settings *source, *store, *sink, *keyer;
	struct component_settings *fallback;	/* a store, or NULL */
	struct component_settings **also_sinks; /* also.count of them */
};

struct settings {
	struct arena arena; /* holds the tree and all that is below */
	const char *file;
	struct registry *registry;
	struct process_settings process;
	struct listener_settings *listeners;
	struct component_settings *sources, *stores, *sinks;
	struct route_settings *routes;
	struct ow_list secrets; /* of all components; no message may show them */
};

/*
 * Loads and checks a file. plugin_dirs (ends with NULL; may be NULL) come
 * before those of `onceway: plugin_path`. Complaints go to report; when there
 * was an error the result is NULL.
 */
struct settings *settings_load(
    const char *file, const char *const *plugin_dirs, struct conf_report *report);
/* How a sink wants to be retried, from its configuration. */
struct ow_sink_policy settings_sink_policy(const struct component_settings *sink);
/* What a source can do with events it is told to keep, from its configuration. */
struct ow_source_nature settings_source_nature(const struct component_settings *source);
void settings_free(struct settings *s); /* NULL is fine */

#endif
