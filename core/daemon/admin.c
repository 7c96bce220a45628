#include "daemon/admin.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/process_metrics.h"
#include "daemon/version.h"
#include "io/http_server.h"
#include "spool/spool.h"

#define WHY_SIZE     300 /* as assembly_ready() wants it */
#define TEXT_TYPE    "text/plain; charset=utf-8"
#define JSON_TYPE    "application/json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct admin {
	struct admin_view view;
	struct http_server *server;
	int64_t started_ms;
};

static void answer(
    struct ow_http_request *request, int status, const char *type, struct ow_text body)
{
	http_request_answer(
	    request, &(struct http_answer){
			 .status = status, .content_type = text_of(type), .body = body});
}

static void serve_metrics(struct ow_http_request *request, void *arg)
{
	struct admin *a = arg;
	struct buf body = BUF_INIT;
	process_metrics_publish(worker_metrics(a->view.main), worker_index(a->view.main));
	metrics_render(worker_metrics(a->view.main), &body);
	answer(request, 200, METRICS_TYPE, buf_text(&body));
	buf_free(&body);
}

/* Alive: this thread answers. */
static void serve_health(struct ow_http_request *request, void *arg)
{
	(void)arg;
	answer(request, 200, TEXT_TYPE, text_of("ok\n"));
}

static bool is_ready(const struct admin *a, char *why)
{
	if (!*a->view.started || *a->view.draining) {
		snprintf(why, WHY_SIZE, "%s", *a->view.draining ? "draining" : "starting");
		return false;
	}
	for (size_t i = 0; i < a->view.count; i++)
		if (!assembly_ready(a->view.assemblies[i], why))
			return false;
	return true;
}

static void serve_ready(struct ow_http_request *request, void *arg)
{
	char why[WHY_SIZE];
	struct buf body = BUF_INIT;
	bool ready = is_ready(arg, why);
	buf_printf(&body, "%s\n", ready ? "ok" : why);
	answer(request, ready ? 200 : 503, TEXT_TYPE, buf_text(&body));
	buf_free(&body);
}

static json_t *describe_route(struct admin *a, const struct route_settings *r)
{
	struct metrics *m = worker_metrics(a->view.main);
	const struct metric_label route[] = {{"route", text_of(r->name)}, {NULL, TEXT_NONE}};
	json_t *out = json_object(), *events = json_object();
	for (int o = OW_DELIVERED; o < OUTCOMES; o++) {
		const char *name = outcome_name((enum ow_outcome)o);
		if (o == OW_UNROUTED)
			continue; /* it has no route */
		const struct metric_label labels[] = {
		    {"route", text_of(r->name)}, {"outcome", text_of(name)}, {NULL, TEXT_NONE}};
		json_object_set_new(events, name,
		    json_integer(metrics_total(m, "onceway_events_total", labels)));
	}
	json_object_set_new(out, "from", json_string(r->from));
	json_object_set_new(out, "store", json_string(r->store_name));
	json_object_set_new(out, "to", json_string(r->to));
	if (r->fallback_name) {
		json_object_set_new(out, "fallback", json_string(r->fallback_name));
		json_object_set_new(out, "on_fallback",
		    json_boolean(metrics_total(m, "onceway_store_fallback", route) > 0));
	}
	if (r->policy.observe)
		json_object_set_new(out, "observe", json_true());
	json_object_set_new(out, "events", events);
	json_object_set_new(
	    out, "inflight", json_integer(metrics_total(m, "onceway_inflight", route)));
	json_object_set_new(
	    out, "waiting", json_integer(metrics_total(m, "onceway_waiting", route)));
	return out;
}

static json_t *describe_parts(struct admin *a, enum ow_kind kind)
{
	json_t *out = json_object();
	for (size_t i = 0; i < a->view.count; i++)
		assembly_describe(a->view.assemblies[i], kind, out);
	return out;
}

static json_t *describe_spool(struct spool *spool)
{
	const struct spool_counts counts = spool_count(spool);
	const char *problem = spool_obstacle(spool);
	json_t *out = json_object();
	json_object_set_new(out, "ready", json_boolean(!problem));
	if (problem)
		json_object_set_new(out, "why", json_string(problem));
	json_object_set_new(out, "waiting", json_integer((json_int_t)counts.waiting));
	json_object_set_new(
	    out, "waiting_bytes", json_integer((json_int_t)counts.waiting_bytes));
	json_object_set_new(out, "dead_letters", json_integer((json_int_t)counts.dead));
	return out;
}

static void serve_status(struct ow_http_request *request, void *arg)
{
	struct admin *a = arg;
	const struct settings *s = a->view.settings;
	json_t *out = json_object(), *routes = json_object();
	char why[WHY_SIZE];
	bool ready = is_ready(a, why);
	for (const struct route_settings *r = s->routes; r; r = r->next)
		json_object_set_new(routes, r->name, describe_route(a, r));
	json_object_set_new(out, "version", json_string(ONCEWAY_VERSION));
	json_object_set_new(out, "config", json_string(s->file));
	json_object_set_new(out, "uptime_seconds",
	    json_integer((clock_mono(worker_clock(a->view.main)) - a->started_ms) / 1000));
	json_object_set_new(out, "workers", json_integer((json_int_t)a->view.count));
	json_object_set_new(out, "ready", json_boolean(ready));
	json_object_set_new(out, "draining", json_boolean(*a->view.draining));
	json_object_set_new(out, "routes", routes);
	json_object_set_new(out, "stores", describe_parts(a, OW_STORE));
	json_object_set_new(out, "sinks", describe_parts(a, OW_SINK));
	if (a->view.spool)
		json_object_set_new(out, "spool", describe_spool(a->view.spool));
	char *text = json_dumps(out, JSON_INDENT(2));
	answer(request, 200, JSON_TYPE, text_of(text));
	free(text);
	json_decref(out);
}

struct admin *admin_new(const struct admin_view *view)
{
	static const struct http_limits limits = {.max_body = 4096,
	    .max_headers = 16384,
	    .header_timeout_ms = 10000,
	    .body_timeout_ms = 10000,
	    .idle_timeout_ms = 60000,
	    .max_connections = 64,
	    .max_pipelined = 4};
	static const struct {
		const char *path;
		ow_http_handler *handler;
	} pages[] = {{"/metrics", serve_metrics}, {"/healthz", serve_health},
	    {"/readyz", serve_ready}, {"/status", serve_status}};
	char why[256];
	int fd = http_listen_socket(view->settings->process.admin, false, why);
	if (fd < 0) {
		log_error(
		    "core", "admin: %s; set `onceway: {admin: HOST:PORT}`, or `off`", why);
		return NULL;
	}
	struct admin *a = mem_zero(sizeof(*a));
	a->view = *view;
	a->started_ms = clock_mono(worker_clock(view->main));
	log_info("core", "admin on %s (port %d)", view->settings->process.admin,
	    http_socket_port(fd));
	a->server =
	    http_server_new(worker_base(view->main), worker_clock(view->main), fd, &limits);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		http_server_serve(
		    a->server, pages[i].path, OW_HTTP_GET | OW_HTTP_HEAD, pages[i].handler, a);
	http_server_accept(a->server);
	return a;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	http_server_free(a->server);
	free(a);
}
