#include "spool/request.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

/* So many that nobody waits for are worth a transaction of their own; fewer wait so long for
 * one to go along with. */
/* Beyond it nothing more is taken in; as much again may be in the transaction under way. */
#define LINE_BYTES_MAX ((size_t)64 << 20)
#define ENOUGH	       256
#define LINGER_MS      200

struct spool_request *spool_request_new(enum request_kind kind)
{
	struct spool_request *r = mem_zero(sizeof(*r));
	r->kind = kind;
	return r;
}

/* Where the copies of texts stand, one behind the other. */
static struct ow_text keep(char **at, struct ow_text t)
{
	struct ow_text copy = {*at, t.len};
	if (t.len)
		memcpy(*at, t.data, t.len);
	*at += t.len;
	return copy;
}

static struct ow_text cut(struct ow_text t, size_t max)
{
	return (struct ow_text){t.data, t.len < max ? t.len : max};
}

static size_t event_length(const struct spool_event *e)
{
	return e->route.len + e->source.len + e->key.len + e->path.len + e->headers.len +
	       e->body.len + e->trace.len + e->history.len;
}

static void keep_event(struct spool_request *r, const struct spool_event *e, char **at)
{
	r->event = *e;
	r->event.route = keep(at, e->route);
	r->event.source = keep(at, e->source);
	r->event.key = keep(at, e->key);
	r->event.path = keep(at, e->path);
	r->event.headers = keep(at, e->headers);
	r->event.body = keep(at, e->body);
	r->event.trace = keep(at, e->trace);
	r->event.history = keep(at, e->history);
}

static void keep_death(struct spool_request *r, const struct spool_death *d, char **at)
{
	r->death.reason = keep(at, d->reason);
	r->death.history = keep(at, d->history);
	if (!d->answer)
		return;
	r->answer.size = sizeof(r->answer);
	r->answer.status = d->answer->status;
	r->answer.content_type = keep(at, d->answer->content_type);
	r->answer.body = keep(at, cut(d->answer->body, ANSWER_BODY_MAX));
	r->death.answer = &r->answer;
}

struct spool_request *spool_request_new_event(
    enum request_kind kind, const struct spool_event *event, const struct spool_death *death)
{
	static const struct spool_event no_event;
	static const struct spool_death no_death;
	const struct spool_event *e = event ? event : &no_event;
	const struct spool_death *d = death ? death : &no_death;
	size_t answer =
	    d->answer ? d->answer->content_type.len + cut(d->answer->body, ANSWER_BODY_MAX).len
		      : 0;
	size_t bytes = sizeof(struct spool_request) + event_length(e) + d->reason.len +
		       d->history.len + answer;
	struct spool_request *r = mem_alloc(bytes);
	char *at = (char *)(r + 1);
	*r = (struct spool_request){.kind = kind, .bytes = bytes};
	keep_event(r, e, &at);
	keep_death(r, d, &at);
	return r;
}

void spool_request_free(struct spool_request *r)
{
	for (size_t i = 0; i < r->found_count; i++)
		free((char *)r->found[i].route.data);
	free(r->found);
	free(r);
}

bool spool_request_is_urgent(const struct spool_request *r)
{
	return r->kind != REQUEST_REMOVE && r->kind != REQUEST_DEFER;
}

/* ---- the line ---- */

void spool_line_init(struct spool_line *line)
{
	pthread_condattr_t attributes;
	*line = (struct spool_line){.last = &line->first};
	pthread_mutex_init(&line->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&line->arrived, &attributes);
	pthread_condattr_destroy(&attributes);
}

void spool_line_fini(struct spool_line *line)
{
	pthread_cond_destroy(&line->arrived);
	pthread_mutex_destroy(&line->lock);
}

/* Those who asked for it may have left: their time is over, and what they brought stays. */
static bool is_too_much(const struct spool_line *line, const struct spool_request *r)
{
	bool brings = r->kind == REQUEST_PUT || r->kind == REQUEST_PUT_DEAD;
	return brings && line->bytes > 0 && line->bytes + r->bytes > LINE_BYTES_MAX;
}

bool spool_line_add(struct spool_line *line, struct spool_request *r)
{
	pthread_mutex_lock(&line->lock);
	if (is_too_much(line, r)) {
		pthread_mutex_unlock(&line->lock);
		return false;
	}
	line->bytes += r->bytes;
	*line->last = r;
	line->last = &r->next;
	line->count++;
	bool wanted = spool_request_is_urgent(r) || line->count == ENOUGH;
	bool wake = line->count == 1 || (wanted && !line->urgent);
	line->urgent = line->urgent || wanted;
	pthread_mutex_unlock(&line->lock);
	if (wake)
		pthread_cond_signal(&line->arrived);
	return true;
}

void spool_line_close(struct spool_line *line)
{
	pthread_mutex_lock(&line->lock);
	line->closed = true;
	pthread_mutex_unlock(&line->lock);
	pthread_cond_signal(&line->arrived);
}

static struct timespec time_after(long ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

struct spool_request *spool_line_wait(struct spool_line *line, long ms, bool *closed)
{
	struct timespec until = time_after(ms);
	pthread_mutex_lock(&line->lock);
	bool lingers = line->first != NULL;
	if (lingers)
		until = time_after(LINGER_MS);
	while (!line->urgent && !line->closed &&
	       pthread_cond_timedwait(&line->arrived, &line->lock, &until) == 0) {
		if (line->first && !lingers) {
			lingers = true;
			until = time_after(LINGER_MS);
		}
	}
	struct spool_request *first = line->first;
	line->first = NULL;
	line->last = &line->first;
	line->count = 0;
	line->bytes = 0;
	line->urgent = false;
	*closed = line->closed;
	pthread_mutex_unlock(&line->lock);
	return first;
}
