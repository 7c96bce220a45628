#include "io/http_answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io/http_head.h"

#define SERVER "Server: onceway\r\n"

void http_common_fields_update(struct http_common_fields *fields, int64_t wall_ms)
{
	/* Not strftime(): its names follow the locale, these must not. */
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t second = wall_ms / 1000;
	if (second == fields->second)
		return;
	time_t t = (time_t)second;
	struct tm tm;
	gmtime_r(&t, &tm);
	fields->second = second;
	fields->len = (size_t)snprintf(fields->text, sizeof(fields->text),
	    "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n" SERVER, days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
}

/*
 * Writes into room that was reserved: one answer is a dozen short pieces, and
 * asking for room for each would be most of the work.
 */
static void put(struct buf *out, const char *data, size_t len)
{
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static void put_number(struct buf *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	put(out, digits + at, sizeof(digits) - at);
}

/* RFC 9110 sections 6.4.1 and 8.6: these never have a body. */
static bool bodiless(int status)
{
	return status == 204 || status == 304;
}

#define FIXED_ROOM 320 /* all that is not counted below, rounded up generously */

void http_answer_write(
    struct buf *out, const struct http_answer *answer, const struct http_answer_form *form)
{
	/* An interim status would leave the client waiting for ever. */
	bool final = answer->status >= 200 && answer->status <= 999;
	int status = final ? answer->status : 500;
	const char *reason = http_reason(status);
	size_t extra = answer->extra ? strlen(answer->extra) : 0;
	buf_reserve(out, FIXED_ROOM + answer->content_type.len + extra + answer->body.len);
	PUT(out, "HTTP/1.1 ");
	put_number(out, (uint64_t)status);
	PUT(out, " ");
	put(out, reason, strlen(reason));
	PUT(out, "\r\n");
	put(out, form->common->text, form->common->len);
	/* A plugin's text must not be able to end its line and begin another. */
	if (answer->content_type.len && http_is_all_text(answer->content_type)) {
		PUT(out, "Content-Type: ");
		put(out, answer->content_type.data, answer->content_type.len);
		PUT(out, "\r\n");
	}
	if (!bodiless(status)) {
		PUT(out, "Content-Length: ");
		put_number(out, answer->body.len);
		PUT(out, "\r\n");
	}
	if (answer->retry_after_ms > 0) {
		PUT(out, "Retry-After: ");
		put_number(out, ((uint64_t)answer->retry_after_ms + 999) / 1000);
		PUT(out, "\r\n");
	}
	if (answer->close)
		PUT(out, "Connection: close\r\n");
	else if (form->minor == 0)
		PUT(out, "Connection: keep-alive\r\n");
	put(out, answer->extra ? answer->extra : "", extra);
	PUT(out, "\r\n");
	if (!form->head && !bodiless(status) && answer->body.len)
		put(out, answer->body.data, answer->body.len);
	out->data[out->len] = '\0';
}
