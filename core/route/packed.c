#include "route/packed.h"

#include "base/text.h"

/* The source has checked them; on disk they would only wait for a thief. */
static const char *const credentials[] = {
    "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"};

static bool is_credential(struct ow_text name)
{
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++)
		if (text_equal_nocase(name, text_of(credentials[i])))
			return true;
	return false;
}

/* A source may have made a header of anything; a line break would make two of it. */
static void add_line(struct buf *b, struct ow_text t)
{
	for (size_t i = 0; i < t.len; i++)
		buf_add_char(b, t.data[i] == '\r' || t.data[i] == '\n' ? ' ' : t.data[i]);
}

struct packing {
	const char *secret; /* the name of a header that is left out; NULL: none */
	struct buf *headers;
};

static void add_header(struct ow_text name, struct ow_text value, void *arg)
{
	const struct packing *p = arg;
	if (is_credential(name) || (p->secret && text_equal_nocase(name, text_of(p->secret))))
		return;
	add_line(p->headers, name);
	buf_add_string(p->headers, ": ");
	add_line(p->headers, value);
	buf_add_string(p->headers, "\r\n");
}

struct spool_event event_pack(const struct ow_event *event, struct buf *headers)
{
	struct packing packing = {event_get_secret_header(event), headers};
	event_each_header(event, add_header, &packing);
	return (struct spool_event){.source = text_of(event_get_source(event)),
	    .path = event_get_path(event),
	    .headers = buf_text(headers),
	    .body = event_get_body(event),
	    .trace = event_get_traceparent(event),
	    .arrived_ms = event_arrived_wall(event)};
}

/* Up to and without the next `mark`, which is passed over; all of it if there is none. */
static struct ow_text cut_at(struct ow_text *rest, const char *mark)
{
	size_t len = strlen(mark);
	struct ow_text found = *rest;
	for (size_t i = 0; i + len <= rest->len; i++) {
		if (memcmp(rest->data + i, mark, len) != 0)
			continue;
		found.len = i;
		*rest = text_span(rest->data + i + len, rest->len - i - len);
		return found;
	}
	rest->len = 0;
	return found;
}

struct ow_event *event_unpack(struct worker *worker, const struct spool_event *kept)
{
	struct ow_event *event = event_restore(worker, kept->source, kept->arrived_ms);
	struct ow_text headers = kept->headers;
	event_put_body(event, kept->body.data, kept->body.len);
	event_put_path(event, kept->path);
	while (headers.len > 0) {
		struct ow_text line = cut_at(&headers, "\r\n");
		struct ow_text name = cut_at(&line, ": ");
		event_put_header_text(event, name, line);
	}
	event_put_traceparent(event, kept->trace);
	return event;
}
