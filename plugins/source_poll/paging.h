/* What an answer holds: its records, and where the next page is. */
#ifndef SOURCE_POLL_PAGING_H
#define SOURCE_POLL_PAGING_H

#include <onceway/plugin.h>

enum paging_mode {
	PAGING_NONE = 0, /* one page */
	PAGING_CURSOR,	 /* a member of the body, for a parameter */
	PAGING_NEXT,	 /* a member of the body is the link */
	PAGING_LINK,	 /* the header Link is */
	PAGING_PAGE,	 /* a parameter counts pages */
	PAGING_OFFSET	 /* a parameter counts records */
};

struct paging_options {
	const char *records; /* JSON pointers */
	int mode;	     /* enum paging_mode */
	const char *cursor, *next;
	const char *parameter; /* NULL: cursor, page or offset */
	int64_t first;	       /* page */
	int64_t size;	       /* records of a full page; 0: not known */
	const char *size_parameter;
};

struct paging;

/* In create(). All is borrowed for its life. NULL with *why. */
struct paging *paging_new(const struct ow_host *host, struct ow_instance *self, const char *url,
    const struct paging_options *options, const char **why);
void paging_free(struct paging *p); /* NULL is fine */

void paging_check(const struct paging_options *options, const struct ow_report *report);

/* The target of the first page; borrowed. */
const char *paging_first(const struct paging *p);

struct paging_page {
	struct ow_text records; /* the array's raw text; borrowed from the document */
	char *next;		/* target, owned; NULL: this is the last page */
	/* Of the last page: what is read in its place by and by; owned; NULL: itself. */
	char *stay;
};

/*
 * Reads the answer to a request for that target; document has its body. False
 * with *why: a phrase, static.
 */
bool paging_read(const struct paging *p, const char *target, const struct ow_event *document,
    const struct ow_http_response *response, struct paging_page *page, const char **why);

#endif
