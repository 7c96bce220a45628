#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

static const char *const kind_names[] = {NULL, "source", "keyer", "store", "sink"};
#define KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *component_kind_name(uint32_t kind)
{
	return kind < KINDS ? kind_names[kind] : NULL;
}

enum ow_kind component_kind_of(const char *name)
{
	for (uint32_t i = 1; i < KINDS; i++)
		if (strcmp(kind_names[i], name) == 0)
			return (enum ow_kind)i;
	return (enum ow_kind)0;
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

/* The least each kind must have, as the first minor of this major had it. */
static const char *missing_function(const struct ow_component *c)
{
	uint32_t size;
	if (!c->create)
		return "create";
	if (!c->destroy)
		return "destroy";
	if (!c->ops)
		return "ops";
	memcpy(&size, c->ops, sizeof(size));
	if (c->kind == OW_SOURCE) {
		const struct ow_source_ops *ops = c->ops;
		return size < sizeof(*ops) ? "a whole source table"
		       : !ops->settle	   ? "settle"
					   : NULL;
	}
	if (c->kind == OW_KEYER) {
		const struct ow_keyer_ops *ops = c->ops;
		return size < sizeof(*ops) ? "a whole keyer table" : !ops->key ? "key" : NULL;
	}
	if (c->kind == OW_STORE) {
		const struct ow_store_ops *ops = c->ops;
		return size < sizeof(*ops) ? "a whole store table"
		       : !ops->claim	   ? "claim"
		       : !ops->renew	   ? "renew"
		       : !ops->commit	   ? "commit"
		       : !ops->release	   ? "release"
		       : !ops->cancel	   ? "cancel"
		       : !ops->keys	   ? "keys"
					   : NULL;
	}
	const struct ow_sink_ops *ops = c->ops;
	return size < sizeof(*ops) ? "a whole sink table"
	       : !ops->deliver	   ? "deliver"
	       : !ops->cancel	   ? "cancel"
				   : NULL;
}

static bool name_is_plain(const char *name)
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
	if (!name_is_plain(d->name))
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

static void copy_sized(void *to, size_t room, const void *from, size_t size)
{
	memset(to, 0, room);
	memcpy(to, from, size < room ? size : room);
}

static struct component *take_component(
    const struct module *m, const struct ow_component *from, struct arena *arena)
{
	struct component *c = arena_alloc(arena, sizeof(*c));
	copy_sized(&c->description, sizeof(c->description), from, m->about.component_size);
	c->table = (struct conf_table){c->description.options, m->about.option_size};
	c->module = m;
	return c;
}

struct module *loader_take(
    const char *file, const struct ow_module *about, struct arena *arena, const char **why)
{
	*why = check_abi(file, &about->abi, arena);
	if (*why)
		return NULL;
	struct module *m = arena_alloc(arena, sizeof(*m));
	struct component **last = &m->components;
	m->file = arena_string(arena, file);
	copy_sized(&m->about, sizeof(m->about), about, about->module_size);
	for (size_t i = 0; m->about.components && m->about.components[i]; i++) {
		*last = take_component(m, m->about.components[i], arena);
		const char *bug = lint(*last, arena);
		if (bug) {
			*why = arena_printf(
			    arena, "%s: plugin bug: %s; tell its author", file, bug);
			return NULL;
		}
		last = &(*last)->next;
	}
	if (!m->components) {
		*why = arena_printf(
		    arena, "%s: plugin bug: it has no components; tell its author", file);
		return NULL;
	}
	return m;
}

struct module *loader_open(const char *file, struct arena *arena, const char **why)
{
	*why = check_file(file, arena);
	if (*why)
		return NULL;
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		*why = arena_printf(arena, "%s cannot be loaded: %s", file, dlerror());
		return NULL;
	}
	/* POSIX wants this detour: ISO C has no cast from object to function pointer. */
	ow_module_fn *getter = NULL;
	*(void **)&getter = dlsym(handle, OW_MODULE_ENTRY);
	if (!getter) {
		*why = arena_printf(arena,
		    "%s is not a Onceway plugin: it has no symbol `%s`; a plugin exports it "
		    "with "
		    "OW_MODULE() of <onceway/plugin.h>",
		    file, OW_MODULE_ENTRY);
		dlclose(handle);
		return NULL;
	}
	return loader_take(file, getter(), arena, why);
}
