/* What is tested: one component, with the options a user gave it. */
#ifndef CONFORMANCE_SUBJECT_H
#define CONFORMANCE_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "plugin/registry.h"

#define SUBJECT_HEADERS_MAX 16

struct subject {
	const struct component *component;
	const char *options_file; /* NULL: the component's example */
	const char *events_file;  /* one JSON document a line; NULL: none */
	const char *path;	  /* requests for a source; NULL: its option `path` */
	const char *headers[SUBJECT_HEADERS_MAX + 1]; /* "Name: value", ends with NULL */
	uint64_t seed;
};

/*
 * The options, checked, from arena. In them ${PEER} is peer ("127.0.0.1:80"; NULL:
 * an address where nobody listens) and ${DIR} is dir. Complaints go to err;
 * NULL if there were any.
 */
void *subject_configure(const struct subject *subject, const char *peer, const char *dir,
    struct arena *arena, FILE *err);

/* Whether the options name the peer, so that it can be seen and steered. */
bool subject_names_peer(const struct subject *subject);

/* The value of a text option; NULL: there is none of that name, or it is not set. */
const char *subject_text(const struct subject *subject, const void *conf, const char *option);

/* The events of the file, or {} alone. Ends with len 0 at *count; freed with arena. */
const struct ow_text *subject_events(
    const struct subject *subject, struct arena *arena, size_t *count);

#endif
