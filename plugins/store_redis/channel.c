#include "store_redis/channel.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"

/* A reply beyond this is none that we asked for. */
#define REPLY_MAX ((size_t)64 << 20)

struct channel {
	struct channel_parts parts;
	struct stream *stream;
	struct event *flush;
	bool released, flushing;
	struct command out; /* not written yet */

	struct request *first, **last; /* without answer, in the order sent */
	size_t pending;
	uint64_t answered;

	redisReader *reader; /* of this stream; NULL: not open */
	size_t unread;	     /* bytes fed since the last whole reply */
	struct redisReply *replies[REQUEST_REPLIES_MAX];
	unsigned reply_count;
	bool ending; /* as soon as the callback has returned, for this reason: */
	char end_why[FAULT_TEXT_SIZE];
};

static void end(struct channel *ch, const char *why)
{
	ch->parts.ended(ch->parts.arg, why);
}

/* ---- sending ---- */

static void append(struct channel *ch, struct request *request)
{
	request->next = NULL;
	*ch->last = request;
	ch->last = &request->next;
}

static void prepend(struct channel *ch, struct request *request)
{
	request->next = ch->first;
	ch->first = request;
	if (!request->next)
		ch->last = &request->next;
}

static struct request *take_first(struct channel *ch)
{
	struct request *request = ch->first;
	ch->first = request->next;
	if (!ch->first)
		ch->last = &ch->first;
	ch->pending--;
	return request;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	(void)fd, (void)what;
	ch->flushing = false;
	if (ch->out.len)
		stream_write(ch->stream, ch->out.bytes, ch->out.len);
	command_clear(&ch->out);
}

/* At the end of this turn of the loop, with all that comes until then. */
static void flush_later(struct channel *ch)
{
	if (ch->flushing)
		return;
	ch->flushing = true;
	event_active(ch->flush, EV_TIMEOUT, 0);
}

static void count_in(struct channel *ch, struct request *request, unsigned replies)
{
	request->replies = replies;
	request->written = ch->released;
	request->sent_ms = ch->parts.host->mono_ms(ch->parts.self);
	ch->pending++;
}

void channel_send(struct channel *ch, struct request *request, const struct command *commands)
{
	count_in(ch, request, commands->count);
	append(ch, request);
	command_add(&ch->out, commands);
	if (ch->released)
		flush_later(ch);
}

void channel_greet(struct channel *ch, struct request *request, const struct command *commands)
{
	count_in(ch, request, commands->count);
	prepend(ch, request);
	stream_write(ch->stream, commands->bytes, commands->len);
}

void channel_release(struct channel *ch)
{
	ch->released = true;
	for (struct request *it = ch->first; it; it = it->next)
		it->written = true;
	if (ch->out.len)
		flush_later(ch);
}

/* ---- reading ---- */

/* A whole reply. False: it is closed. */
static bool take_reply(struct channel *ch, struct redisReply *reply)
{
	ch->unread = 0;
	ch->replies[ch->reply_count++] = reply;
	if (!ch->first) {
		end(ch, "answered without being asked");
		return false;
	}
	if (ch->reply_count < ch->first->replies)
		return true;
	struct request *request = take_first(ch);
	ch->answered++;
	/* The callback may close this stream, and with it what it holds. */
	redisReader *reader = ch->reader;
	struct redisReply *replies[REQUEST_REPLIES_MAX];
	unsigned count = ch->reply_count;
	memcpy(replies, ch->replies, sizeof(replies[0]) * count);
	ch->reply_count = 0;
	request->done(request, replies, NULL);
	while (count > 0)
		freeReplyObject(replies[--count]);
	if (ch->reader == reader && ch->ending)
		end(ch, ch->end_why);
	return ch->reader == reader;
}

/* False: it is closed. */
static bool take_replies(struct channel *ch)
{
	for (;;) {
		void *reply = NULL;
		if (redisReaderGetReply(ch->reader, &reply) != REDIS_OK) {
			end(ch, "does not speak the Redis protocol");
			return false;
		}
		if (!reply)
			return true;
		if (!take_reply(ch, reply))
			return false;
	}
}

static void on_readable(void *arg, struct evbuffer *input)
{
	struct channel *ch = arg;
	for (;;) {
		struct evbuffer_iovec part;
		if (evbuffer_peek(input, -1, NULL, &part, 1) < 1 || part.iov_len == 0)
			return;
		ch->unread += part.iov_len;
		if (redisReaderFeed(ch->reader, part.iov_base, part.iov_len) != REDIS_OK) {
			end(ch, "does not speak the Redis protocol");
			return;
		}
		evbuffer_drain(input, part.iov_len);
		if (!take_replies(ch))
			return;
		if (ch->unread > REPLY_MAX) {
			end(ch, "answers with more than 64 MiB at once");
			return;
		}
	}
}

/* ---- opening and closing ---- */

static void on_connected(void *arg)
{
	struct channel *ch = arg;
	ch->reader = redisReaderCreate();
	alloc_checked(ch->reader);
	ch->parts.opened(ch->parts.arg);
}

static void on_ended(void *arg, const char *why)
{
	end(arg, why);
}

void channel_open(struct channel *ch, const struct stream_place *place)
{
	ch->answered = 0;
	stream_open(ch->stream, place);
}

struct request *channel_close(struct channel *ch)
{
	struct request *pending = ch->first;
	stream_close(ch->stream);
	event_del(ch->flush);
	ch->flushing = ch->released = ch->ending = false;
	command_clear(&ch->out);
	while (ch->reply_count > 0)
		freeReplyObject(ch->replies[--ch->reply_count]);
	if (ch->reader)
		redisReaderFree(ch->reader);
	ch->reader = NULL;
	ch->unread = 0;
	ch->first = NULL;
	ch->last = &ch->first;
	ch->pending = 0;
	return pending;
}

void requests_fail(struct request *first, const char *why)
{
	while (first) {
		struct request *next = first->next;
		first->done(first, NULL, why);
		first = next;
	}
}

void channel_end(struct channel *ch, const char *why)
{
	snprintf(ch->end_why, sizeof(ch->end_why), "%s", why);
	ch->ending = true;
}

/* ---- what is known of it ---- */

size_t channel_pending(const struct channel *ch)
{
	return ch->pending;
}

int64_t channel_oldest_ms(const struct channel *ch)
{
	return ch->first ? ch->first->sent_ms : -1;
}

uint64_t channel_answered(const struct channel *ch)
{
	return ch->answered;
}

const char *channel_waits_for(const struct channel *ch)
{
	if (stream_resolving(ch->stream))
		return "its name was not found in time";
	return stream_connected(ch->stream) ? "was reached but did not answer in time"
					    : "could not be reached in time";
}

/* ---- life ---- */

struct channel *channel_new(const struct channel_parts *parts)
{
	struct channel *ch = alloc_zero(1, sizeof(*ch));
	struct stream_parts stream = {.host = parts->host,
	    .self = parts->self,
	    .tls = parts->tls,
	    .connected = on_connected,
	    .readable = on_readable,
	    .ended = on_ended,
	    .arg = ch};
	ch->parts = *parts;
	ch->last = &ch->first;
	ch->stream = stream_new(&stream);
	ch->flush = event_new(parts->host->base(parts->self), -1, 0, on_flush, ch);
	alloc_checked(ch->flush);
	return ch;
}

void channel_free(struct channel *ch)
{
	if (!ch)
		return;
	stream_free(ch->stream);
	event_free(ch->flush);
	command_fini(&ch->out);
	free(ch);
}
