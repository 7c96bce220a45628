/* Nothing is wrong here. */
#include "tests/abi/parts.h"

PARTS_WHOLE
