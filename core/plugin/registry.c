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

enum outcome {
	LOADED,
	REFUSED,
	CLASHES /* what it has is there already */
};

static enum outcome load(struct registry *r, const char *file, const char **why)
{
	struct module *m = loader_open(file, &r->arena, why);
	if (!m)
		return REFUSED;
	*why = clash(r, m);
	if (*why)
		return CLASHES;
	add(r, m);
	return LOADED;
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

static void load_all(struct registry *r, bool tell_clashes,
    void (*refused)(const char *why, void *arg), void *arg)
{
	const char **files = mem_array(FILES_MAX, sizeof(*files));
	for (size_t d = 0; r->dirs[d]; d++) {
		size_t count = list_files(r, r->dirs[d], files);
		for (size_t i = 0; i < count; i++) {
			const char *why = NULL;
			enum outcome outcome =
			    is_loaded(r, files[i]) ? LOADED : load(r, files[i], &why);
			bool tell = outcome == REFUSED || (outcome == CLASHES && tell_clashes);
			if (tell && refused)
				refused(why, arg);
		}
	}
	free(files);
}

void registry_load_all(
    struct registry *r, void (*refused)(const char *why, void *arg), void *arg)
{
	load_all(r, true, refused, arg);
}

/* Files that were refused while a component was looked for: one of them may have it. */
struct refusals {
	struct arena *arena;
	const char *text;
	unsigned count;
};

#define REFUSALS_SHOWN 4

static void note_refusal(const char *why, void *arg)
{
	struct refusals *refusals = arg;
	if (refusals->count++ < REFUSALS_SHOWN)
		refusals->text =
		    arena_printf(refusals->arena, "%s; refused: %s", refusals->text, why);
}

static const char *not_found(
    struct registry *r, enum ow_kind kind, const char *name, const char *refused)
{
	const char *where = "";
	for (size_t i = 0; r->dirs[i]; i++)
		where = arena_printf(&r->arena, "%s%s%s", where, i ? ", " : "", r->dirs[i]);
	return arena_printf(&r->arena, "there is no %s plugin `%s` (looked in %s)%s",
	    component_kind_name(kind), name, where, refused);
}

/* The file that should have it, by its name. False: it is there, and refused. */
static bool load_by_name(
    struct registry *r, enum ow_kind kind, const char *name, const char **why)
{
	for (size_t i = 0; r->dirs[i] && !find_loaded(r, kind, name); i++) {
		const char *file = arena_printf(
		    &r->arena, "%s/%s_%s.so", r->dirs[i], component_kind_name(kind), name);
		if (!is_loaded(r, file) && access(file, F_OK) == 0 &&
		    load(r, file, why) != LOADED)
			return false;
	}
	return true;
}

const struct component *registry_find(
    struct registry *r, enum ow_kind kind, const char *name, const char **why)
{
	struct refusals refusals = {.arena = &r->arena, .text = ""};
	*why = NULL;
	/* Nothing that could lead out of the directories becomes part of a path. */
	if (component_name_is_plain(name) && !load_by_name(r, kind, name, why))
		return NULL;
	if (!find_loaded(r, kind, name))
		load_all(r, false, note_refusal, &refusals);
	const struct component *c = find_loaded(r, kind, name);
	if (!c)
		*why = not_found(r, kind, name, refusals.text);
	return c;
}
