/*
 * poll: reads a list endpoint of a REST API, page by page, and makes an event of
 * each record. One worker polls; the others have nothing to do.
 */
#define OW_NEED_MINOR 3 /* nature(); proxies */
#include <onceway/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "lib/field_text.h"
#include "lib/outbound/outbound.h"
#include "lib/proxy_option.h"
#include "lib/tls_check.h"
#include "source_poll/poller.h"

struct poll_conf {
	const char *url;
	struct ow_pairs headers;
	struct paging_options paging;
	struct poller_options poller;
	int64_t connect_ms, max_response;
	struct ow_tls_options tls;
	const char *proxy;
	struct outbound_options outbound;
};

/* What all workers share. */
struct shared {
	struct token_share *tokens;
	const void *first; /* the one that polls */
};

struct source {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct poll_conf *conf;
	struct ow_http_pool *pool;
	struct outbound *outbound;
	struct paging *paging;
	struct poller *poller; /* NULL: another worker polls */
};

static bool wants_tls(const struct poll_conf *c)
{
	return strncasecmp(c->url, "https:", 6) == 0;
}

/* ---- life ---- */

static void *shared_make(void *arg)
{
	struct shared *shared = alloc_zero(1, sizeof(*shared));
	shared->tokens = token_share_new();
	shared->first = arg;
	return shared;
}

static void shared_free(void *object)
{
	struct shared *shared = object;
	token_share_free(shared->tokens);
	free(shared);
}

static bool make_pool(struct source *s, const char **why)
{
	const struct poll_conf *c = s->conf;
	struct ow_tls_options tls = c->tls;
	tls.size = sizeof(tls);
	s->pool = s->host->http_pool_new(s->self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = c->url,
		.max_connections = 1,
		.max_waiting = 1,
		.connect_ms =
		    c->connect_ms < c->poller.total_ms ? c->connect_ms : c->poller.total_ms,
		.idle_ms = 30000,
		.max_response = c->max_response,
		.tls = wants_tls(c) ? &tls : NULL,
		.proxy = c->proxy},
	    why);
	return s->pool != NULL;
}

static bool make_outbound(struct source *s, struct token_share *tokens, const char **why)
{
	const struct outbound_config config = {.options = &s->conf->outbound,
	    .url = s->conf->url,
	    .proxy = s->conf->proxy,
	    .max_waiting = 1,
	    .share = tokens};
	s->outbound = outbound_new(s->host, s->self, &config, why);
	return s->outbound != NULL;
}

static void source_destroy(void *state)
{
	struct source *s = state;
	poller_free(s->poller);
	paging_free(s->paging);
	outbound_free(s->outbound);
	s->host->http_pool_free(s->pool);
	free(s);
}

static bool make_poller(struct source *s, struct token_share *tokens, const char **why)
{
	const struct poll_conf *c = s->conf;
	s->paging = paging_new(s->host, s->self, c->url, &c->paging, why);
	if (!s->paging || !make_pool(s, why) || !make_outbound(s, tokens, why))
		return false;
	s->poller = poller_new(&(struct poller_parts){.host = s->host,
	    .self = s->self,
	    .url = c->url,
	    .headers = &c->headers,
	    .options = &c->poller,
	    .paging = s->paging,
	    .pool = s->pool,
	    .outbound = s->outbound});
	return true;
}

static void *source_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct source *s = alloc_zero(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->conf = conf;
	const struct shared *shared = host->shared(self, shared_make, s, shared_free);
	if (shared->first != s || make_poller(s, shared->tokens, why))
		return s;
	source_destroy(s);
	return NULL;
}

static void source_start(void *state, struct ow_op *op)
{
	struct source *s = state;
	if (!s->poller) {
		s->host->op_done(op, OW_OK, NULL);
		return;
	}
	outbound_start(s->outbound);
	poller_start(s->poller, op);
}

static void source_drain(void *state, struct ow_op *op)
{
	struct source *s = state;
	if (s->poller)
		poller_drain(s->poller, op);
	else
		s->host->op_done(op, OW_OK, NULL);
}

static void source_settle(void *state, void *cookie, const struct ow_settlement *how)
{
	(void)state;
	poller_settle(cookie, how);
}

/* What is not acknowledged is read again with its page. */
static void source_nature(const void *conf, struct ow_source_nature *nature)
{
	(void)conf;
	nature->queue = true;
}

/* ---- options ---- */

static void check_headers(const struct ow_pairs *headers, const struct ow_report *report)
{
	for (size_t i = 0; i < headers->count; i++) {
		const char *name = headers->names[i];
		if (!field_is_name(name))
			report->complain(report, "headers", "`%s` is not a header name", name);
		else if (field_is_reserved(name))
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strpbrk(headers->values[i], "\r\n"))
			report->complain(
			    report, "headers", "`%s` has a line break in its value", name);
	}
}

static void source_check(const void *conf, const struct ow_report *report)
{
	const struct poll_conf *c = conf;
	static const char *const own[] = {NULL};
	size_t len = c->poller.state ? strlen(c->poller.state) : 1;
	tls_options_check(&c->tls, wants_tls(c), "http://", "https://", report);
	proxy_option_check("proxy", c->proxy, report);
	outbound_options_check(
	    &c->outbound, &(struct outbound_taken){&c->headers, own}, report);
	check_headers(&c->headers, report);
	paging_check(&c->paging, report);
	if (c->poller.state && (len == 0 || c->poller.state[len - 1] == '/'))
		report->complain(
		    report, "state", "must name a file, such as /var/lib/onceway/contacts");
	backoff_check(c->poller.retry.base_ms, c->poller.retry.max_ms, "retry", report);
}

OW_TLS_CHOICES;
static const char *const schemes[] = {"https", "http", NULL};
static const char *const modes[] = {"none", "cursor", "next", "link", "page", "offset", NULL};
static const char *const ends[] = {"stay", "begin", NULL};

static const struct ow_option source_options[] = {
    OW_URL(struct poll_conf, url, "url", .flags = OW_O_REQUIRED, .choices = schemes,
	.help = "The list to read, with its query."),
    OW_PAIRS(struct poll_conf, headers, "headers", .max = 64,
	.help = "Headers added to each request; values may hold secrets and are never logged."),
    OW_DURATION(struct poll_conf, poller.interval_ms, "interval", .dflt = "60s", .min = 1,
	.max = 604800000, .help = "Rest between the end of a round and the next one."),
    OW_POINTER(struct poll_conf, paging.records, "records", .dflt = "",
	.help = "Where in the body the array of records is; by default the body is it."),
    OW_ENUM(struct poll_conf, paging.mode, "paging", .dflt = "none", .choices = modes,
	.help = "How there are more pages: by a `cursor` in the body for a parameter, the "
		"`next` page's URL in the body, a `link` header, or a parameter that counts "
		"pages (`page`) or records (`offset`)."),
    OW_POINTER(struct poll_conf, paging.cursor, "cursor",
	.help =
	    "Where in the body the next cursor is; absent, null or empty on the last page."),
    OW_POINTER(struct poll_conf, paging.next, "next",
	.help = "Where in the body the next page's URL or path is."),
    OW_STRING(struct poll_conf, paging.parameter, "parameter",
	.help = "Query parameter that takes the cursor, page or offset; by default of that "
		"name."),
    OW_INT(struct poll_conf, paging.first, "first_page", .dflt = "1", .min = 0, .max = 1,
	.help = "Number of the first page."),
    OW_INT(struct poll_conf, paging.size, "page_size", .dflt = "0", .min = 0, .max = 100000,
	.unit = "records",
	.help = "Records of a full page: a shorter one is the last. 0: an empty one is."),
    OW_STRING(struct poll_conf, paging.size_parameter, "page_size_parameter",
	.help = "Query parameter by which page_size is asked for."),
    OW_ENUM(struct poll_conf, poller.at_end, "at_end", .dflt = "stay", .choices = ends,
	.help = "Where the next round begins: `stay` reads the last page again, `begin` the "
		"first."),
    OW_STRING(struct poll_conf, poller.state, "state",
	.help = "File that keeps which page is next, so that a restart goes on there."),
    OW_INT(struct poll_conf, poller.max_pages, "max_pages", .dflt = "1000", .min = 1,
	.max = 10000, .unit = "pages", .help = "Pages of one round, at most."),
    OW_INT(struct poll_conf, poller.max_inflight, "max_inflight", .dflt = "100", .min = 1,
	.max = 10000, .unit = "records", .help = "Records under way at once, at most."),
    OW_BOOL(struct poll_conf, poller.hold_invalid, "hold_invalid", .dflt = "false",
	.help = "Whether a record that the route refuses as invalid stops the reading; else it "
		"is left out, counted and logged."),
    OW_DURATION(struct poll_conf, poller.retry.base_ms, "retry.base", .dflt = "1s", .min = 1,
	.max = 3600000, .help = "Wait after a failure; doubled with each further one."),
    OW_DURATION(struct poll_conf, poller.retry.max_ms, "retry.max", .dflt = "60s", .min = 1,
	.max = 86400000, .help = "Longest such wait; a longer Retry-After counts."),
    OW_DURATION(struct poll_conf, connect_ms, "timeout.connect", .dflt = "3s", .min = 1,
	.max = 600000, .help = "Time for one connection attempt."),
    OW_DURATION(struct poll_conf, poller.total_ms, "timeout.total", .dflt = "30s", .min = 1,
	.max = 3600000, .help = "Time for one page, to the answer's last byte."),
    OW_SIZE(struct poll_conf, max_response, "max_response", .dflt = "8MiB", .min = 1,
	.max = 268435456, .help = "Largest page."),
    OW_TLS_OPTIONS(struct poll_conf, tls),
    OW_SECRET(struct poll_conf, proxy, "proxy",
	.help = "HTTP proxy to go through, http://[user:password@]host:port, for "
		"oauth2.token_url too."),
    OUTBOUND_OPTIONS(struct poll_conf, outbound),
    OW_OPTION_END,
};

static const struct ow_source_ops source_ops = {
    .size = sizeof(source_ops),
    .settle = source_settle,
    .nature = source_nature,
};

static const struct ow_component poll_component = {
    .kind = OW_SOURCE,
    .conf_size = sizeof(struct poll_conf),
    .name = "poll",
    .summary = "Reads a list endpoint of a REST API, page by page.",
    .options = source_options,
    .example =
	"{plugin: poll, url: \"https://api.example.com/v1/contacts\", records: /contacts, "
	"paging: cursor, cursor: /next, state: /var/lib/onceway/contacts}",
    .check = source_check,
    .create = source_create,
    .start = source_start,
    .drain = source_drain,
    .destroy = source_destroy,
    .ops = &source_ops,
};

static const struct ow_component *const components[] = {&poll_component, NULL};

OW_MODULE("source_poll", "1.0", "Apache-2.0", components)
