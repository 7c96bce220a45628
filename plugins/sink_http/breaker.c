#include "sink_http/breaker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/alloc.h"

/* While the probe is under way: to ask again for its end. */
#define PROBE_WAIT_MS 1000

struct breaker {
	int64_t failures, cooldown_ms;
	pthread_mutex_t lock;
	/* under the lock */
	uint64_t era;	    /* another one whenever it opens, lets a probe through or closes */
	int64_t in_a_row;   /* failures, while closed */
	bool open, probing; /* probing: open, with a probe under way */
	int64_t until_ms;   /* open: nothing before */
	int64_t opened_ms;  /* when it opened first */
	char why[BREAKER_WHY];
};

struct breaker *breaker_new(int64_t failures, int64_t cooldown_ms)
{
	struct breaker *b = alloc_zero(1, sizeof(*b));
	b->failures = failures;
	b->cooldown_ms = cooldown_ms;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

void breaker_free(struct breaker *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static bool enter(
    struct breaker *b, int64_t now_ms, struct breaker_pass *pass, int64_t *wait_ms)
{
	if (b->probing) {
		*wait_ms = b->cooldown_ms < PROBE_WAIT_MS ? b->cooldown_ms : PROBE_WAIT_MS;
		return false;
	}
	if (b->open && now_ms < b->until_ms) {
		*wait_ms = b->until_ms - now_ms;
		return false;
	}
	if (b->open) {
		b->probing = true;
		b->era++;
	}
	*pass = (struct breaker_pass){b->era, b->probing};
	return true;
}

bool breaker_enter(
    struct breaker *b, int64_t now_ms, struct breaker_pass *pass, int64_t *wait_ms)
{
	pthread_mutex_lock(&b->lock);
	bool let = enter(b, now_ms, pass, wait_ms);
	pthread_mutex_unlock(&b->lock);
	return let;
}

bool breaker_holds(struct breaker *b, const struct breaker_pass *pass)
{
	pthread_mutex_lock(&b->lock);
	bool holds = pass->era == b->era;
	pthread_mutex_unlock(&b->lock);
	return holds;
}

static enum breaker_change open_up(struct breaker *b, int64_t now_ms, const char *why)
{
	bool again = b->open;
	snprintf(b->why, sizeof(b->why), "%s", why ? why : "it failed");
	b->era++;
	b->open = true;
	b->probing = false;
	b->in_a_row = 0;
	b->until_ms = now_ms + b->cooldown_ms;
	if (again)
		return BREAKER_OPENED_AGAIN;
	b->opened_ms = now_ms;
	return BREAKER_OPENED;
}

static enum breaker_change leave_probe(
    struct breaker *b, int64_t now_ms, enum health health, const char *why)
{
	if (health == HEALTH_ILL)
		return open_up(b, now_ms, why);
	b->era++;
	b->probing = false; /* the next request is the probe, if this one was none */
	b->open = health != HEALTH_SOUND;
	return b->open ? BREAKER_AS_BEFORE : BREAKER_CLOSED;
}

static enum breaker_change leave(struct breaker *b, int64_t now_ms,
    const struct breaker_pass *pass, enum health health, const char *why)
{
	if (pass->era != b->era)
		return BREAKER_AS_BEFORE;
	if (pass->probe)
		return leave_probe(b, now_ms, health, why);
	if (health == HEALTH_SOUND)
		b->in_a_row = 0;
	if (health == HEALTH_ILL && ++b->in_a_row >= b->failures)
		return open_up(b, now_ms, why);
	return BREAKER_AS_BEFORE;
}

enum breaker_change breaker_leave(struct breaker *b, int64_t now_ms,
    const struct breaker_pass *pass, enum health health, const char *why)
{
	pthread_mutex_lock(&b->lock);
	enum breaker_change change = leave(b, now_ms, pass, health, why);
	pthread_mutex_unlock(&b->lock);
	return change;
}

void breaker_look(struct breaker *b, int64_t now_ms, struct breaker_news *news)
{
	pthread_mutex_lock(&b->lock);
	bool shut = b->open && !b->probing && now_ms < b->until_ms;
	news->shut_ms = shut ? b->until_ms - now_ms : 0;
	news->since_ms = now_ms - b->opened_ms;
	snprintf(news->why, sizeof(news->why), "%s", b->why);
	pthread_mutex_unlock(&b->lock);
}
