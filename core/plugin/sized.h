/*
 * Structs whose size travels with them: the other side may be older, and know
 * fewer members, or newer, and know more.
 */
#ifndef PLUGIN_SIZED_H
#define PLUGIN_SIZED_H

#include <stddef.h>
#include <string.h>

/* Bytes of a struct up to and with a member: of the last one that minor 0 had, what is least.
 */
#define SIZED_UP_TO(type, member)                                                              \
	(offsetof(type, member) + sizeof(((const type *)NULL)->member))

/* Copies as much as both sides know; what the other side does not have is zero. */
static inline void sized_copy(void *to, size_t room, const void *from, size_t size)
{
	memset(to, 0, room);
	memcpy(to, from, size < room ? size : room);
}

#endif
