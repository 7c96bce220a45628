/*
 * onceway/abi.h - the handshake between the core and a plugin file.
 *
 * Included by <onceway/plugin.h>; plugins include only that.
 *
 * Rules that keep old binaries loading:
 *   1. struct ow_abi never changes, in any major version: every core can read
 *      it from every plugin, and so can always say why it refuses one.
 *   2. Every other struct grows only at its tail. Its size travels with it,
 *      either inside it (`size` as the first member) or in struct ow_module
 *      (strides of the tables), so that each side may be older than the other.
 *   3. All a plugin hands over is const; the core copies what it keeps.
 *   4. Each side frees only what it allocated.
 *
 * A change that fits rule 2 raises OW_ABI_MINOR and is listed in doc/abi.md;
 * anything else raises OW_ABI_MAJOR and makes every plugin be rebuilt.
 */
#ifndef ONCEWAY_ABI_H
#define ONCEWAY_ABI_H

#include <stddef.h>
#include <stdint.h>

#define OW_ABI_MAGIC 0x4f6e6365u /* "Once" */

/* Tests build plugins of other versions by defining these beforehand. */
#ifndef OW_ABI_MAJOR
#define OW_ABI_MAJOR 1
#endif
#ifndef OW_ABI_MINOR
#define OW_ABI_MINOR 3
#endif

/*
 * The oldest minor of the core this plugin can live with. A plugin that uses a
 * host function added in minor N defines OW_NEED_MINOR N before including.
 */
#ifndef OW_NEED_MINOR
#define OW_NEED_MINOR 0
#endif

/* The frozen block. The core reads it before it trusts any other byte. */
struct ow_abi {
	uint32_t magic;		/* OW_ABI_MAGIC */
	uint16_t major;		/* must equal the core's */
	uint16_t minor;		/* of the header the plugin was built with */
	uint16_t need_minor;	/* oldest core minor the plugin can live with */
	uint16_t pointer_bits;	/* 8 * sizeof(void *) */
	uint32_t reserved;	/* zero */
	const char *built_with; /* compiler, for messages only; static */
	const char *linked;	/* library ABIs that cross the line; static */
};

/* Libraries whose pointers pass between core and plugin, by ABI name. */
#define OW_ABI_LINKED "libevent-2.1"

struct ow_component;

/*
 * What the getter returns: static const data, valid for the life of the
 * process. A plugin file may hold several components, each of one kind.
 */
struct ow_module {
	struct ow_abi abi;
	uint32_t module_size;	 /* sizeof(struct ow_module) as the plugin saw it */
	uint32_t component_size; /* sizeof(struct ow_component), likewise */
	uint32_t option_size;	 /* stride of every option table */
	uint32_t reserved;	 /* zero */
	const char *name;	 /* as in the file name: "sink_http" */
	const char *version;	 /* of the plugin, free text */
	const char *license;	 /* SPDX identifier */
	const struct ow_component *const *components; /* ends with NULL */
};

/* The one symbol a plugin exports. A function: dlsym() is only sure of those. */
typedef const struct ow_module *ow_module_fn(void);
#define OW_MODULE_ENTRY "ow_module"

/* Plugins linked into the program each get a name of their own. */
#ifndef OW_MODULE_SYMBOL
#define OW_MODULE_SYMBOL ow_module
#endif

/*
 * OW_MODULE("sink_log", "1.0", "Apache-2.0", components)
 *
 * Emits the exported getter. `components` is a NULL-ended array of pointers to
 * const struct ow_component. The getter must do nothing else: loading and
 * describing a plugin runs no other code of it.
 */
#define OW_MODULE(module_name, module_version, module_license, component_list)                 \
	__attribute__((visibility("default"))) const struct ow_module *OW_MODULE_SYMBOL(void); \
	const struct ow_module *OW_MODULE_SYMBOL(void)                                         \
	{                                                                                      \
		static const struct ow_module module = {                                       \
		    .abi = {.magic = OW_ABI_MAGIC,                                             \
			.major = OW_ABI_MAJOR,                                                 \
			.minor = OW_ABI_MINOR,                                                 \
			.need_minor = OW_NEED_MINOR,                                           \
			.pointer_bits = 8 * sizeof(void *),                                    \
			.built_with = __VERSION__,                                             \
			.linked = OW_ABI_LINKED},                                              \
		    .module_size = sizeof(struct ow_module),                                   \
		    .component_size = sizeof(struct ow_component),                             \
		    .option_size = sizeof(struct ow_option),                                   \
		    .name = (module_name),                                                     \
		    .version = (module_version),                                               \
		    .license = (module_license),                                               \
		    .components = (component_list)};                                           \
		return &module;                                                                \
	}

#endif
