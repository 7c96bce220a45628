/* An option that would be written behind the end of the configuration. */
#include "tests/abi/parts.h"

struct larger {
	struct parts_conf conf;
	const char *text;
};

PARTS_WITH_OPTIONS(OW_STRING(struct larger, text, "text", .help = "What it says."))
