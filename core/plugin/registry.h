/* Which components there are: those linked in, and those found in plugin directories. */
#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include "plugin/loader.h"

struct registry;

/*
 * dirs: searched in order, before the installed directory; copied; ends with
 * NULL; may be NULL. Nothing is loaded yet but what is linked in.
 */
struct registry *registry_new(const char *const *dirs);
void registry_free(struct registry *r); /* loaded files stay loaded; NULL is fine */

/*
 * The component of that kind and name. Looks for DIR/KIND_NAME.so first, then
 * at every other file. NULL with *why, a text of the registry, which says where
 * was looked or why a file was refused.
 */
const struct component *registry_find(
    struct registry *r, enum ow_kind kind, const char *name, const char **why);

/* Loads all there is. Refusals go to refused(text, arg), which may be NULL. */
void registry_load_all(
    struct registry *r, void (*refused)(const char *why, void *arg), void *arg);
/* All loaded modules, in the order they were loaded. */
const struct module *registry_modules(const struct registry *r);
/* The installed directory, or what ONCEWAY_PLUGIN_DIR says instead. */
const char *registry_default_dir(void);

#endif
