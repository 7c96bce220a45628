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
	struct request request;
	struct strays *strays;
	bool asked; /* a release is under way */
	bool finished;
	unsigned tries;
	int64_t until_ms;
	char claim[VALUE_CLAIM_SIZE];
	size_t key_len;
	char key[];
};

struct strays {
	struct store *store;
	struct ow_timer *timer;
	struct stray *first, **last;
	size_t count;
};

static void look(void *arg);

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
	stray->key_len = claim->key.len;
	if (claim->key.len)
		memcpy(stray->key, claim->key.data, claim->key.len);
	*strays->last = stray;
	strays->last = &stray->next;
	if (strays->count++ == 0)
		s->host->timer_set(strays->timer, INTERVAL_MS);
}

static void on_released(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct stray *stray = STORE_OF(request, struct stray, request);
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

static void ask(struct stray *stray)
{
	struct store *s = stray->strays->store;
	struct ow_text key = {stray->key, stray->key_len};
	const char *why;
	struct node *node = store_node(s, key);
	command_clear(&s->command);
	script_call(&s->command, node_scripts(node), SCRIPT_RELEASE, true, key, 1);
	command_text(&s->command, (struct ow_text){stray->claim, VALUE_CLAIM_SIZE});
	stray->request.done = on_released;
	stray->asked = node_ready(node, &why) &&
		       node_send(node, store_hash(s, key), &stray->request, &s->command, &why);
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
