/* A range whose end comes before its beginning. */
#include "tests/abi/parts.h"

PARTS_WITH_OPTIONS(
    OW_INT(struct parts_conf, number, "count", .min = 10, .max = 1, .help = "How many."))
