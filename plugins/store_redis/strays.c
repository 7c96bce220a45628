#include "store_redis/strays.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/value.h"

#define STRAYS_MAX  1024
#define TRIES	    5
#define INTERVAL_MS 1000

/* How long beyond its `lock` a claim may still turn up, carried out late. */
#define LATE_MS 60000

struct stray {
	struct stray *next;
	struct trip trip;
	struct strays *strays;
	bool asked; /* a release is under way */
	bool finished;
	unsigned tries;
	int64_t until_ms;
	char claim[VALUE_CLAIM_SIZE];
	char key[]; /* the trip's */
};

struct strays {
	struct store *store;
	struct ow_timer *timer;
	struct stray *first, **last;
	size_t count;
};

static void look(void *arg);
static const struct trip_kind trip_kind;

struct strays *strays_new(struct store *s)
{
	struct strays *strays = alloc_zero(1, sizeof(*strays));
	strays->store = s;
	strays->last = &strays->first;
	strays->timer = s->host->timer_new(s->self, look, strays);
	return strays;
}

void strays_free(struct strays *strays)
{
	if (!strays)
		return;
	while (strays->first) {
		struct stray *stray = strays->first;
		strays->first = stray->next;
		free(stray);
	}
	strays->store->host->timer_free(strays->timer);
	free(strays);
}

void strays_add(struct strays *strays, const struct ow_claim *claim)
{
	struct store *s = strays->store;
	if (strays->count >= STRAYS_MAX)
		return; /* it ends by itself after `lock` */
	struct stray *stray = alloc_zero(1, sizeof(*stray) + claim->key.len);
	stray->strays = strays;
	stray->until_ms = store_now(s) + claim->lock_ms + LATE_MS;
	value_write_claim(claim->token, stray->claim);
	if (claim->key.len)
		memcpy(stray->key, claim->key.data, claim->key.len);
	stray->trip = (struct trip){.kind = &trip_kind,
	    .store = s,
	    .key = {stray->key, claim->key.len},
	    .hash = store_hash(s, claim->key)};
	*strays->last = stray;
	strays->last = &stray->next;
	if (strays->count++ == 0)
		s->host->timer_set(strays->timer, INTERVAL_MS);
}

static void on_released(struct trip *t, struct redisReply *const *replies, const char *why)
{
	struct stray *stray = STORE_OF(t, struct stray, trip);
	struct store *s = stray->strays->store;
	(void)why;
	stray->asked = false;
	if (!replies || replies[0]->type != REDIS_REPLY_INTEGER)
		return;
	if (replies[0]->integer == 1)
		s->host->count(s->counters.strays_released, 1);
	/* Nobody has the key: the claim may never have arrived, or not yet. */
	stray->finished = replies[0]->integer >= 0 || ++stray->tries >= TRIES;
}

static void write_release(struct trip *t, struct command *commands)
{
	const struct stray *stray = STORE_OF(t, struct stray, trip);
	script_call(commands, node_scripts(t->node), SCRIPT_RELEASE, true, t->key, 1);
	command_text(commands, (struct ow_text){stray->claim, VALUE_CLAIM_SIZE});
}

static const struct trip_kind trip_kind = {.write = write_release, .done = on_released};

static void ask(struct stray *stray)
{
	const char *why;
	stray->asked = trip_ready(&stray->trip) && trip_send(&stray->trip, &why);
}

static void look(void *arg)
{
	struct strays *strays = arg;
	int64_t now = store_now(strays->store);
	struct stray **at = &strays->first;
	while (*at) {
		struct stray *stray = *at;
		if (!stray->asked && (stray->finished || now >= stray->until_ms)) {
			*at = stray->next;
			free(stray);
			strays->count--;
			continue;
		}
		if (!stray->asked)
			ask(stray);
		at = &stray->next;
	}
	strays->last = at;
	if (strays->count > 0)
		strays->store->host->timer_set(strays->timer, INTERVAL_MS);
}

void strays_release(struct strays *strays)
{
	if (strays->count > 0)
		strays->store->host->timer_set(strays->timer, 0);
}

size_t strays_count(const struct strays *strays)
{
	return strays->count;
}
