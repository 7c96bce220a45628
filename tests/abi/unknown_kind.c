/* A component of a kind that does not exist. */
#include "tests/abi/parts.h"

static const struct ow_component component = {.kind = 5, .name = "parts", PARTS};
static const struct ow_component *const components[] = {&component, NULL};
OW_MODULE("parts", "1.0", "Apache-2.0", components)
