/* Built for another major version of the ABI. */
#define OW_ABI_MAJOR 2
#define OW_ABI_MINOR 3
#include "tests/abi/parts.h"

PARTS_WHOLE
