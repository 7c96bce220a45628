/* Uses what only a later minor has. */
#define OW_ABI_MINOR  99
#define OW_NEED_MINOR 42
#include "tests/abi/parts.h"

PARTS_WHOLE
