#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "plugin/elf_file.h"
#include "plugin/sized.h"

static const char *const kind_names[] = {NULL, "source", "keyer", "store", "sink"};
#define KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *component_kind_name(uint32_t kind)
{
	return kind < KINDS ? kind_names[kind] : NULL;
}

/*
 * Whoever can write the file can run code as us. dlopen() itself would not
 * look.
 */
static const char *check_file(const char *file, struct arena *arena)
{
	struct stat st;
	if (stat(file, &st) < 0)
		return arena_printf(arena, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return arena_printf(arena, "%s is not a file", file);
	if (st.st_mode & 022)
		return arena_printf(arena,
		    "%s can be written by others (mode %04o): make it safe with "
		    "`chmod go-w %s`",
		    file, (unsigned)st.st_mode & 07777, file);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return arena_printf(arena,
		    "%s belongs to user %u: it must belong to root or to the user that runs "
		    "onceway (%u)",
		    file, (unsigned)st.st_uid, (unsigned)geteuid());
	return NULL;
}

/* The order matters: each check makes the next one's bytes trustworthy. */
static const char *check_abi(const char *file, const struct ow_abi *abi, struct arena *arena)
{
	if (abi->magic != OW_ABI_MAGIC)
		return arena_printf(arena,
		    "%s is not a Onceway plugin: its magic is 0x%08x, not 0x%08x; rebuild it "
		    "with <onceway/plugin.h>",
		    file, abi->magic, OW_ABI_MAGIC);
	if (abi->major != OW_ABI_MAJOR)
		return arena_printf(arena,
		    "%s was built for plugin ABI %u.%u, this onceway has %u.%u: rebuild the "
		    "plugin with this version's <onceway/plugin.h>",
		    file, abi->major, abi->minor, OW_ABI_MAJOR, OW_ABI_MINOR);
	if (abi->need_minor > OW_ABI_MINOR)
		return arena_printf(arena,
		    "%s needs plugin ABI %u.%u or later, this onceway has %u.%u: upgrade "
		    "onceway, or use an older release of the plugin",
		    file, abi->major, abi->need_minor, OW_ABI_MAJOR, OW_ABI_MINOR);
	if (abi->pointer_bits != 8 * sizeof(void *))
		return arena_printf(arena,
		    "%s was built for %u-bit pointers, this onceway has %zu: rebuild it for "
		    "this machine",
		    file, abi->pointer_bits, 8 * sizeof(void *));
	if (!abi->linked || strcmp(abi->linked, OW_ABI_LINKED) != 0)
		return arena_printf(arena,
		    "%s was built with %s, this onceway with %s: rebuild the plugin with the "
		    "same libraries",
		    file, abi->linked ? abi->linked : "unknown libraries", OW_ABI_LINKED);
	return NULL;
}

/*
 * What a table of functions lacks. The least is what minor 0 had: a member added later must not
 * be asked for here, or older plugins would no longer load.
 */
static const char *missing_in_source(const struct ow_source_ops *ops)
{
	if (ops->size < SIZED_UP_TO(struct ow_source_ops, settle))
		return "a whole table of functions";
	return ops->settle ? NULL : "settle";
}

static const char *missing_in_keyer(const struct ow_keyer_ops *ops)
{
	if (ops->size < SIZED_UP_TO(struct ow_keyer_ops, reply))
		return "a whole table of functions";
	return ops->key ? NULL : "key";
}

static const char *missing_in_store(const struct ow_store_ops *ops)
{
	if (ops->size < SIZED_UP_TO(struct ow_store_ops, ready))
		return "a whole table of functions";
	return !ops->claim     ? "claim"
	       : !ops->renew   ? "renew"
	       : !ops->commit  ? "commit"
	       : !ops->release ? "release"
	       : !ops->cancel  ? "cancel"
	       : !ops->keys    ? "keys"
			       : NULL;
}

static const char *missing_in_sink(const struct ow_sink_ops *ops)
{
	if (ops->size < SIZED_UP_TO(struct ow_sink_ops, ready))
		return "a whole table of functions";
	return !ops->deliver ? "deliver" : !ops->cancel ? "cancel" : NULL;
}

static const char *missing_function(const struct ow_component *c)
{
	if (!c->create)
		return "create";
	if (!c->destroy)
		return "destroy";
	if (!c->ops)
		return "ops";
	switch (c->kind) {
	case OW_SOURCE:
		return missing_in_source(c->ops);
	case OW_KEYER:
		return missing_in_keyer(c->ops);
	case OW_STORE:
		return missing_in_store(c->ops);
	default:
		return missing_in_sink(c->ops);
	}
}

bool component_name_is_plain(const char *name)
{
	if (!name || name[0] < 'a' || name[0] > 'z')
		return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* Bugs of a plugin's author, found before any user meets them. */
static const char *lint(const struct component *c, struct arena *arena)
{
	const struct ow_component *d = &c->description;
	if (!component_kind_name(d->kind))
		return arena_printf(arena, "a component has the unknown kind %u", d->kind);
	if (!component_name_is_plain(d->name))
		return arena_printf(arena, "a component's name must be [a-z][a-z0-9_]*");
	const char *missing = missing_function(d);
	if (missing)
		return arena_printf(arena, "component `%s` lacks %s", d->name, missing);
	if (!d->summary || !d->summary[0])
		return arena_printf(arena, "component `%s` has no summary", d->name);
	const char *problem = conf_table_lint(c->table, d->conf_size, arena);
	if (problem)
		return arena_printf(arena, "component `%s`: %s", d->name, problem);
	return NULL;
}

/* The same, of the module as a whole. */
static const char *lint_module(const struct ow_module *about, struct arena *arena)
{
	if (about->module_size < SIZED_UP_TO(struct ow_module, components))
		return arena_printf(arena, "its module has only %u bytes", about->module_size);
	if (about->component_size < SIZED_UP_TO(struct ow_component, ops))
		return arena_printf(
		    arena, "its components have only %u bytes", about->component_size);
	if (about->option_size < SIZED_UP_TO(struct ow_option, help) ||
	    about->option_size % _Alignof(struct ow_option) != 0)
		return arena_printf(arena, "its options have %u bytes", about->option_size);
	if (!component_name_is_plain(about->name))
		return arena_printf(arena, "its name must be [a-z][a-z0-9_]*");
	if (!about->version || !about->license)
		return arena_printf(arena, "it has no version or no license");
	if (!about->components || !about->components[0])
		return arena_printf(arena, "it has no components");
	return NULL;
}

static bool is_there_twice(const struct module *m, const struct component *last)
{
	for (const struct component *c = m->components; c != last; c = c->next)
		if (c->description.kind == last->description.kind &&
		    strcmp(c->description.name, last->description.name) == 0)
			return true;
	return false;
}

static struct component *take_component(
    const struct module *m, const struct ow_component *from, struct arena *arena)
{
	struct component *c = arena_alloc(arena, sizeof(*c));
	sized_copy(&c->description, sizeof(c->description), from, m->about.component_size);
	c->table = (struct conf_table){c->description.options, m->about.option_size};
	c->module = m;
	return c;
}

/* Adds the components one by one; returns a bug or NULL. */
static const char *take_components(struct module *m, struct arena *arena)
{
	struct component **last = &m->components;
	for (size_t i = 0; m->about.components[i]; i++) {
		*last = take_component(m, m->about.components[i], arena);
		const char *bug = lint(*last, arena);
		if (bug)
			return bug;
		if (is_there_twice(m, *last))
			return arena_printf(
			    arena, "component `%s` is there twice", (*last)->description.name);
		last = &(*last)->next;
	}
	return NULL;
}

struct module *loader_take(
    const char *file, const struct ow_module *about, struct arena *arena, const char **why)
{
	*why = check_abi(file, &about->abi, arena);
	if (*why)
		return NULL;
	struct module *m = arena_alloc(arena, sizeof(*m));
	m->file = arena_string(arena, file);
	const char *bug = lint_module(about, arena);
	if (!bug) {
		sized_copy(&m->about, sizeof(m->about), about, about->module_size);
		bug = take_components(m, arena);
	}
	if (bug)
		*why = arena_printf(arena, "%s: plugin bug: %s; tell its author", file, bug);
	return bug ? NULL : m;
}

/* What dlopen() has against a file, whose name usually comes first. */
static const char *linker_error(const char *file)
{
	const char *error = dlerror();
	size_t len = strlen(file);
	bool named = strncmp(error, file, len) == 0 && strncmp(error + len, ": ", 2) == 0;
	return named ? error + len + 2 : error;
}

struct module *loader_open(const char *file, struct arena *arena, const char **why)
{
	*why = check_file(file, arena);
	if (*why)
		return NULL;
	const char *problem = elf_file_check(file, arena);
	if (problem) {
		*why = arena_printf(arena, "%s%s", file, problem);
		return NULL;
	}
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		*why = arena_printf(arena, "%s cannot be loaded: %s", file, linker_error(file));
		return NULL;
	}
	/* POSIX wants this detour: ISO C has no cast from object to function pointer. */
	ow_module_fn *getter = NULL;
	*(void **)&getter = dlsym(handle, OW_MODULE_ENTRY);
	if (!getter) {
		*why = arena_printf(arena,
		    "%s is not a Onceway plugin: it has no symbol `%s`; a plugin exports it "
		    "with OW_MODULE() of <onceway/plugin.h>",
		    file, OW_MODULE_ENTRY);
		dlclose(handle);
		return NULL;
	}
	const struct ow_module *about = getter();
	if (!about) {
		*why = arena_printf(
		    arena, "%s: plugin bug: it describes nothing; tell its author", file);
		return NULL;
	}
	return loader_take(file, about, arena, why);
}
