#include "lib/outbound/token_share.h"

#include <pthread.h>
#include <stdio.h>

#include "lib/alloc.h"

#define PAUSE_MIN_MS	 1000
#define PAUSE_MAX_MS	 30000
#define REFUSED_MIN_MS	 5000
#define REFUSED_MAX_MS	 60000
#define ASKED_MAX_MS	 300000 /* an endpoint's Retry-After is believed up to that */
#define PACE_MS		 1000	/* from one refused token to the next fetch */
#define REFUSED_AGAIN_MS 10000	/* the same, where no token was ever accepted */

struct token_share {
	pthread_mutex_t lock;
	struct ring members;
	struct token *token; /* NULL: none */
	uint64_t generation; /* of the last token */
	struct token_member *fetcher;
	int64_t fetched_ms; /* when the last token came */
	int64_t resume_ms;
	int64_t pause_ms;	   /* the last one; 0: the last fetch did not fail */
	unsigned refused_in_a_row; /* tokens that the system behind never accepted */
	char why[TOKEN_WHY_SIZE];  /* when pause_ms > 0 */
};

struct token_share *token_share_new(void)
{
	struct token_share *share = alloc_zero(1, sizeof(*share));
	pthread_mutex_init(&share->lock, NULL);
	ring_init(&share->members);
	share->resume_ms = INT64_MIN;
	share->fetched_ms = INT64_MIN / 2;
	return share;
}

void token_share_free(struct token_share *share)
{
	if (!share)
		return;
	token_unref(share->token);
	pthread_mutex_destroy(&share->lock);
	free(share);
}

void token_share_join(struct token_share *share, struct token_member *member)
{
	pthread_mutex_lock(&share->lock);
	ring_add(&share->members, &member->link);
	pthread_mutex_unlock(&share->lock);
}

void token_share_leave(struct token_share *share, struct token_member *member)
{
	pthread_mutex_lock(&share->lock);
	ring_remove(&member->link);
	if (share->fetcher == member)
		share->fetcher = NULL; /* the others look again by themselves */
	pthread_mutex_unlock(&share->lock);
}

/* ---- under the lock ---- */

static void tell_all(struct token_share *share)
{
	for (struct ring *r = share->members.next; r != &share->members; r = r->next) {
		struct token_member *member = ring_entry(r, struct token_member, link);
		member->host->post(member->self, member->changed, member->arg);
	}
}

static bool is_due(const struct token_share *share, int64_t now_ms)
{
	const struct token *token = share->token;
	return !share->fetcher && now_ms >= share->resume_ms &&
	       (!token || now_ms >= token->renew_ms);
}

static void drop_token(struct token_share *share)
{
	token_unref(share->token);
	share->token = NULL;
}

/* Half of the pause, and a random part of the other half. */
static int64_t next_pause(struct token_share *share, const struct token_failure *f)
{
	int64_t least = f->refused ? REFUSED_MIN_MS : PAUSE_MIN_MS;
	int64_t most = f->refused ? REFUSED_MAX_MS : PAUSE_MAX_MS;
	int64_t pause = share->pause_ms * 2;
	pause = pause < least ? least : pause > most ? most : pause;
	share->pause_ms = pause;
	int64_t spread = pause / 2 + (int64_t)(f->random % (uint64_t)(pause / 2 + 1));
	int64_t asked = f->least_ms < ASKED_MAX_MS ? f->least_ms : ASKED_MAX_MS;
	return spread > asked ? spread : asked;
}

/* ---- for members ---- */

void token_share_look(struct token_share *share, struct token_view *view)
{
	pthread_mutex_lock(&share->lock);
	view->token = share->token ? token_ref(share->token) : NULL;
	view->fetching = share->fetcher != NULL;
	view->resume_ms = share->resume_ms;
	view->failed = share->pause_ms > 0;
	snprintf(view->why, sizeof(view->why), "%s", view->failed ? share->why : "");
	pthread_mutex_unlock(&share->lock);
}

bool token_share_begin(struct token_share *share, struct token_member *member, int64_t now_ms)
{
	pthread_mutex_lock(&share->lock);
	bool due = is_due(share, now_ms);
	if (due)
		share->fetcher = member;
	pthread_mutex_unlock(&share->lock);
	return due;
}

void token_share_fetched(struct token_share *share, struct token *token, int64_t now_ms)
{
	pthread_mutex_lock(&share->lock);
	drop_token(share);
	token->generation = ++share->generation;
	share->token = token;
	share->fetcher = NULL;
	share->fetched_ms = now_ms;
	share->resume_ms = now_ms;
	share->pause_ms = 0;
	tell_all(share);
	pthread_mutex_unlock(&share->lock);
}

void token_share_failed(
    struct token_share *share, const struct token_failure *failure, int64_t now_ms)
{
	pthread_mutex_lock(&share->lock);
	share->fetcher = NULL;
	share->resume_ms = now_ms + next_pause(share, failure);
	snprintf(share->why, sizeof(share->why), "%s", failure->why);
	tell_all(share);
	pthread_mutex_unlock(&share->lock);
}

static bool refuse(struct token_share *share, int64_t now_ms)
{
	bool accepted = atomic_load(&share->token->accepted);
	share->refused_in_a_row = accepted ? 0 : share->refused_in_a_row + 1;
	if (share->refused_in_a_row > 1 && now_ms < share->fetched_ms + REFUSED_AGAIN_MS)
		return false;
	drop_token(share);
	if (share->resume_ms < share->fetched_ms + PACE_MS)
		share->resume_ms = share->fetched_ms + PACE_MS;
	tell_all(share);
	return true;
}

bool token_share_refused(struct token_share *share, uint64_t generation, int64_t now_ms)
{
	pthread_mutex_lock(&share->lock);
	bool other = !share->token || share->token->generation != generation;
	bool again = other || refuse(share, now_ms);
	pthread_mutex_unlock(&share->lock);
	return again;
}
