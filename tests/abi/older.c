/*
 * As if built before `since` was the last member of an option: each entry is
 * shorter than this core's.
 */
#include "tests/abi/parts.h"

struct old_option {
	const char *name;
	uint16_t type;
	uint16_t flags;
	uint32_t offset;
	const char *dflt;
	int64_t min, max;
	const char *const *choices;
	const char *unit;
	const char *help;
};

static const struct old_option options[] = {
    {"number", OW_T_INT, 0, offsetof(struct parts_conf, number), "3", 1, 9, NULL, NULL,
	"A number."},
    {"text", OW_T_STRING, 0, offsetof(struct parts_conf, text), NULL, 0, 0, NULL, NULL,
	"A text."},
    {"flag", OW_T_BOOL, 0, offsetof(struct parts_conf, flag), "true", 0, 0, NULL, NULL,
	"A flag."},
    {0}};

static const struct ow_component component = {.kind = OW_SINK,
    .name = "parts",
    .options = (const struct ow_option *)(const void *)options,
    PARTS};
static const struct ow_component *const components[] = {&component, NULL};

PARTS_GETTER
{
	static const struct ow_module module = {.abi = {.magic = OW_ABI_MAGIC,
						    .major = OW_ABI_MAJOR,
						    .pointer_bits = 8 * sizeof(void *),
						    .built_with = __VERSION__,
						    .linked = OW_ABI_LINKED},
	    .module_size = sizeof(struct ow_module),
	    .component_size = sizeof(struct ow_component),
	    .option_size = sizeof(struct old_option),
	    .name = "older",
	    .version = "1.0",
	    .license = "Apache-2.0",
	    .components = components};
	return &module;
}
