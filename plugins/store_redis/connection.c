#include "store_redis/connection.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "store_redis/greeting.h"

#define WHY_SIZE (REDIS_NAME_SIZE + SENTINEL_WHY_SIZE)

enum state {
	STATE_WAITING = 1, /* for the next try */
	STATE_FINDING,	   /* asks the sentinels */
	STATE_OPENING,
	STATE_READY,
};

struct connection {
	struct connection_parts parts;
	enum state state;
	struct stream_place place;
	char host[256];		    /* what the place points to, if sentinels told it */
	char name[REDIS_NAME_SIZE]; /* of the server, or of what is sought */
	struct seeker seeker;
	struct channel *channel;
	struct request greeting, health;
	struct ow_timer *timer;
	bool idle;	 /* the timer waits for the health check and not for an answer */
	bool patient;	 /* not ready, but requests are held for the try that is under way */
	bool distrusted; /* it is there, but must not be tried again at once */
	bool moved;	 /* it is to be tried at once, in another place */
	bool opened;	 /* at least once */
	unsigned tries;	 /* since it last proved itself */
	char why[WHY_SIZE];
};

static const struct ow_host *host_of(const struct connection *c)
{
	return c->parts.host;
}

/* ---- opening and losing ---- */

int64_t connection_backoff(const struct connection_parts *parts, unsigned tries)
{
	return backoff_ms(&parts->limits.backoff, tries, parts->host, parts->self);
}

/* One try: place, name, connection, greeting; all of it within the connect timeout. */
static void begin(struct connection *c)
{
	host_of(c)->timer_set(c->timer, c->parts.limits.connect_ms);
	if (c->parts.sentinel) {
		c->state = STATE_FINDING;
		snprintf(c->name, sizeof(c->name), "%s", sentinel_phrase(c->parts.sentinel));
		sentinel_ask(c->parts.sentinel, &c->seeker);
	} else {
		c->state = STATE_OPENING;
		/* The last one may hang, or be a replica, while another serves. */
		c->place.turn = c->tries;
		channel_open(c->channel, &c->place);
	}
}

/*
 * The connection is gone. If it had served, the next try begins now, and
 * requests wait for it: servers and what stands between close idle ones.
 */
static void lose(struct connection *c, const char *why)
{
	char text[WHY_SIZE];
	bool proven = c->state == STATE_READY && channel_answered(c->channel) > 1;
	bool at_once = c->moved || (proven && !c->distrusted);
	snprintf(text, sizeof(text), "%s: %s", c->name, why);
	if (c->state == STATE_READY)
		host_of(c)->count(c->parts.losses, 1);
	/* Told once for each reason, not for each try. */
	host_of(c)->log(c->parts.self,
	    strcmp(text, c->why) == 0 ? OW_LOG_DEBUG : OW_LOG_WARNING, "%s", text);
	memcpy(c->why, text, sizeof(text));
	struct request *pending = channel_close(c->channel);
	if (c->state == STATE_OPENING && c->parts.sentinel)
		sentinel_doubt(c->parts.sentinel, &c->place);
	c->distrusted = c->moved = false;
	c->patient = at_once;
	c->state = STATE_WAITING;
	c->tries = proven ? 0 : c->tries;
	if (at_once) {
		begin(c);
	} else {
		c->tries++;
		host_of(c)->timer_set(c->timer, connection_backoff(&c->parts, c->tries));
	}
	requests_fail(pending, text);
	c->parts.lost(c->parts.arg);
}

static void watch_answers(struct connection *c)
{
	c->idle = false;
	host_of(c)->timer_set(c->timer, c->parts.limits.timeout_ms);
}

static void on_greeted(
    struct request *request, struct redisReply *const *replies, const char *why_lost)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)request -
					  offsetof(struct connection, greeting));
	char why[FAULT_TEXT_SIZE];
	(void)why_lost;
	if (!replies)
		return;
	if (!greeting_read(&c->parts, replies, why)) {
		lose(c, why);
		return;
	}
	c->state = STATE_READY;
	c->patient = false;
	c->why[0] = '\0';
	host_of(c)->count(c->parts.connects, 1);
	host_of(c)->log(c->parts.self, OW_LOG_INFO, "%s to %s",
	    c->opened ? "connected again" : "connected", c->name);
	c->opened = true;
	channel_release(c->channel);
	watch_answers(c);
	c->parts.opened(c->parts.arg);
}

static void on_opened(void *arg)
{
	struct connection *c = arg;
	struct command commands = {0};
	greeting_write(&c->parts, &commands);
	c->greeting.done = on_greeted;
	channel_greet(c->channel, &c->greeting, &commands);
	explicit_bzero(commands.bytes, commands.len); /* it holds the password */
	command_fini(&commands);
}

static void on_ended(void *arg, const char *why)
{
	lose(arg, why);
}

/* ---- sentinels ---- */

static void open_at(struct connection *c, const struct stream_place *master)
{
	snprintf(c->host, sizeof(c->host), "%s", master->host);
	c->place = (struct stream_place){.host = c->host, .port = master->port};
	redis_url_name(c->parts.url, c->host, master->port, c->name);
	c->state = STATE_OPENING;
	channel_open(c->channel, &c->place);
}

static void on_told(struct seeker *seeker, const struct stream_place *master, const char *why)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)seeker - offsetof(struct connection, seeker));
	if (c->state == STATE_FINDING) {
		if (master)
			open_at(c, master);
		else
			lose(c, why);
		return;
	}
	if (!master || (master->port == c->place.port && strcmp(master->host, c->host) == 0))
		return;
	if (c->state == STATE_WAITING) {
		host_of(c)->timer_set(c->timer, c->parts.limits.connect_ms);
		open_at(c, master);
	} else {
		c->moved = true;
		lose(c, "the sentinels name another master by now");
	}
}

/* ---- sending ---- */

bool connection_send(struct connection *c, struct request *request,
    const struct command *commands, const char **why)
{
	if (c->state != STATE_READY && !c->patient) {
		*why = c->why;
		return false;
	}
	if (channel_pending(c->channel) >= (size_t)c->parts.limits.max_queue) {
		*why = "too many commands wait for Redis (max_queue)";
		return false;
	}
	channel_send(c->channel, request, commands);
	if (c->state == STATE_READY && c->idle)
		watch_answers(c);
	return true;
}

/* ---- time ---- */

static void on_healthy(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)request -
					  offsetof(struct connection, health));
	char text[FAULT_TEXT_SIZE];
	(void)why;
	if (!replies)
		return;
	if (replies[0]->type == REDIS_REPLY_ERROR &&
	    fault_of((struct ow_text){replies[0]->str, replies[0]->len}, text) == FAULT_SERVER)
		connection_distrust(c, text);
}

static void ask_health(struct connection *c)
{
	struct command ping = {0};
	const char *why;
	command_begin(&ping, "PING", 0);
	c->health.done = on_healthy;
	connection_send(c, &c->health, &ping, &why);
	command_fini(&ping);
}

/*
 * While there is traffic the timer looks every `timeout` whether the oldest
 * request is too old, so that sending one costs no timer; after a quiet while
 * it waits for the health check.
 */
static void watch(struct connection *c)
{
	const struct connection_limits *limits = &c->parts.limits;
	int64_t sent_ms = channel_oldest_ms(c->channel);
	if (sent_ms >= 0) {
		int64_t left =
		    sent_ms + limits->timeout_ms - host_of(c)->mono_ms(c->parts.self);
		if (left > 0) {
			host_of(c)->timer_set(c->timer, left);
			return;
		}
		c->distrusted = true;
		lose(c, "did not answer in time (timeout)");
	} else if (!c->idle) {
		c->idle = true;
		host_of(c)->timer_set(c->timer, limits->health_ms ? limits->health_ms : -1);
	} else {
		ask_health(c);
	}
}

static void give_up(struct connection *c)
{
	char why[FAULT_TEXT_SIZE];
	snprintf(why, sizeof(why), "%s (connect_timeout)", channel_waits_for(c->channel));
	lose(c, why);
}

static void on_timer(void *arg)
{
	struct connection *c = arg;
	switch (c->state) {
	case STATE_WAITING:
		begin(c);
		break;
	case STATE_FINDING:
		lose(c, "no sentinel answered in time (connect_timeout)");
		break;
	case STATE_OPENING:
		give_up(c);
		break;
	case STATE_READY:
		watch(c);
		break;
	}
}

/* ---- life ---- */

struct connection *connection_new(const struct connection_parts *parts)
{
	struct connection *c = alloc_zero(1, sizeof(*c));
	struct channel_parts channel = {.host = parts->host,
	    .self = parts->self,
	    .tls = parts->tls,
	    .opened = on_opened,
	    .ended = on_ended,
	    .arg = c};
	c->parts = *parts;
	c->place = (struct stream_place){
	    .path = parts->url->path, .host = parts->url->host, .port = parts->url->port};
	c->state = STATE_WAITING;
	c->patient = true;
	snprintf(c->name, sizeof(c->name), "%s",
	    parts->sentinel ? sentinel_phrase(parts->sentinel) : parts->url->name);
	snprintf(c->why, sizeof(c->why), "%s: not connected yet", c->name);
	c->timer = parts->host->timer_new(parts->self, on_timer, c);
	c->channel = channel_new(&channel);
	c->seeker.told = on_told;
	if (parts->sentinel)
		sentinel_join(parts->sentinel, &c->seeker);
	return c;
}

void connection_open(struct connection *c)
{
	begin(c);
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	if (c->parts.sentinel)
		sentinel_leave(c->parts.sentinel, &c->seeker);
	requests_fail(channel_close(c->channel), "shutting down");
	host_of(c)->timer_free(c->timer);
	channel_free(c->channel);
	free(c);
}

void connection_distrust(struct connection *c, const char *why)
{
	if (c->state != STATE_READY || c->distrusted)
		return;
	c->distrusted = true;
	channel_end(c->channel, why);
}

bool connection_ready(const struct connection *c)
{
	return c->state == STATE_READY;
}

const char *connection_why(const struct connection *c)
{
	return c->why;
}

size_t connection_pending(const struct connection *c)
{
	return channel_pending(c->channel);
}
