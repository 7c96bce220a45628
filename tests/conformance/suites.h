/* The suites, one for each kind of component; each ends with a NULL name. */
#ifndef CONFORMANCE_SUITES_H
#define CONFORMANCE_SUITES_H

#include "conformance/harness.h"

extern const struct test store_tests[];
extern const struct test keyer_tests[];
extern const struct test sink_tests[];
extern const struct test source_tests[];

/* What every component must do, whatever its kind: see life.c. */
void test_start_and_end(const struct subject *subject);
void test_drain_without_start(const struct subject *subject);
void test_several_lives(const struct subject *subject);
/* Of those that have a ready(). */
void test_ready(const struct subject *subject);

#define LIFE_TESTS                                                                             \
	{"life", "it starts, drains and is destroyed", RULE_START, test_start_and_end},        \
	    {"drain-without-start", "it can be drained without having been started",           \
		RULE_DRAIN_FAILED, test_drain_without_start},                                  \
	{                                                                                      \
		"lives", "one life after another leaves nothing behind", RULE_DESTROY,         \
		    test_several_lives                                                         \
	}

#endif
