/* Built for a machine of 32 bits. */
#include "tests/abi/parts.h"

/* Only the handshake: nothing behind it may be looked at. */
PARTS_GETTER
{
	static const struct ow_abi abi = {
	    .magic = OW_ABI_MAGIC, .major = OW_ABI_MAJOR, .pointer_bits = 32};
	return (const struct ow_module *)(const void *)&abi;
}
