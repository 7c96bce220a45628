/* A sink that cannot deliver. */
#include "tests/abi/parts.h"

static const struct ow_sink_ops ops = {.size = sizeof(ops), .cancel = parts_cancel};
static const struct ow_component component = {.kind = OW_SINK,
    .name = "parts",
    .summary = "Does nothing.",
    .create = parts_create,
    .destroy = parts_destroy,
    .ops = &ops};
static const struct ow_component *const components[] = {&component, NULL};
OW_MODULE("parts", "1.0", "Apache-2.0", components)
