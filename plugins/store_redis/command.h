/*
 * Commands as Redis reads them (RESP: `*2\r\n$3\r\nGET\r\n...`), one behind the
 * other in a buffer that is used again and again: formatting is most of what a
 * command costs on this side.
 */
#ifndef STORE_REDIS_COMMAND_H
#define STORE_REDIS_COMMAND_H

#include <onceway/plugin.h>

struct command {
	char *bytes;
	size_t len, size;
	unsigned count; /* commands, and so replies */
};

void command_fini(struct command *c);
void command_clear(struct command *c);

/* Begins one more command: its name and how many arguments follow. */
void command_begin(struct command *c, const char *name, unsigned arguments);
void command_text(struct command *c, struct ow_text text);
void command_string(struct command *c, const char *string);
void command_number(struct command *c, int64_t number);

/* Adds all commands of the other one. */
void command_add(struct command *c, const struct command *more);

#endif
