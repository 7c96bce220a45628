/* Two components of one kind and name. */
#include "tests/abi/parts.h"

static const struct ow_component first = {.kind = OW_SINK, .name = "parts", PARTS};
static const struct ow_component second = {.kind = OW_SINK, .name = "parts", PARTS};
static const struct ow_component *const components[] = {&first, &second, NULL};
OW_MODULE("parts", "1.0", "Apache-2.0", components)
