/* Its getter returns nothing. */
#include "tests/abi/parts.h"

PARTS_GETTER
{
	return NULL;
}
