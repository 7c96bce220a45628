#include "lib/place.h"

#include <string.h>

#include "lib/canonical.h"

bool place_init(struct place *place, const struct ow_host *host, struct ow_instance *self,
    const char *path, const char **why)
{
	place->host = host;
	place->path = path;
	place->pointer = host->pointer(self, path);
	if (!place->pointer)
		*why = "a path is not a JSON pointer";
	return place->pointer;
}

bool place_get(const struct place *place, const struct ow_event *event, struct ow_json *value)
{
	return place->host->event_json(event, place->pointer, value);
}

bool place_get_some(
    const struct place *place, const struct ow_event *event, struct ow_json *value)
{
	return place_get(place, event, value) && value->type != OW_JSON_NULL;
}

struct ow_text place_text(const struct place *place, const struct ow_event *event)
{
	struct ow_json value;
	if (!place_get(place, event, &value) || value.type != OW_JSON_STRING)
		return (struct ow_text){"", 0};
	/* cppcheck-suppress returnDanglingLifetime ; it points into the event */
	return place->host->event_string(event, &value);
}

const char *place_name(const struct place *place)
{
	return place->path[0] ? place->path + 1 : "body";
}

bool place_missing(const struct place *place, struct ow_key *key)
{
	place->host->key_missing(key, place_name(place));
	return false;
}

bool place_invalid(const struct place *place, struct ow_key *key, const char *problem)
{
	place->host->key_invalid(key, place_name(place), problem);
	return false;
}

bool place_check(const struct place *place, const struct ow_event *event, struct ow_key *key,
    enum ow_json_type type, const char *problem)
{
	struct ow_json value;
	if (!place_get(place, event, &value))
		return place_missing(place, key);
	return value.type == type || place_invalid(place, key, problem);
}

void place_explain(const struct place *place, const struct ow_event *event, struct ow_key *key,
    const char *name, const char *fallback)
{
	struct canonical *line = canonical_new();
	struct ow_json value;
	bool found = place_get(place, event, &value);
	if (found)
		canonical_add_value(line, value.raw);
	else
		canonical_add(line, fallback);
	canonical_add(line, found ? " from " : " as default, without ");
	canonical_add(line, place->path);
	place->host->key_field(key, name, canonical_text(line));
	canonical_free(line);
}
