#include "store_redis/script.h"

#include <string.h>

/*
 * Made of lua/ by the build: without comments, as C strings. The empty ones are
 * for whoever reads this without having built it.
 */
static const char *const texts[SCRIPTS] = {
    [SCRIPT_CLAIM] = ""
#include "store_redis/claim.lua.inc"
    ,
    [SCRIPT_RENEW] = ""
#include "store_redis/renew.lua.inc"
    ,
    [SCRIPT_COMMIT] = ""
#include "store_redis/commit.lua.inc"
    ,
    [SCRIPT_RELEASE] = ""
#include "store_redis/release.lua.inc"
    ,
    [SCRIPT_COUNT] = ""
#include "store_redis/count.lua.inc"
    ,
    [SCRIPT_LOOK] = ""
#include "store_redis/look.lua.inc"
    ,
};

void script_load_all(struct command *c)
{
	for (size_t i = 0; i < SCRIPTS; i++) {
		command_begin(c, "SCRIPT", 2);
		command_string(c, "LOAD");
		command_string(c, texts[i]);
	}
}

void script_loaded(struct script_names *names, enum script script, struct ow_text name)
{
	char *known = names->of[script];
	known[0] = '\0';
	if (name.len == SCRIPT_NAME_SIZE - 1) {
		memcpy(known, name.data, name.len);
		known[name.len] = '\0';
	}
}

void script_call(struct command *c, const struct script_names *names, enum script script,
    bool whole, struct ow_text key, unsigned arguments)
{
	whole = whole || !names->of[script][0];
	command_begin(c, whole ? "EVAL" : "EVALSHA", 3 + arguments);
	command_string(c, whole ? texts[script] : names->of[script]);
	command_string(c, "1");
	command_text(c, key);
}
