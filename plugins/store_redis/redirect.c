#include "store_redis/redirect.h"

#include <string.h>

#include "store_redis/slot.h"
#include "store_redis/slot_map.h"

/* Takes the word off the front, with the space behind it. */
static bool take_word(struct ow_text *text, const char *word)
{
	size_t len = strlen(word);
	if (text->len < len || memcmp(text->data, word, len) != 0)
		return false;
	text->data += len;
	text->len -= len;
	return true;
}

/* All of the text, as a number up to max. */
static bool read_number(struct ow_text text, unsigned max, unsigned *number)
{
	*number = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*number = *number * 10 + (unsigned)(text.data[i] - '0');
		if (*number > max)
			return false;
	}
	return text.len > 0;
}

/* "3999 127.0.0.1:6381"; an IPv6 address has no brackets, so the last colon counts. */
static bool read_target(struct ow_text text, struct redirect *redirect)
{
	unsigned port;
	const char *end = text.data + text.len;
	const char *space = memchr(text.data, ' ', text.len);
	if (!space)
		return false;
	struct ow_text slot = {text.data, (size_t)(space - text.data)};
	struct ow_text place = {space + 1, (size_t)(end - space - 1)};
	const char *colon = memrchr(place.data, ':', place.len);
	if (!colon || !read_number(slot, SLOTS - 1, &redirect->slot) ||
	    !read_number((struct ow_text){colon + 1, (size_t)(end - colon - 1)}, 65535, &port))
		return false;
	redirect->host = (struct ow_text){place.data, (size_t)(colon - place.data)};
	redirect->port = (int)port;
	return slot_place_is_sound(redirect->host, redirect->port);
}

bool redirect_read(struct ow_text error, struct redirect *redirect)
{
	*redirect = (struct redirect){.kind = REDIRECT_TRYAGAIN};
	if (take_word(&error, "TRYAGAIN"))
		return true;
	if (take_word(&error, "MOVED "))
		redirect->kind = REDIRECT_MOVED;
	else if (take_word(&error, "ASK "))
		redirect->kind = REDIRECT_ASK;
	else
		return false;
	return read_target(error, redirect);
}
