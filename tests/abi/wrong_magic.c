/* Of some other program that has plugins too. */
#include "tests/abi/parts.h"

/* Only the handshake: nothing behind it may be looked at. */
PARTS_GETTER
{
	static const struct ow_abi abi = {.magic = 0x12345678};
	return (const struct ow_module *)(const void *)&abi;
}
