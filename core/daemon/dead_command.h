/* `onceway dead`: dead letters listed, shown, replayed and dropped, by whoever looks after
 * them. */
#ifndef DAEMON_DEAD_COMMAND_H
#define DAEMON_DEAD_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/settings.h"

/* What the command line says. Texts as given there; NULL: not given. */
struct dead_question {
	const char *const *words; /* what to do, and ids */
	size_t word_count;
	const char *state_dir;
	const char *route, *key, *reason, *since, *until;
	const char *rate, *format;
	bool honour, all;
};

void dead_command_help(FILE *out);

/* Whether it can be asked; else says why not, and returns EXIT_USAGE. Returns 0. */
int dead_command_check(const struct dead_question *question);

/*
 * settings: NULL, if the question has a state_dir. Returns 0, or 1 if any of it failed: the
 * file, or an id that is no dead letter.
 */
int dead_command(
    const struct settings *settings, const struct dead_question *question, FILE *out);

#endif
