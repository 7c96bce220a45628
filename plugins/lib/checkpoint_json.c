#include "lib/checkpoint_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Nobody remembers an event longer: a number beyond is not a number of seconds. */
#define SECONDS_MAX (10.0 * 366 * 86400)

static bool malformed(struct checkpoint_error *error, const json_error_t *json)
{
	error->offset = (uint64_t)(json->position > 0 ? json->position : 0);
	snprintf(error->problem, sizeof(error->problem),
	    "it is not sound JSON: %.80s (line %d)", json->text, json->line);
	return false;
}

/* jansson does not remember where a value stood, so its key must do. */
static bool not_a_life(struct checkpoint_error *error, const char *data, size_t len,
    const char *key, const char *problem)
{
	const char *at = memmem(data, len, key, strlen(key));
	error->offset = at ? (uint64_t)(at - data) : 0;
	snprintf(
	    error->problem, sizeof(error->problem), "the value of `%.40s` %s", key, problem);
	return false;
}

static bool decode_members(const char *data, size_t len, const json_t *root,
    const struct checkpoint_reader *reader, struct checkpoint_error *error)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)root, key, value)
	{
		double seconds = json_number_value(value);
		if (strlen(key) > CHECKPOINT_KEY_MAX)
			return not_a_life(error, data, len, key, "has too long a key");
		if (!json_is_number(value))
			return not_a_life(error, data, len, key, "is not a number of seconds");
		if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
			return not_a_life(error, data, len, key, "is beyond ten years");
		reader->record(
		    reader->arg, &(struct checkpoint_record){.key = {key, strlen(key)},
				     .left_ms = (int64_t)(seconds * 1000),
				     .age_unknown = true});
	}
	return true;
}

bool checkpoint_json_decode(const char *data, size_t len,
    const struct checkpoint_reader *reader, struct checkpoint_error *error)
{
	json_error_t json;
	json_t *root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &json);
	if (!root)
		return malformed(error, &json);
	bool sound = json_is_object(root) && decode_members(data, len, root, reader, error);
	if (!json_is_object(root))
		*error = (struct checkpoint_error){.problem = "it is not an object"};
	json_decref(root);
	return sound;
}
