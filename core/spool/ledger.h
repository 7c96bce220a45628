/*
 * What is in the file, and its limits: carries requests out, many in one transaction. The
 * writer's thread.
 */
#ifndef SPOOL_LEDGER_H
#define SPOOL_LEDGER_H

#include <sys/types.h>

#include "spool/rows.h"
#include "spool/spool_metrics.h"

struct spool_request;

struct ledger {
	struct rows *rows;		 /* borrowed */
	const struct spool_setup *setup; /* borrowed */
	struct spool_metrics metrics;
	struct tally tally;
	int64_t version;      /* of the file when it was counted */
	bool failing;	      /* the last transaction did */
	const char *obstacle; /* why no event is put: a phrase, never freed. NULL: it can be */
	dev_t device;	      /* where the file is, */
	ino_t file;	      /* and which it is; 0: not known */
};

/* Counts what is there. Returns one of SQLite's result codes. */
int ledger_init(struct ledger *l, struct rows *rows, const struct spool_setup *setup);

/*
 * Carries out `count` requests, linked by next; each has rc and why then. Those that only read
 * are left alone. Also drops dead letters beyond their limits, even for no requests.
 */
void ledger_carry_out(struct ledger *l, struct spool_request *first, size_t count);

/* Whether another program has changed the file since it was last asked. */
bool ledger_is_outdated(struct ledger *l);

#endif
