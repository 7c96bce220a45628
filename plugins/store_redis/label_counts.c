#include "store_redis/label_counts.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/utf8.h"
#include "store_redis/chain_map.h"

#define LABELS_MAX  1000
#define LABEL_MAX   200 /* bytes; the rest is cut off */
#define INTERVAL_MS 1000
#define LIFE_MS	    86400000

struct label {
	struct chain chain;
	struct label *next;
	uint64_t count;
	size_t len;
	char text[]; /* prefix and label: the counter's key */
};

struct label_counts {
	struct store *store;
	struct ow_timer *timer;
	struct chain_map map;
	struct label *first;
	size_t prefix_len;
};

static void on_timer(void *arg)
{
	label_counts_flush(arg);
}

struct label_counts *label_counts_new(struct store *s)
{
	struct label_counts *counts = alloc_zero(1, sizeof(*counts));
	counts->store = s;
	counts->prefix_len = strlen(s->conf->counter_prefix);
	counts->timer = s->host->timer_new(s->self, on_timer, counts);
	return counts;
}

static void clear(struct label_counts *counts)
{
	while (counts->first) {
		struct label *label = counts->first;
		counts->first = label->next;
		chain_remove(&counts->map, &label->chain);
		free(label);
	}
}

void label_counts_free(struct label_counts *counts)
{
	if (!counts)
		return;
	clear(counts);
	chain_map_fini(&counts->map);
	counts->store->host->timer_free(counts->timer);
	free(counts);
}

static struct label *find(struct label_counts *counts, struct ow_text text, uint64_t hash)
{
	struct chain *it = chain_first(&counts->map, hash);
	for (; it; it = chain_next(it)) {
		struct label *label = (struct label *)it;
		size_t len = label->len - counts->prefix_len;
		if (len == text.len &&
		    memcmp(label->text + counts->prefix_len, text.data, len) == 0)
			return label;
	}
	return NULL;
}

void label_counts_add(struct label_counts *counts, struct ow_text text)
{
	struct store *s = counts->store;
	text.len = utf8_cut(text, LABEL_MAX);
	if (text.len == 0 || counts->prefix_len == 0)
		return;
	uint64_t hash = store_hash(s, text);
	struct label *label = find(counts, text, hash);
	if (label) {
		label->count++;
		return;
	}
	if (counts->map.count >= LABELS_MAX) {
		s->host->count(s->counters.labels_dropped, 1);
		return;
	}
	label = alloc_zero(1, sizeof(*label) + counts->prefix_len + text.len);
	label->count = 1;
	label->len = counts->prefix_len + text.len;
	memcpy(label->text, s->conf->counter_prefix, counts->prefix_len);
	memcpy(label->text + counts->prefix_len, text.data, text.len);
	chain_add(&counts->map, &label->chain, hash);
	label->next = counts->first;
	counts->first = label;
	if (!label->next)
		s->host->timer_set(counts->timer, INTERVAL_MS);
}

/* A label's count on its way. */
struct parcel {
	struct trip trip;
	uint64_t count;
	char key[];
};

static void write_parcel(struct trip *t, struct command *commands)
{
	const struct parcel *parcel = STORE_OF(t, struct parcel, trip);
	script_call(commands, node_scripts(t->node), SCRIPT_COUNT, true, t->key, 2);
	command_number(commands, (int64_t)parcel->count);
	command_number(commands, LIFE_MS);
}

/* Nobody waits for it, and nothing is done about an error. */
static void on_counted(struct trip *t, struct redisReply *const *replies, const char *why)
{
	(void)replies, (void)why;
	free(STORE_OF(t, struct parcel, trip));
}

/* False: its server is not there. */
static bool send_one(struct label_counts *counts, const struct label *label)
{
	static const struct trip_kind kind = {.write = write_parcel, .done = on_counted};
	struct store *s = counts->store;
	struct parcel *parcel = alloc_zero(1, sizeof(*parcel) + label->len);
	const char *why;
	memcpy(parcel->key, label->text, label->len);
	struct ow_text key = {parcel->key, label->len};
	parcel->count = label->count;
	parcel->trip =
	    (struct trip){.kind = &kind, .store = s, .key = key, .hash = store_hash(s, key)};
	if (trip_ready(&parcel->trip) && trip_send(&parcel->trip, &why))
		return true;
	free(parcel);
	return false;
}

void label_counts_flush(struct label_counts *counts)
{
	struct label **at = &counts->first;
	while (*at) {
		struct label *label = *at;
		if (!send_one(counts, label)) {
			at = &label->next;
			continue;
		}
		*at = label->next;
		chain_remove(&counts->map, &label->chain);
		free(label);
	}
	if (counts->first)
		counts->store->host->timer_set(counts->timer, INTERVAL_MS);
}
