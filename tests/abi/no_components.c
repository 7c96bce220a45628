/* A module without components. */
#include "tests/abi/parts.h"

static const struct ow_component *const components[] = {NULL};
OW_MODULE("parts", "1.0", "Apache-2.0", components)
