/*
 * The scripts that run inside Redis (lua/), and how they are called: by the
 * name the server gave them when the connection began; by their text when it
 * gave none or has forgotten it (NOSCRIPT after SCRIPT FLUSH or a failover).
 */
#ifndef STORE_REDIS_SCRIPT_H
#define STORE_REDIS_SCRIPT_H

#include "store_redis/command.h"

enum script {
	SCRIPT_CLAIM = 0,
	SCRIPT_RENEW,
	SCRIPT_COMMIT,
	SCRIPT_RELEASE,
	SCRIPT_COUNT,
	SCRIPT_LOOK,
	SCRIPTS
};

#define SCRIPT_NAME_SIZE 41 /* SHA-1 in hexadecimal digits, NUL */

struct script_names {
	char of[SCRIPTS][SCRIPT_NAME_SIZE]; /* "": not known */
};

/* Adds SCRIPT LOAD of them all, in order. */
void script_load_all(struct command *c);
/* Takes one answer to that, in the same order. */
void script_loaded(struct script_names *names, enum script script, struct ow_text name);

/*
 * Begins a call on one key; as many arguments must follow as were announced.
 * whole: by its text even if the name is known.
 */
void script_call(struct command *c, const struct script_names *names, enum script script,
    bool whole, struct ow_text key, unsigned arguments);

#endif
