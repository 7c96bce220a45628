/*
 * What every test of this room needs: a worker with a clock that stands still
 * until told, and an instance of a component that does as it is told.
 */
#ifndef TESTS_UNIT_PLUGIN_FIXTURE_H
#define TESTS_UNIT_PLUGIN_FIXTURE_H

#include "plugin/host.h"
#include "plugin/instance.h"

struct fixture {
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	const struct ow_host *host;
	struct ow_instance *sink;
	unsigned cancels;		     /* calls of the sink's cancel() */
	void (*on_cancel)(struct ow_op *op); /* NULL: do nothing */
};
extern struct fixture fixture;

void fixture_start(void);
void fixture_stop(void);

/* An instance of any component; fails the test if it cannot be made. */
struct ow_instance *fixture_instance(const struct component *component, const char *name);
/* A component of that kind with the least that it must have. */
const struct component *fixture_component(enum ow_kind kind);

/* Lets everything happen that can happen without time passing. */
void fixture_spin(void);
void fixture_turn(void);
#define fixture_until(condition)                                                               \
	do {                                                                                   \
		while (!(condition))                                                           \
			fixture_turn();                                                        \
	} while (0)

/* From here on log lines are kept; what was logged since, to be freed. */
void fixture_watch_log(void);
char *fixture_logged(void);

/* False under CK_FORK=no: tests that must abort have no process of their own. */
bool fixture_can_abort(void);

#endif
