#include "source_poll/poller.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/errands.h"
#include "lib/http_date.h"
#include "lib/siphash.h"
#include "source_poll/position.h"
#include "source_poll/records.h"
#include "source_poll/target.h"

#define LOOP_MS	    50
#define MAX_HEADERS 80 /* the option's, and those added here */

/* What the thread is asked, and what came of it; the loop's again when it has been told. */
struct desk {
	struct errand errand;
	bool saving; /* else loading */
	char *target;
	bool good;
	char why[POSITION_WHY];
};

/* The page that is being handed out. */
struct page {
	struct ow_event *document; /* has the bytes; NULL: there is no page */
	struct records left;
	char *next, *stay;   /* as of struct paging_page; owned */
	int64_t out;	     /* events not settled yet */
	uint64_t given_back; /* of all that were */
	int64_t retry_after_ms;
	bool stopped; /* no more of it are handed out: they would be turned away */
};

struct poller {
	struct poller_parts parts;
	struct position_file *position;
	struct errands *errands;
	struct desk desk;
	bool busy;    /* the thread is */
	bool unsaved; /* the file does not say what target is */
	struct ow_op *starting, *draining;
	struct ow_timer *timer;

	char *target; /* of the page to read, or being read; owned */
	struct outbound_call *call;
	struct ow_http_outgoing request;
	struct ow_text names[MAX_HEADERS], values[MAX_HEADERS];
	struct page page;

	/* this round */
	uint64_t *seen; /* hashes of its targets */
	unsigned char hash_key[SIPHASH_KEY_SIZE];
	int64_t pages;

	unsigned failures;		 /* since something worked */
	char problem[POSITION_WHY + 80]; /* that was logged last; empty: it works */
	struct ow_counter *read, *records, *errors, *skipped, *returned, *failing;
};

static void fetch(struct poller *p);
static void drained_perhaps(struct poller *p);

static const struct ow_host *host_of(const struct poller *p)
{
	return p->parts.host;
}

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

static char *text_copy(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(alloc_bytes(size), text, size);
}

static void set_target(struct poller *p, const char *target)
{
	char *copy = text_copy(target);
	free(p->target);
	p->target = copy;
}

/* ---- waits ---- */

static void rest(struct poller *p, int64_t ms)
{
	if (!p->draining)
		host_of(p)->timer_set(p->timer, ms);
}

static void begin_round(struct poller *p)
{
	p->pages = 0;
	fetch(p);
}

static void on_timer(void *arg)
{
	begin_round(arg);
}

static void try_later(struct poller *p, int64_t least_ms)
{
	p->failures++;
	host_of(p)->gauge_set(p->failing, 1);
	int64_t wait =
	    backoff_ms(&p->parts.options->retry, p->failures, host_of(p), p->parts.self);
	/* The loop counts from when it woke, which was a little before now. */
	if (least_ms > 0)
		least_ms += LOOP_MS;
	rest(p, wait > least_ms ? wait : least_ms);
}

/* Each problem is told once, until it works again. */
static void failed(struct poller *p, const char *why, int64_t least_ms)
{
	host_of(p)->count(p->errors, 1);
	if (strcmp(p->problem, why) != 0)
		host_of(p)->log(p->parts.self, OW_LOG_ERROR, "%s; tried again", why);
	snprintf(p->problem, sizeof(p->problem), "%s", why);
	try_later(p, least_ms);
}

static void worked(struct poller *p)
{
	if (p->problem[0])
		host_of(p)->log(p->parts.self, OW_LOG_INFO, "pages can be read again");
	p->problem[0] = '\0';
}

/* ---- the state file ---- */

static void run_errand(struct errand *errand);

static void send_errand(struct poller *p, bool saving)
{
	p->desk.errand.run = run_errand;
	p->desk.saving = saving;
	p->busy = errands_send(p->errands, &p->desk.errand);
	if (p->busy)
		return;
	p->desk.good = false;
	snprintf(p->desk.why, sizeof(p->desk.why), "state: cannot start a thread");
}

static void go_on(struct poller *p);

static void loaded(struct poller *p)
{
	struct ow_op *op = p->starting;
	p->starting = NULL;
	if (!p->desk.good) {
		host_of(p)->op_done(op, OW_FAIL, p->desk.why);
		drained_perhaps(p);
		return;
	}
	if (p->desk.target) {
		host_of(p)->log(p->parts.self, OW_LOG_INFO, "goes on where %s says",
		    p->parts.options->state);
		set_target(p, p->desk.target);
	}
	free(p->desk.target);
	p->desk.target = NULL;
	host_of(p)->op_done(op, OW_OK, NULL);
	if (p->draining)
		drained_perhaps(p);
	else
		begin_round(p);
}

/* What is not on disk is read again after a restart, and is a duplicate then. */
static void saved(struct poller *p)
{
	free(p->desk.target);
	p->desk.target = NULL;
	p->unsaved = !p->desk.good;
	if (p->unsaved) {
		host_of(p)->count(p->errors, 1);
		host_of(p)->log(p->parts.self, OW_LOG_ERROR,
		    "%s; reading goes on, and a restart would begin where the file says",
		    p->desk.why);
	}
	go_on(p);
}

static void errand_done(void *arg)
{
	struct poller *p = arg;
	p->busy = false;
	if (p->desk.saving)
		saved(p);
	else
		loaded(p);
}

/* On the thread. */
static void run_errand(struct errand *errand)
{
	struct desk *desk = (struct desk *)(void *)errand;
	struct poller *p =
	    (struct poller *)(void *)((char *)desk - offsetof(struct poller, desk));
	if (desk->saving)
		desk->good = position_file_save(p->position, desk->target, desk->why);
	else
		desk->good = position_file_load(p->position, &desk->target, desk->why);
	host_of(p)->post(p->parts.self, errand_done, p);
}

/* ---- from page to page ---- */

static uint64_t hash_of(const struct poller *p, const char *target)
{
	return siphash13(p->hash_key, target, strlen(target));
}

static bool was_read(struct poller *p, const char *target)
{
	uint64_t hash = hash_of(p, target);
	for (int64_t i = 0; i < p->pages; i++)
		if (p->seen[i] == hash)
			return true;
	return false;
}

static void forget_ways_on(struct page *page)
{
	free(page->next);
	free(page->stay);
	page->next = page->stay = NULL;
}

/* The page is done and, if there is a state, on disk: p->target is the next. */
static void go_on(struct poller *p)
{
	const struct poller_options *o = p->parts.options;
	bool more = p->page.next != NULL;
	forget_ways_on(&p->page);
	if (p->draining) {
		drained_perhaps(p);
	} else if (!more) {
		rest(p, o->interval_ms);
	} else if (was_read(p, p->target)) {
		host_of(p)->count(p->errors, 1);
		host_of(p)->log(p->parts.self, OW_LOG_ERROR,
		    "the next page is one of this round: pages go in a circle; rests until the "
		    "next round");
		rest(p, o->interval_ms);
	} else if (p->pages >= o->max_pages) {
		host_of(p)->log(p->parts.self, OW_LOG_INFO,
		    "%" PRId64 " pages (max_pages) were read, there are more: the next round "
		    "goes on there",
		    p->pages);
		rest(p, o->interval_ms);
	} else {
		fetch(p);
	}
}

/* What is read next, be it in the next round; borrowed. */
static const char *after(const struct poller *p)
{
	if (p->page.next)
		return p->page.next;
	if (p->parts.options->at_end == END_BEGIN)
		return paging_first(p->parts.paging);
	return p->page.stay ? p->page.stay : p->target;
}

static void page_end(struct poller *p)
{
	struct page *page = &p->page;
	host_of(p)->event_unref(page->document);
	page->document = NULL;
	if (page->given_back > 0 || page->stopped || page->left.at < page->left.end) {
		forget_ways_on(page);
		if (!p->failures && !p->draining)
			host_of(p)->log(p->parts.self, OW_LOG_INFO,
			    "records were given back: their page is read again");
		try_later(p, page->retry_after_ms);
		drained_perhaps(p);
		return;
	}
	p->failures = 0;
	host_of(p)->gauge_set(p->failing, 0);
	const char *next = after(p);
	p->unsaved |= strcmp(next, p->target) != 0;
	set_target(p, next);
	if (!p->unsaved || !p->position) {
		go_on(p);
		return;
	}
	p->desk.target = text_copy(p->target);
	send_errand(p, true);
	if (!p->busy)
		saved(p);
}

/* ---- records ---- */

static void skip(struct poller *p, const char *why)
{
	host_of(p)->count(p->skipped, 1);
	host_of(p)->log(p->parts.self, OW_LOG_WARNING, "a record is left out: %s", why);
}

static void hand_one(struct poller *p, struct ow_text record)
{
	struct ow_event *event = host_of(p)->event_new(p->parts.self);
	host_of(p)->event_set_body(event, record.data, record.len);
	host_of(p)->event_add_header(event, "Content-Type", "application/json");
	p->page.out++;
	host_of(p)->count(p->records, 1);
	host_of(p)->emit(p->parts.self, event, p);
}

static void hand_out(struct poller *p)
{
	struct page *page = &p->page;
	struct ow_text record;
	while (!p->draining && !page->stopped && page->out < p->parts.options->max_inflight &&
	       records_next(&page->left, &record)) {
		if (record.data[0] == '{')
			hand_one(p, record);
		else
			skip(p, "it is not an object");
	}
	if (page->out > 0)
		return;
	page_end(p);
}

/* What is malformed is so the next time, too. */
static bool is_hopeless(const struct poller *p, enum ow_outcome outcome)
{
	return !p->parts.options->hold_invalid &&
	       (outcome == OW_INVALID || outcome == OW_MISSING_KEY || outcome == OW_UNROUTED);
}

void poller_settle(struct poller *p, const struct ow_settlement *how)
{
	struct page *page = &p->page;
	page->out--;
	if (!how->acknowledge && is_hopeless(p, how->outcome)) {
		skip(p, how->why);
	} else if (!how->acknowledge) {
		host_of(p)->count(p->returned, 1);
		page->given_back++;
		if (how->retry_after_ms > page->retry_after_ms)
			page->retry_after_ms = how->retry_after_ms;
		/* For want of room or of a store: so would the next one be. */
		if (how->outcome == OW_REJECTED)
			page->stopped = true;
	}
	hand_out(p);
}

/* ---- requests ---- */

static struct ow_text header(const struct ow_http_response *response, const char *name)
{
	for (size_t i = 0; i < response->headers; i++)
		if (response->names[i].len == strlen(name) &&
		    strncasecmp(response->names[i].data, name, strlen(name)) == 0)
			return response->values[i];
	return (struct ow_text){"", 0};
}

static const char *advice(int status)
{
	if (status >= 300 && status < 400)
		return ": redirects are not followed; name the URL it leads to";
	switch (status) {
	case 401:
		return ": check who we say we are";
	case 403:
		return ": check what the client may read";
	case 404:
	case 410:
		return ": check `url`; if only this page is gone, move `state` away";
	}
	return "";
}

static void refused(struct poller *p, const struct ow_http_response *response)
{
	char why[160];
	int64_t wait = http_retry_after_ms(
	    header(response, "Retry-After"), host_of(p)->wall_ms(p->parts.self));
	snprintf(
	    why, sizeof(why), "the answer is %d%s", response->status, advice(response->status));
	failed(p, why, wait);
}

static void read_page(struct poller *p, const struct ow_http_response *response)
{
	struct paging_page page = {.next = NULL};
	const char *why = NULL;
	struct ow_event *document = host_of(p)->event_new(p->parts.self);
	host_of(p)->event_set_body(document, response->body.data, response->body.len);
	if (!paging_read(p->parts.paging, p->target, document, response, &page, &why)) {
		char text[160];
		host_of(p)->event_unref(document);
		snprintf(text, sizeof(text), "a page cannot be used: %s", why);
		failed(p, text, 0);
		return;
	}
	worked(p);
	host_of(p)->count(p->read, 1);
	p->seen[p->pages++] = hash_of(p, p->target);
	p->page = (struct page){.document = document, .next = page.next, .stay = page.stay};
	records_begin(&p->page.left, page.records);
	hand_out(p);
}

static void answered(const struct outbound_result *result, void *arg)
{
	struct poller *p = arg;
	const struct ow_http_response *response = result->response;
	p->call = NULL;
	if (!response)
		failed(p, result->why, result->retry_after_ms);
	else if (response->end != OW_HTTP_ANSWERED)
		failed(p, response->why, 0);
	else if (response->status != 200)
		refused(p, response);
	else if (response->body_dropped)
		failed(p,
		    "a page is larger than max_response: raise it, or ask for smaller pages",
		    0);
	else
		read_page(p, response);
}

static void add_header(struct poller *p, const char *name, const char *value)
{
	p->names[p->request.headers] = text_of(name);
	p->values[p->request.headers++] = text_of(value);
}

static void fetch(struct poller *p)
{
	const struct ow_pairs *headers = p->parts.headers;
	bool accepts = false;
	p->request = (struct ow_http_outgoing){.size = sizeof(p->request),
	    .method = "GET",
	    .target = text_of(p->target),
	    .names = p->names,
	    .values = p->values,
	    .repeatable = true,
	    .total_ms = p->parts.options->total_ms};
	for (size_t i = 0; i < headers->count; i++) {
		add_header(p, headers->names[i], headers->values[i]);
		accepts |= strcasecmp(headers->names[i], "Accept") == 0;
	}
	if (!accepts)
		add_header(p, "Accept", "application/json");
	p->call = outbound_send(
	    p->parts.outbound, p->parts.pool, &p->request, text_of("poll"), answered, p);
}

/* ---- life ---- */

static struct ow_counter *counter(struct poller *p, const char *name, const char *help)
{
	return host_of(p)->counter(p->parts.self, name, help, NULL, (struct ow_text){NULL, 0});
}

struct poller *poller_new(const struct poller_parts *parts)
{
	struct poller *p = alloc_zero(1, sizeof(*p));
	p->parts = *parts;
	p->timer = parts->host->timer_new(parts->self, on_timer, p);
	parts->host->random(parts->self, p->hash_key, sizeof(p->hash_key));
	p->seen = alloc_zero((size_t)parts->options->max_pages, sizeof(*p->seen));
	p->read = counter(p, "poll_pages_total", "Pages that were read.");
	p->records = counter(p, "poll_records_total", "Records of pages, handed to routes.");
	p->errors =
	    counter(p, "poll_errors_total", "Requests for a page, or its state, that failed.");
	p->skipped = counter(p, "poll_skipped_total",
	    "Records that were left out, for they would be refused each time.");
	p->returned = counter(p, "poll_returned_total",
	    "Records that were given back, and whose page is read again.");
	p->failing = parts->host->gauge(
	    parts->self, "poll_failing", "1 while pages cannot be read or records delivered.");
	set_target(p, paging_first(parts->paging));
	if (parts->options->state) {
		p->errands = errands_new();
		p->position = position_file_new(parts->options->state, parts->url);
	}
	return p;
}

void poller_free(struct poller *p)
{
	if (!p)
		return;
	if (p->errands)
		errands_forget(p->errands, &p->desk.errand);
	errands_free(p->errands);
	position_file_free(p->position);
	host_of(p)->timer_free(p->timer);
	free(p->desk.target);
	forget_ways_on(&p->page);
	free(p->seen);
	free(p->target);
	free(p);
}

void poller_start(struct poller *p, struct ow_op *op)
{
	p->starting = op;
	p->desk.good = true;
	if (p->position)
		send_errand(p, false);
	if (!p->busy)
		loaded(p);
}

static void drained_perhaps(struct poller *p)
{
	struct ow_op *op = p->draining;
	if (!op || p->page.document || p->busy)
		return;
	p->draining = NULL;
	host_of(p)->op_done(op, OW_OK, NULL);
}

/* A page that is not finished is read again after the next start. */
void poller_drain(struct poller *p, struct ow_op *op)
{
	p->draining = op;
	host_of(p)->timer_set(p->timer, -1);
	if (p->call)
		outbound_cancel(p->call);
	p->call = NULL;
	drained_perhaps(p);
}
