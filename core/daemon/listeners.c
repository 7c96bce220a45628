#include "daemon/listeners.h"

#include <string.h>

#include "conf/check.h"
#include "daemon/options.h"
#include "daemon/settings.h"
#include "plugin/configure.h"
#include "plugin/tls_options.h"

#define LISTENERS_MAX 64

/* ---- TLS ---- */

void listener_tls(const struct listener_settings *l, struct tls_config *config)
{
	*config = (struct tls_config){.side = TLS_SERVER,
	    .certificate = l->tls.certificate,
	    .key = l->tls.key,
	    .ca = l->tls.client_ca,
	    .min_version = l->tls.min_version,
	    .asks = (enum tls_asks)l->tls.client};
}

static void load_tls(struct listener_settings *l, const struct option_report *report)
{
	static const char *const names[TLS_PARTS] = {
	    "tls.certificate", "tls.key", "tls.client_ca"};
	struct tls_config config;
	const struct conf_node *node = conf_option_node(l->node, "tls");
	if (!node || node->is_null)
		return;
	l->has_tls = true;
	if (!report->base.given(&report->base, "tls.client"))
		l->tls.client = l->tls.client_ca ? TLS_ASKS_REQUIRE : TLS_ASKS_NONE;
	else if (l->tls.client == TLS_ASKS_NONE && l->tls.client_ca)
		report->base.complain(&report->base, "tls.client_ca",
		    "is of no use: tls.client says that no certificate is asked for");
	listener_tls(l, &config);
	tls_options_look(&config, names, report);
}

/* ---- among the others ---- */

/* Port 0 means any, which is another for each worker. */
static bool all_workers_differ(const struct settings *s, const char *address)
{
	const char *port = strrchr(address, ':');
	return s->process.workers != 1 && port && strcmp(port, ":0") == 0;
}

static void append(struct settings *s, struct listener_settings *l, struct conf_report *report)
{
	struct listener_settings **last = &s->listeners;
	size_t count = 0;
	for (; *last; last = &(*last)->next, count++)
		if (l->address && (*last)->address && strcmp(l->address, (*last)->address) == 0)
			conf_error(report, l->node->key_mark,
			    "listener `%s` has the address of listener `%s` (line %d)", l->name,
			    (*last)->name, (*last)->node->mark.line);
	if (count == LISTENERS_MAX)
		conf_error(report, l->node->key_mark, "there may be at most %d listeners",
		    LISTENERS_MAX);
	*last = l;
}

void listener_load(
    struct settings *s, const struct conf_node *entry, struct conf_report *report)
{
	struct listener_settings *l = arena_alloc(&s->arena, sizeof(*l));
	struct conf_check check = {.table = {listener_options, 0},
	    .what = arena_printf(&s->arena, "listener `%s`", entry->key),
	    .arena = &s->arena,
	    .report = report};
	const struct option_report own =
	    option_report(entry, check.what, &s->arena, &s->secrets, report);
	bool good = conf_check_options(&check, entry, entry->mark, l);
	l->name = entry->key;
	l->node = entry;
	if (good)
		load_tls(l, &own);
	if (l->address && all_workers_differ(s, l->address))
		conf_error(report, conf_option_node(entry, "address")->mark,
		    "%s: option `address` has port 0, and each of several workers would get "
		    "another one: name a port",
		    check.what);
	append(s, l, report);
}
