/*
 * Runs tests and tells of them in the Test Anything Protocol.
 *
 * Each test runs in a process of its own, so that a plugin that crashes, hangs
 * or is stopped by the core (an operation finished twice) fails that one test.
 * The parent is the watchdog: it knows from shared memory which calls into the
 * plugin have not returned or were not finished, and names them.
 */
#ifndef CONFORMANCE_HARNESS_H
#define CONFORMANCE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subject;

struct test {
	const char *name; /* one word, for --only */
	const char *what; /* what holds */
	const char *rule; /* the sentence of the contract behind it; see contract.h */
	void (*run)(const struct subject *subject);
};

struct harness {
	const struct test *tests; /* ends with a NULL name */
	const struct subject *subject;
	const char *only; /* NULL: all */
	int64_t limit_ms; /* for one test */
};

/* Runs them; true if none failed. */
bool harness_run(const struct harness *harness);

/* ---- inside of a test: on any of its threads ---- */

/* From here on this sentence is the one that is broken; NULL: the test's own. Static. */
void contract(const char *rule);

/* Ends the test, failed. expected: what should have been; the rest: what came. */
_Noreturn void fail(const char *expected, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define EXPECT(holds, expected, ...)                                                           \
	do {                                                                                   \
		if (!(holds))                                                                  \
			fail(expected, __VA_ARGS__);                                           \
	} while (0)

/* Ends the test, skipped. */
_Noreturn void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line for people, shown if the test fails. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- calls under way, for the watchdog ---- */

/* Returns a number for the other two; -1: too many, not noted. */
int pending_begin(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pending_returned(int number); /* the plugin's function has returned */
void pending_end(int number);	   /* the operation is finished */

#endif
