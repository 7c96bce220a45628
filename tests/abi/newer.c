/*
 * Built with a later minor, in which everything has grown at its tail; it can
 * live without that, so this core must load it and read all of its options.
 */
#define OW_ABI_MINOR 7
#include "tests/abi/parts.h"

struct new_option {
	struct ow_option base;
	const char *unheard_of;
	uint64_t more[3];
};

struct new_ops {
	struct ow_sink_ops base;
	void (*unheard_of)(void *state);
};

struct new_component {
	struct ow_component base;
	const char *unheard_of;
};

struct new_module {
	struct ow_module base;
	const char *unheard_of;
};

static const struct new_option options[] = {
    {OW_INT(struct parts_conf, number, "number", .dflt = "3", .help = "A number."), "x", {1}},
    {OW_STRING(struct parts_conf, text, "text", .help = "A text."), "y", {2}},
    {OW_BOOL(struct parts_conf, flag, "flag", .dflt = "true", .help = "A flag."), "z", {3}},
    {OW_OPTION_END, NULL, {0}}};

static const struct new_ops ops = {
    {.size = sizeof(ops), .deliver = parts_deliver, .cancel = parts_cancel}, parts_destroy};

static const struct new_component component = {{.kind = OW_SINK,
						   .conf_size = sizeof(struct parts_conf),
						   .name = "parts",
						   .summary = "Does nothing.",
						   .options = &options[0].base,
						   .create = parts_create,
						   .destroy = parts_destroy,
						   .ops = &ops},
    "x"};
static const struct ow_component *const components[] = {&component.base, NULL};

PARTS_GETTER
{
	static const struct new_module module = {{.abi = {.magic = OW_ABI_MAGIC,
						      .major = OW_ABI_MAJOR,
						      .minor = OW_ABI_MINOR,
						      .pointer_bits = 8 * sizeof(void *),
						      .built_with = __VERSION__,
						      .linked = OW_ABI_LINKED},
						     .module_size = sizeof(module),
						     .component_size = sizeof(component),
						     .option_size = sizeof(options[0]),
						     .name = "newer",
						     .version = "7.0",
						     .license = "Apache-2.0",
						     .components = components},
	    "x"};
	return &module.base;
}
