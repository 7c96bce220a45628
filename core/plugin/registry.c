#include "plugin/registry.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"

struct registry {
	struct arena arena;
	const char **dirs; /* ends with NULL */
	struct module *first, **last;
};

/* The getters of plugins configured with --with-plugin-NAME=yes. */
#define OW_BUILTIN(plugin) const struct ow_module *ow_module_##plugin(void);
#include "plugin/builtin.inc"
#undef OW_BUILTIN

static void add(struct registry *r, struct module *m)
{
	*r->last = m;
	r->last = &m->next;
}

static void add_builtin(struct registry *r, const struct ow_module *about)
{
	const char *why;
	struct module *m = loader_take("built in", about, &r->arena, &why);
	if (!m)
		abort(); /* our own plugin, our own header: the build is broken */
	add(r, m);
}

const char *registry_default_dir(void)
{
	const char *dir = getenv("ONCEWAY_PLUGIN_DIR");
	return dir && dir[0] ? dir : PKGLIBDIR;
}

struct registry *registry_new(const char *const *dirs)
{
	struct registry *r = mem_zero(sizeof(*r));
	size_t count = 0, at = 0;
	r->last = &r->first;
	while (dirs && dirs[count])
		count++;
	r->dirs = arena_alloc(&r->arena, (count + 2) * sizeof(*r->dirs));
	for (; at < count; at++)
		r->dirs[at] = arena_string(&r->arena, dirs[at]);
	r->dirs[at] = arena_string(&r->arena, registry_default_dir());
	(void)add_builtin; /* no plugin may be linked in */
#define OW_BUILTIN(plugin) add_builtin(r, ow_module_##plugin());
#include "plugin/builtin.inc"
#undef OW_BUILTIN
	return r;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	arena_free(&r->arena);
	free(r);
}

const struct module *registry_modules(const struct registry *r)
{
	return r->first;
}

static const struct component *find_loaded(
    const struct registry *r, enum ow_kind kind, const char *name)
{
	for (const struct module *m = r->first; m; m = m->next)
		for (const struct component *c = m->components; c; c = c->next)
			if (c->description.kind == kind &&
			    strcmp(c->description.name, name) == 0)
				return c;
	return NULL;
}

static bool is_loaded(const struct registry *r, const char *file)
{
	for (const struct module *m = r->first; m; m = m->next)
		if (strcmp(m->file, file) == 0)
			return true;
	return false;
}

/* Two files with one component: which one runs would depend on luck. */
static const char *clash(struct registry *r, const struct module *m)
{
	for (const struct component *c = m->components; c; c = c->next) {
		const struct component *other =
		    find_loaded(r, (enum ow_kind)c->description.kind, c->description.name);
		if (other)
			return arena_printf(&r->arena,
			    "%s has a %s `%s`, which %s has too: remove one of the two",
			    m->file, component_kind_name(c->description.kind),
			    c->description.name, other->module->file);
	}
	return NULL;
}

static bool load(struct registry *r, const char *file, const char **why)
{
	struct module *m = loader_open(file, &r->arena, why);
	if (!m)
		return false;
	*why = clash(r, m);
	if (*why)
		return false;
	add(r, m);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#define FILES_MAX 1024

/* The *.so files of a directory, sorted so that runs do not differ. */
static size_t list_files(struct registry *r, const char *dir, const char **files)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t count = 0;
	if (!d)
		return 0;
	while ((entry = readdir(d)) && count < FILES_MAX) {
		size_t len = strlen(entry->d_name);
		if (len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0)
			files[count++] = arena_printf(&r->arena, "%s/%s", dir, entry->d_name);
	}
	closedir(d);
	qsort(files, count, sizeof(*files), by_name);
	return count;
}

void registry_load_all(
    struct registry *r, void (*refused)(const char *why, void *arg), void *arg)
{
	const char **files = mem_array(FILES_MAX, sizeof(*files));
	for (size_t d = 0; r->dirs[d]; d++) {
		size_t count = list_files(r, r->dirs[d], files);
		for (size_t i = 0; i < count; i++) {
			const char *why;
			if (!is_loaded(r, files[i]) && !load(r, files[i], &why) && refused)
				refused(why, arg);
		}
	}
	free(files);
}

static const char *not_found(struct registry *r, enum ow_kind kind, const char *name)
{
	const char *where = "";
	for (size_t i = 0; r->dirs[i]; i++)
		where = arena_printf(&r->arena, "%s%s%s", where, i ? ", " : "", r->dirs[i]);
	return arena_printf(&r->arena, "there is no %s plugin `%s` (looked in %s)",
	    component_kind_name(kind), name, where);
}

const struct component *registry_find(
    struct registry *r, enum ow_kind kind, const char *name, const char **why)
{
	const struct component *c = find_loaded(r, kind, name);
	*why = NULL;
	for (size_t i = 0; !c && r->dirs[i]; i++) {
		const char *file = arena_printf(
		    &r->arena, "%s/%s_%s.so", r->dirs[i], component_kind_name(kind), name);
		if (is_loaded(r, file) || access(file, F_OK) != 0)
			continue;
		if (!load(r, file, why))
			return NULL;
		c = find_loaded(r, kind, name);
	}
	if (!c) {
		registry_load_all(r, NULL, NULL);
		c = find_loaded(r, kind, name);
	}
	if (!c)
		*why = not_found(r, kind, name);
	return c;
}
