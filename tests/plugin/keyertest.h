/*
 * What tests of keyers share.
 *
 * Key vectors: files of events, one JSON object a line, with the key each has,
 * made by other programs.
 *
 *	case	 its name, for messages
 *	event	 the body
 *	run	 what "%RUN%" in event and key stands for, `times` times
 *	options  of the keyer, as YAML; absent: all defaults
 *	key	 without the prefix; or
 *	refused	 "malformed", or the field and what is wrong with it
 */
#ifndef TESTS_PLUGIN_KEYERTEST_H
#define TESTS_PLUGIN_KEYERTEST_H

#include "tests/plugin/mockhost.h"

/* The keyer under test: its worker, its component, and an instance of it. */
extern struct mock *mock;
extern const struct ow_component *component;
extern struct ow_instance *keyer;

/* Frame a test; keyer_with() makes the instance, options as YAML, NULL: all defaults. */
void keyer_begin(const char *name);
void keyer_with(const char *options);
void keyer_end(void);

struct ow_key *key_of(const char *body);

/* Called for each event that has its key. */
typedef void key_vectors_each(const char *name, struct ow_text event, const struct ow_key *key);

/*
 * Checks all of a file; there must be that many, so that one cut short does
 * not pass. each may be NULL.
 */
void key_vectors_check(const char *prefix, const char *file, int count, key_vectors_each *each);

void assert_text(struct ow_text text, const char *expected);

/* That key() refuses body: the field, what is wrong, and whether it is missing. */
void assert_refused(const char *body, const char *field, const char *problem, bool missing);

/* That `key --explain` shows exactly these fields, and these bytes. */
void assert_explained(
    const char *body, const char *const (*fields)[2], size_t count, const char *canonical);

/* The reply for body after key() was asked, if it is JSON; with its key in the request. */
struct ow_reply *reply_for(const char *body, const struct ow_reply_request *request);
/* That it is this JSON, with the proposed status. */
void assert_reply(
    const char *body, const struct ow_reply_request *request, const char *expected);

#endif
