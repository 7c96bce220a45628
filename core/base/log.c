#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conceal.h"
#include "base/hash.h"
#include "base/text.h"

#define PLACES	     256 /* remembered for rate limiting; a power of two */
#define BURST	     20	 /* lines of one place in one period */
#define PERIOD_MS    1000
#define LINE_MAX_LEN 8192 /* a longer line is cut */

/* Where a line comes from and whom it speaks of: a noisy route must not hide a quiet one. */
struct place {
	uint64_t id; /* of level, place and name */
	int64_t since_ms;
	unsigned written, left_out;
	/* the last line left out, for the one that says how many they were */
	enum ow_level level;
	char who[48], message[160];
};

static struct {
	pthread_mutex_t lock;
	int fd;
	mode_t type; /* of the file behind fd, as stat() has it; 0: unknown */
	_Atomic int level;
	enum log_format format;
	const struct clock *clock;
	struct clock system_clock;
	struct place places[PLACES];
	bool torn;	    /* the last line was written in part */
	unsigned unwritten; /* lines that nobody took */
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO, .level = OW_LOG_INFO};

void log_init(int fd, enum ow_level level, enum log_format format, const struct clock *clock)
{
	struct stat st;
	clock_init_system(&logger.system_clock);
	logger.fd = fd;
	logger.type = fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
	logger.format = format;
	logger.clock = clock ? clock : &logger.system_clock;
	atomic_store(&logger.level, (int)level);
}

bool log_enabled(enum ow_level level)
{
	return (int)level <= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

static const char *level_name(enum ow_level level)
{
	static const char *const names[] = {"", "error", "warning", "info", "debug"};
	return names[level];
}

/* A line stays a line, whatever was put into it. */
static void add_clean(struct buf *b, struct ow_text t)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.data[i];
		if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
}

/* A value ends where it ends: quoted, if it could be taken for the next field. */
static void add_value(struct buf *b, struct ow_text t)
{
	bool plain = true;
	for (size_t i = 0; i < t.len && plain; i++) {
		unsigned char c = (unsigned char)t.data[i];
		plain = c > 0x20 && c != 0x7f && c != '=' && c != '"';
	}
	if (plain) {
		buf_add_text(b, t);
		return;
	}
	struct buf quoted = BUF_INIT;
	buf_add_json(&quoted, t);
	add_clean(b, buf_text(&quoted)); /* JSON leaves DEL as it is */
	buf_free(&quoted);
}

static void add_text_line(struct buf *b, const char *time, enum ow_level level, const char *who,
    const struct log_field *fields, struct ow_text message, unsigned left_out)
{
	buf_printf(b, "%s %-7s %s: ", time, level_name(level), who);
	add_clean(b, message);
	for (; fields && fields->name; fields++) {
		buf_printf(b, " %s=", fields->name);
		add_value(b, fields->value);
	}
	if (left_out)
		buf_printf(b, " (%u like this left out)", left_out);
}

static void add_json_line(struct buf *b, const char *time, enum ow_level level, const char *who,
    const struct log_field *fields, struct ow_text message, unsigned left_out)
{
	buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"from\":", time, level_name(level));
	buf_add_json(b, text_of(who));
	buf_add_string(b, ",\"message\":");
	buf_add_json(b, message);
	for (; fields && fields->name; fields++) {
		buf_printf(b, ",\"%s\":", fields->name);
		buf_add_json(b, fields->value);
	}
	if (left_out)
		buf_printf(b, ",\"left_out\":%u", left_out);
	buf_add_char(b, '}');
}

/*
 * Writes what can be taken at once. A pipe that polls as writable has room for
 * PIPE_BUF bytes; a file never makes anybody wait for a reader.
 */
static ssize_t write_now(const char *data, size_t len)
{
	struct pollfd ready = {.fd = logger.fd, .events = POLLOUT};
	if (logger.type == S_IFSOCK)
		return send(logger.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (logger.type == S_IFREG)
		return write(logger.fd, data, len);
	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return -1;
	return write(logger.fd, data, len < PIPE_BUF ? len : PIPE_BUF);
}

/*
 * All threads log under one lock: waiting here for whoever reads the log would
 * stop deliveries, and even the way out. What is not taken is counted.
 */
static void write_line(struct buf *b)
{
	size_t done = 0;
	buf_add_char(b, '\n');
	if (logger.torn && write_now("\n", 1) != 1) {
		logger.unwritten++;
		return;
	}
	while (done < b->len) {
		ssize_t n = write_now(b->data + done, b->len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	logger.torn = done > 0 && done < b->len;
	if (done < b->len)
		logger.unwritten++;
	else
		logger.unwritten = 0;
}

static void write_one(enum ow_level level, const char *who, const struct log_field *fields,
    struct ow_text message, unsigned left_out)
{
	struct buf line = BUF_INIT;
	char time[32];
	clock_format(clock_wall(logger.clock), time);
	if (logger.format == LOG_JSON)
		add_json_line(&line, time, level, who, fields, message, left_out);
	else
		add_text_line(&line, time, level, who, fields, message, left_out);
	write_line(&line);
	buf_free(&line);
}

/* ---- repetition ---- */

static void tell_left_out(struct place *p)
{
	struct buf message = BUF_INIT;
	if (p->left_out == 0)
		return;
	buf_printf(&message, "%u more like this were left out: %s", p->left_out, p->message);
	write_one(p->level, p->who, NULL, buf_text(&message), 0);
	buf_free(&message);
	p->left_out = 0;
}

static uint64_t place_id(enum ow_level level, const char *place, const char *who)
{
	const uint64_t parts[] = {
	    (uint64_t)level, (uintptr_t)place, hash_bytes(who, strlen(who))};
	return hash_bytes(parts, sizeof(parts));
}

/*
 * Whether a line of this place may be written now, and how many of its lines
 * were left out before. Two places that share a slot push each other out, which
 * writes more than the limit, never less than the first line.
 */
static bool admit(enum ow_level level, const char *place, const char *who,
    struct ow_text message, unsigned *left_out)
{
	int64_t now = clock_mono(logger.clock);
	uint64_t id = place_id(level, place, who);
	struct place *p = &logger.places[id & (PLACES - 1)];
	*left_out = 0;
	if (p->id != id)
		tell_left_out(p);
	if (p->id != id || now - p->since_ms >= PERIOD_MS) {
		*left_out = p->left_out;
		*p = (struct place){.id = id, .since_ms = now};
	}
	if (p->written < BURST) {
		p->written++;
		return true;
	}
	p->left_out++;
	p->level = level;
	text_store(p->who, sizeof(p->who), who);
	snprintf(p->message, sizeof(p->message), "%.*s", (int)message.len, message.data);
	return false;
}

void log_flush(void)
{
	pthread_mutex_lock(&logger.lock);
	for (size_t i = 0; i < PLACES; i++)
		tell_left_out(&logger.places[i]);
	pthread_mutex_unlock(&logger.lock);
}

/* ---- writing ---- */

static void write_message(enum ow_level level, bool limited, const char *place, const char *who,
    const struct log_field *fields, struct ow_text message)
{
	unsigned left_out = 0;
	if (!logger.clock)
		log_init(logger.fd, (enum ow_level)logger.level, logger.format, NULL);
	if (message.len > LINE_MAX_LEN)
		message.len = LINE_MAX_LEN;
	pthread_mutex_lock(&logger.lock);
	if (!limited || admit(level, place, who, message, &left_out))
		write_one(level, who, fields, message, left_out + logger.unwritten);
	pthread_mutex_unlock(&logger.lock);
}

__attribute__((format(printf, 6, 0))) static void write_formatted(enum ow_level level,
    bool limited, const char *place, const char *who, const struct log_field *fields,
    const char *fmt, va_list args)
{
	struct buf message = BUF_INIT;
	if (!log_enabled(level))
		return;
	buf_vprintf(&message, fmt, args);
	write_message(level, limited, place, who, fields, buf_text(&message));
	buf_free(&message);
}

static bool is_limited(enum ow_level level)
{
	return level <= OW_LOG_WARNING;
}

void log_vwrite(enum ow_level level, const char *who, const struct log_field *fields,
    const char *fmt, va_list args)
{
	write_formatted(level, is_limited(level), fmt, who, fields, fmt, args);
}

void log_write_place(enum ow_level level, const char *place, const char *who,
    const struct log_field *fields, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	write_formatted(level, is_limited(level), place, who, fields, fmt, args);
	va_end(args);
}

void log_write_seldom(enum ow_level level, const char *place, const char *who,
    const struct log_field *fields, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	write_formatted(level, true, place, who, fields, fmt, args);
	va_end(args);
}

void log_vwrite_concealed(
    enum ow_level level, const char *who, struct ow_list secrets, const char *fmt, va_list args)
{
	struct buf message = BUF_INIT;
	if (!log_enabled(level))
		return;
	buf_vprintf(&message, fmt, args);
	conceal(&message, secrets);
	write_message(level, is_limited(level), fmt, who, NULL, buf_text(&message));
	buf_free(&message);
}

void log_write(
    enum ow_level level, const char *who, const struct log_field *fields, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	log_vwrite(level, who, fields, fmt, args);
	va_end(args);
}
