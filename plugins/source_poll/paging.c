#include "source_poll/paging.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "source_poll/records.h"
#include "source_poll/target.h"

struct paging {
	const struct ow_host *host;
	const char *url;
	const struct paging_options *options;
	const struct ow_pointer *records, *next; /* next: or the cursor; NULL: not asked for */
	const char *parameter;
	char *first;
};

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

static void set_number(char **target, const char *name, int64_t number)
{
	char digits[24], *before = *target;
	snprintf(digits, sizeof(digits), "%" PRId64, number);
	*target = target_with(before, name, text_of(digits));
	free(before);
}

static const char *parameter_of(const struct paging_options *o)
{
	static const char *const usual[] = {
	    [PAGING_CURSOR] = "cursor", [PAGING_PAGE] = "page", [PAGING_OFFSET] = "offset"};
	if (o->parameter || o->mode == PAGING_NONE || o->mode == PAGING_NEXT ||
	    o->mode == PAGING_LINK)
		return o->parameter;
	return usual[o->mode];
}

static void make_first(struct paging *p)
{
	const struct paging_options *o = p->options;
	p->first = target_of_url(p->url);
	if (o->size_parameter)
		set_number(&p->first, o->size_parameter, o->size);
	if (o->mode == PAGING_PAGE || o->mode == PAGING_OFFSET)
		set_number(&p->first, p->parameter, o->mode == PAGING_PAGE ? o->first : 0);
}

struct paging *paging_new(const struct ow_host *host, struct ow_instance *self, const char *url,
    const struct paging_options *options, const char **why)
{
	struct paging *p = alloc_zero(1, sizeof(*p));
	const char *next = options->mode == PAGING_CURSOR ? options->cursor
			   : options->mode == PAGING_NEXT ? options->next
							  : NULL;
	*p = (struct paging){.host = host, .url = url, .options = options};
	p->parameter = parameter_of(options);
	p->records = host->pointer(self, options->records);
	p->next = next ? host->pointer(self, next) : NULL;
	make_first(p);
	if (p->records && (!next || p->next) && target_is_sound(p->first))
		return p;
	*why = "records, cursor or next is not a JSON pointer, or url has bytes that must be "
	       "percent-encoded";
	paging_free(p);
	return NULL;
}

void paging_free(struct paging *p)
{
	if (!p)
		return;
	free(p->first);
	free(p);
}

const char *paging_first(const struct paging *p)
{
	return p->first;
}

/* ---- rules ---- */

static void only_with(
    const struct ow_report *report, const char *option, bool given, bool may, const char *modes)
{
	if (given && !may)
		report->complain(report, option, "is of use with `paging: %s` only", modes);
}

void paging_check(const struct paging_options *o, const struct ow_report *report)
{
	bool counts = o->mode == PAGING_PAGE || o->mode == PAGING_OFFSET;
	if (o->mode == PAGING_CURSOR && !o->cursor)
		report->complain(report, "cursor",
		    "is missing: where in the body the next cursor is, such as /next_cursor");
	if (o->mode == PAGING_NEXT && !o->next)
		report->complain(report, "next",
		    "is missing: where in the body the next page's URL is, such as "
		    "/links/next");
	only_with(report, "cursor", o->cursor, o->mode == PAGING_CURSOR, "cursor");
	only_with(report, "next", o->next, o->mode == PAGING_NEXT, "next");
	only_with(report, "parameter", o->parameter, counts || o->mode == PAGING_CURSOR,
	    "cursor, page or offset");
	only_with(report, "page_size", o->size > 0 && !o->size_parameter, counts,
	    "page or offset, or with page_size_parameter,");
	if (o->size_parameter && o->size == 0)
		report->complain(
		    report, "page_size", "is missing: what `%s` is to be", o->size_parameter);
}

/* ---- pages ---- */

/* The text of the member that leads on; empty: none does. False with *why. */
static bool leading_on(const struct paging *p, const struct ow_event *document,
    struct ow_text *text, const char **why)
{
	struct ow_json value;
	*text = (struct ow_text){"", 0};
	if (!p->host->event_json(document, p->next, &value))
		return true;
	switch (value.type) {
	case OW_JSON_NULL:
	case OW_JSON_FALSE:
		return true;
	case OW_JSON_STRING:
		*text = p->host->event_string(document, &value);
		return true;
	case OW_JSON_INTEGER:
	case OW_JSON_REAL:
		*text = value.raw;
		return true;
	default:
		*why = "what `cursor` or `next` points to is neither a text nor a number";
		return false;
	}
}

/* A header may come several times, and each have several links. */
static bool find_link(const struct ow_http_response *response, struct ow_text *link)
{
	for (size_t i = 0; i < response->headers; i++)
		if (response->names[i].len == 4 &&
		    strncasecmp(response->names[i].data, "Link", 4) == 0 &&
		    target_next_link(response->values[i], link))
			return true;
	return false;
}

static char *with_number(const struct paging *p, const char *target, int64_t number)
{
	char *made = target_with(target, p->parameter, (struct ow_text){"", 0});
	set_number(&made, p->parameter, number);
	return made;
}

static bool is_last(const struct paging_options *o, size_t count)
{
	return count == 0 || (o->size > 0 && (int64_t)count < o->size);
}

static void find_number(const struct paging *p, const char *target, size_t count,
    struct paging_page *page, const char **why)
{
	const struct paging_options *o = p->options;
	bool pages = o->mode == PAGING_PAGE;
	int64_t number;
	if (!target_number(target, p->parameter, &number))
		*why = "the state has lost count of pages: move it away";
	else if (!is_last(o, count))
		page->next = with_number(p, target, number + (pages ? 1 : (int64_t)count));
	/* The page before may have had room: new records come to that one first. */
	else if (pages && count == 0 && number > o->first)
		page->stay = with_number(p, target, number - 1);
}

static char *follow(const struct paging *p, struct ow_text link, const char **why)
{
	return link.len ? target_follow(p->url, link, why) : NULL;
}

/* Neither is set where there is none; or *why is. */
static void find_next(const struct paging *p, const char *target,
    const struct ow_event *document, const struct ow_http_response *response,
    struct paging_page *page, const char **why)
{
	struct ow_text link;
	*why = NULL;
	switch ((enum paging_mode)p->options->mode) {
	case PAGING_CURSOR:
		if (!leading_on(p, document, &link, why) || link.len == 0)
			return;
		if (link.len > TARGET_MAX / 4)
			*why = "the next cursor is too long";
		else
			page->next = target_with(p->first, p->parameter, link);
		return;
	case PAGING_NEXT:
		if (leading_on(p, document, &link, why))
			page->next = follow(p, link, why);
		return;
	case PAGING_LINK:
		if (find_link(response, &link))
			page->next = follow(p, link, why);
		return;
	case PAGING_PAGE:
	case PAGING_OFFSET:
		find_number(p, target, records_count(page->records), page, why);
		return;
	case PAGING_NONE:
		return;
	}
}

bool paging_read(const struct paging *p, const char *target, const struct ow_event *document,
    const struct ow_http_response *response, struct paging_page *page, const char **why)
{
	struct ow_json records;
	if (!p->host->event_json(document, p->records, &records)) {
		*why = "its body is not JSON, or has nothing where `records` points to";
		return false;
	}
	if (records.type != OW_JSON_ARRAY) {
		*why = "what `records` points to is not an array";
		return false;
	}
	page->records = records.raw;
	find_next(p, target, document, response, page, why);
	if (page->next && !target_is_sound(page->next)) {
		*why = "the next page's path and query are too long";
		free(page->next);
		page->next = NULL;
	}
	return !*why;
}
