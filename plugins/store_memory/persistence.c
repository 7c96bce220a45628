#include "store_memory/persistence.h"

#include <stddef.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/checkpoint_report.h"

struct persistence {
	struct persistence_parts parts;
	struct checkpoint_report *report;
	struct ow_op *starting, *draining;
	struct checkpoint_listener started, saved, saved_last;
	struct ow_timer *timer;
	uint64_t errors_seen;
};

static const struct ow_host *host_of(const struct persistence *p)
{
	return p->parts.host;
}

static struct moment time_of(const struct persistence *p)
{
	return (struct moment){.mono_ms = host_of(p)->mono_ms(p->parts.self),
	    .wall_ms = host_of(p)->wall_ms(p->parts.self)};
}

/* ---- what the thread tells ---- */

static void started(void *arg)
{
	struct persistence *p = arg;
	struct ow_op *op = p->starting;
	struct checkpoint_news news;
	checkpoint_news(p->parts.checkpoint, &news);
	p->starting = NULL;
	if (!news.loaded) {
		host_of(p)->op_done(op, OW_FAIL,
		    p->parts.speaks ? news.why : "its checkpoint cannot be used (see above)");
		return;
	}
	if (p->parts.speaks) {
		checkpoint_report_loaded(
		    p->report, &news.load.file, news.load.file.alive - news.load.no_room, 0);
		if (p->parts.interval_ms > 0)
			host_of(p)->timer_set(p->timer, p->parts.interval_ms);
	}
	p->parts.loaded(p->parts.arg, &news.load);
	host_of(p)->op_done(op, OW_OK, NULL);
}

static void saved(void *arg)
{
	struct persistence *p = arg;
	struct checkpoint_news news;
	checkpoint_news(p->parts.checkpoint, &news);
	if (news.save_failed)
		checkpoint_report_failed(p->report, news.errors - p->errors_seen, news.why);
	else
		checkpoint_report_saved(
		    p->report, &news.save, news.save_time.wall_ms, news.save_time.mono_ms);
	p->errors_seen = news.errors;
}

static void saved_last(void *arg)
{
	struct persistence *p = arg;
	struct ow_op *op = p->draining;
	struct checkpoint_news news;
	checkpoint_news(p->parts.checkpoint, &news);
	p->draining = NULL;
	if (news.save_failed)
		checkpoint_report_failed_last(p->report);
	else
		checkpoint_report_saved_last(p->report, &news.save);
	host_of(p)->op_done(
	    op, news.save_failed ? OW_FAIL : OW_OK, news.save_failed ? news.why : NULL);
}

#define PERSISTENCE_OF(listener, member)                                                       \
	((struct persistence *)(void *)((char *)(listener)-offsetof(                           \
	    struct persistence, member)))

static void tell_started(struct checkpoint_listener *listener)
{
	struct persistence *p = PERSISTENCE_OF(listener, started);
	host_of(p)->post(p->parts.self, started, p);
}

static void tell_saved(struct checkpoint_listener *listener)
{
	struct persistence *p = PERSISTENCE_OF(listener, saved);
	host_of(p)->post(p->parts.self, saved, p);
}

static void tell_saved_last(struct checkpoint_listener *listener)
{
	struct persistence *p = PERSISTENCE_OF(listener, saved_last);
	host_of(p)->post(p->parts.self, saved_last, p);
}

/* ---- life ---- */

static void on_timer(void *arg)
{
	struct persistence *p = arg;
	checkpoint_save(p->parts.checkpoint, time_of(p), &p->saved);
	host_of(p)->timer_set(p->timer, p->parts.interval_ms);
}

struct persistence *persistence_new(const struct persistence_parts *parts)
{
	struct persistence *p = alloc_zero(1, sizeof(*p));
	p->parts = *parts;
	p->started.tell = tell_started;
	p->saved.tell = tell_saved;
	p->saved_last.tell = tell_saved_last;
	p->timer = parts->host->timer_new(parts->self, on_timer, p);
	p->report = checkpoint_report_new(parts->host, parts->self, parts->path);
	return p;
}

void persistence_free(struct persistence *p)
{
	if (!p)
		return;
	checkpoint_forget(p->parts.checkpoint, &p->started);
	checkpoint_forget(p->parts.checkpoint, &p->saved);
	checkpoint_forget(p->parts.checkpoint, &p->saved_last);
	host_of(p)->timer_free(p->timer);
	checkpoint_report_free(p->report);
	free(p);
}

void persistence_start(struct persistence *p, struct ow_op *op)
{
	p->starting = op;
	if (checkpoint_load(p->parts.checkpoint, time_of(p), &p->started))
		return;
	p->starting = NULL;
	host_of(p)->op_done(op, OW_FAIL, "cannot start the checkpoint's thread");
}

void persistence_drain(struct persistence *p, struct ow_op *op, bool last)
{
	host_of(p)->timer_set(p->timer, -1);
	p->draining = op;
	if (last && checkpoint_save_last(p->parts.checkpoint, time_of(p), &p->saved_last))
		return;
	p->draining = NULL;
	host_of(p)->op_done(op, OW_OK, NULL);
}
