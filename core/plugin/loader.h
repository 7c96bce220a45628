/*
 * From a shared object to checked components. Loading runs no code of a plugin
 * but its getter; a plugin that was loaded stays loaded.
 */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

#include <onceway/plugin.h>

#include "conf/check.h"

struct module;

/* One component, in this core's own words: absent members are zero. */
struct component {
	struct ow_component description; /* options: read them through table */
	struct conf_table table;
	const struct module *module;
	struct component *next; /* of the same module */
};

struct module {
	const char *file;	/* "built in" for those linked into the program */
	struct ow_module about; /* copied as far as both sides know */
	struct component *components;
	struct module *next; /* the loader's user keeps a list */
};

/*
 * Loads a file; a refusal is a text from arena in *why, which names the file,
 * both values and what to do. Modules live as long as the process (arena).
 */
struct module *loader_open(const char *file, struct arena *arena, const char **why);

/* The same for a getter that is linked in. */
struct module *loader_take(
    const char *file, const struct ow_module *about, struct arena *arena, const char **why);

/* "source", "keyer", "store", "sink"; NULL for anything else. */
const char *component_kind_name(uint32_t kind);
/* Of the form [a-z][a-z0-9_]*: such a name can be part of a file's name. NULL is not. */
bool component_name_is_plain(const char *name);
#endif
