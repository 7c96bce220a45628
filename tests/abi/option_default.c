/* A default that does not parse as what it is the default of. */
#include "tests/abi/parts.h"

PARTS_WITH_OPTIONS(
    OW_DURATION(struct parts_conf, number, "wait", .dflt = "5 parsecs", .help = "How long."))
