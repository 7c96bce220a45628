/* An option that nobody explains. */
#include "tests/abi/parts.h"

PARTS_WITH_OPTIONS(OW_STRING(struct parts_conf, text, "text", .help = ""))
