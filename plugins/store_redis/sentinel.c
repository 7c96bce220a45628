#include "store_redis/sentinel.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "store_redis/channel.h"
#include "store_redis/fault.h"

#define HOST_SIZE 256

struct sentinel {
	struct sentinel_parts parts;
	char phrase[200];
	struct seeker *seekers;
	struct redis_url nodes[SENTINEL_NODES_MAX]; /* in the order they are asked */
	size_t count;

	bool asking;		/* a round is under way */
	size_t at;		/* in it, which one is asked; else 0 */
	struct ow_timer *timer; /* for its answer; between rounds, for the next look */
	struct channel *channel;
	struct stream_place place; /* of nodes[at], while the channel is open */
	bool open;
	bool kept; /* it was open before this round: it may have been closed unseen */
	struct request login, question;
	char why[SENTINEL_WHY_SIZE];	 /* why those asked in this round do not help */
	char trouble[SENTINEL_WHY_SIZE]; /* as last logged; "": none */

	char host[HOST_SIZE]; /* of the master, as last answered */
	int port;
	bool doubted;
};

static const struct ow_host *host_of(const struct sentinel *s)
{
	return s->parts.host;
}

/* ---- the order ---- */

static void move_node(struct sentinel *s, size_t from, size_t to)
{
	struct redis_url node = s->nodes[from];
	if (from > to)
		memmove(&s->nodes[to + 1], &s->nodes[to], (from - to) * sizeof(node));
	else
		memmove(&s->nodes[from], &s->nodes[from + 1], (to - from) * sizeof(node));
	s->nodes[to] = node;
}

static void close_channel(struct sentinel *s)
{
	channel_close(s->channel); /* its requests are parts of this */
	s->open = false;
}

void sentinel_doubt(struct sentinel *s, const struct stream_place *place)
{
	if (s->asking || s->doubted || place->port != s->port ||
	    strcmp(place->host, s->host) != 0)
		return;
	s->doubted = true;
	close_channel(s);
	move_node(s, 0, s->count - 1);
}

/* ---- the end of a round ---- */

static void tell(struct sentinel *s, const struct stream_place *master, const char *why)
{
	for (struct seeker *it = s->seekers; it; it = it->next) {
		bool asked = it->asking;
		it->asking = false;
		if (asked || master)
			it->told(it, master, why);
	}
}

static bool somebody_asks(const struct sentinel *s)
{
	const struct seeker *it = s->seekers;
	while (it && !it->asking)
		it = it->next;
	return it != NULL;
}

static void end_round(struct sentinel *s)
{
	s->asking = false;
	s->at = 0;
	host_of(s)->timer_set(s->timer, s->parts.options->watch_ms);
}

static void answered(struct sentinel *s, const char *host, int port)
{
	move_node(s, s->at, 0);
	end_round(s);
	if (port != s->port || strcmp(host, s->host) != 0)
		host_of(s)->log(s->parts.self, OW_LOG_INFO,
		    "%s is at %s:%d, says the sentinel at %s:%d", s->phrase, host, port,
		    s->nodes[0].host, s->nodes[0].port);
	else if (s->trouble[0])
		host_of(s)->log(s->parts.self, OW_LOG_INFO, "a sentinel answers again");
	s->trouble[0] = '\0';
	s->doubted = false;
	snprintf(s->host, sizeof(s->host), "%s", host);
	s->port = port;
	tell(s, &(struct stream_place){.host = s->host, .port = port}, NULL);
}

/* Who asks says so itself. */
static void failed(struct sentinel *s)
{
	bool asked = somebody_asks(s);
	end_round(s);
	if (!asked && strcmp(s->trouble, s->why) != 0)
		host_of(s)->log(s->parts.self, OW_LOG_WARNING,
		    "a failover would not be noticed: %s", s->why);
	if (!asked)
		memcpy(s->trouble, s->why, sizeof(s->trouble));
	tell(s, NULL, s->why);
}

/* ---- asking ---- */

static void ask_node(struct sentinel *s)
{
	struct command command = {0};
	/* Each has the same part, and one is left to reach the master in. */
	host_of(s)->timer_set(s->timer, s->parts.connect_ms / (int64_t)(s->count + 1) + 1);
	command_begin(&command, "SENTINEL", 2);
	command_string(&command, "get-master-addr-by-name");
	command_string(&command, s->parts.options->master);
	channel_send(s->channel, &s->question, &command);
	command_fini(&command);
	s->kept = s->open;
	if (s->open)
		return;
	s->open = true;
	s->place =
	    (struct stream_place){.host = s->nodes[s->at].host, .port = s->nodes[s->at].port};
	channel_open(s->channel, &s->place);
}

static void note(struct sentinel *s, const char *why)
{
	size_t len = strlen(s->why);
	const struct redis_url *node = &s->nodes[s->at];
	snprintf(s->why + len, sizeof(s->why) - len,
	    strchr(node->host, ':') ? "%s[%s]:%d: %s" : "%s%s:%d: %s",
	    s->at == 0 ? "no sentinel says where it is: " : "; ", node->host, node->port, why);
}

static void ask_next(struct sentinel *s, const char *why)
{
	note(s, why);
	close_channel(s);
	if (++s->at < s->count)
		ask_node(s);
	else
		failed(s);
}

/* False: why says what is wrong with it. */
static bool read_master(
    const struct redisReply *reply, const char **host, int *port, char why[FAULT_TEXT_SIZE])
{
	char *end;
	if (reply->type == REDIS_REPLY_ERROR) {
		fault_of_sentinel((struct ow_text){reply->str, reply->len}, why);
		return false;
	}
	if (reply->type == REDIS_REPLY_NIL) {
		snprintf(why, FAULT_TEXT_SIZE,
		    "does not know a master of that name (sentinel.master)");
		return false;
	}
	snprintf(why, FAULT_TEXT_SIZE, "answered with something else than an address");
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING)
		return false;
	const struct redisReply *name = reply->element[0];
	for (size_t i = 0; i < name->len; i++)
		if (name->str[i] <= ' ' || name->str[i] > '~')
			return false;
	long number = strtol(reply->element[1]->str, &end, 10);
	*host = name->str;
	*port = (int)number;
	return name->len > 0 && name->len < HOST_SIZE && !*end && number > 0 && number < 65536;
}

static void on_answer(
    struct request *request, struct redisReply *const *replies, const char *why_lost)
{
	struct sentinel *s =
	    (struct sentinel *)(void *)((char *)request - offsetof(struct sentinel, question));
	char why[FAULT_TEXT_SIZE];
	const char *host;
	int port;
	(void)why_lost;
	if (read_master(replies[0], &host, &port, why))
		answered(s, host, port);
	else
		ask_next(s, why);
}

static void on_logged_in(
    struct request *request, struct redisReply *const *replies, const char *why_lost)
{
	struct sentinel *s =
	    (struct sentinel *)(void *)((char *)request - offsetof(struct sentinel, login));
	char why[FAULT_TEXT_SIZE];
	(void)why_lost;
	if (replies[0]->type != REDIS_REPLY_ERROR)
		return;
	fault_of_sentinel((struct ow_text){replies[0]->str, replies[0]->len}, why);
	channel_end(s->channel, why);
}

static void on_opened(void *arg)
{
	struct sentinel *s = arg;
	const struct sentinel_options *options = s->parts.options;
	struct command command = {0};
	if (options->password) {
		command_begin(&command, "AUTH", options->user ? 2 : 1);
		if (options->user)
			command_string(&command, options->user);
		command_string(&command, options->password);
		channel_greet(s->channel, &s->login, &command);
		explicit_bzero(command.bytes, command.len); /* it holds the password */
		command_fini(&command);
	}
	channel_release(s->channel);
}

static void on_ended(void *arg, const char *why)
{
	struct sentinel *s = arg;
	bool kept = s->kept;
	if (s->asking && !kept) {
		ask_next(s, why);
		return;
	}
	close_channel(s);
	if (s->asking)
		ask_node(s);
}

static void begin_round(struct sentinel *s)
{
	s->asking = true;
	s->why[0] = '\0';
	ask_node(s);
}

static void on_timer(void *arg)
{
	struct sentinel *s = arg;
	if (s->asking)
		ask_next(s, channel_waits_for(s->channel));
	else
		begin_round(s);
}

void sentinel_ask(struct sentinel *s, struct seeker *seeker)
{
	seeker->asking = true;
	if (!s->asking)
		begin_round(s);
}

/* ---- life ---- */

struct sentinel *sentinel_new(const struct sentinel_parts *parts)
{
	const struct sentinel_options *options = parts->options;
	struct sentinel *s = alloc_zero(1, sizeof(*s));
	struct channel_parts channel = {.host = parts->host,
	    .self = parts->self,
	    .tls = parts->tls,
	    .opened = on_opened,
	    .ended = on_ended,
	    .arg = s};
	s->parts = *parts;
	s->login.done = on_logged_in;
	s->question.done = on_answer;
	snprintf(s->phrase, sizeof(s->phrase), "Redis, the master `%.150s`", options->master);
	for (; s->count < options->nodes.count; s->count++) {
		const char *problem = redis_url_parse_place(
		    options->nodes.items[s->count], SENTINEL_PORT, &s->nodes[s->count]);
		if (problem) /* it was checked */
			abort();
	}
	s->timer = parts->host->timer_new(parts->self, on_timer, s);
	s->channel = channel_new(&channel);
	return s;
}

void sentinel_free(struct sentinel *s)
{
	if (!s)
		return;
	close_channel(s);
	channel_free(s->channel);
	host_of(s)->timer_free(s->timer);
	for (size_t i = 0; i < s->count; i++)
		redis_url_fini(&s->nodes[i]);
	free(s);
}

void sentinel_join(struct sentinel *s, struct seeker *seeker)
{
	seeker->next = s->seekers;
	s->seekers = seeker;
}

void sentinel_leave(struct sentinel *s, struct seeker *seeker)
{
	struct seeker **at = &s->seekers;
	while (*at != seeker)
		at = &(*at)->next;
	*at = seeker->next;
}

const char *sentinel_phrase(const struct sentinel *s)
{
	return s->phrase;
}
