/* A component whose name could lead out of the plugin directory. */
#include "tests/abi/parts.h"

static const struct ow_component component = {.kind = OW_SINK, .name = "../parts", PARTS};
static const struct ow_component *const components[] = {&component, NULL};
OW_MODULE("parts", "1.0", "Apache-2.0", components)
