/* Does not say what it was built with. */
#include "tests/abi/parts.h"

/* Only the handshake: nothing behind it may be looked at. */
PARTS_GETTER
{
	static const struct ow_abi abi = {
	    .magic = OW_ABI_MAGIC, .major = OW_ABI_MAJOR, .pointer_bits = 8 * sizeof(void *)};
	return (const struct ow_module *)(const void *)&abi;
}
