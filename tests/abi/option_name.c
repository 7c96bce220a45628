/* A name that is no name of an option. */
#include "tests/abi/parts.h"

PARTS_WITH_OPTIONS(OW_STRING(struct parts_conf, text, "Text", .help = "What it says."))
