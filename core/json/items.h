/*
 * What is inside of an array, value by value, without building anything. The
 * text is always one that json_scan() has been over.
 */
#ifndef JSON_ITEMS_H
#define JSON_ITEMS_H

#include <stdbool.h>

#include <onceway/event.h>

struct json_items {
	const char *p, *end;
};

/* raw: a valid array, brackets included. Borrowed. */
struct json_items json_items(struct ow_text raw);

/*
 * The next scalar or object; of arrays inside the array what they hold, however
 * deep. Objects are given whole. False at the end.
 */
bool json_items_next(struct json_items *items, struct ow_json *item);

#endif
