/*
 * A place in an event's body that a keyer takes a field from: how it is found,
 * what is said when nothing good is there, and how `key --explain` shows it.
 */
#ifndef LIB_PLACE_H
#define LIB_PLACE_H

#include <onceway/plugin.h>

/* Keyers that want key_missing() need minor 2 of the core. */
#define PLACE_NO_STRING	  "must be a string"
#define PLACE_NO_OBJECT	  "must be an object"
#define PLACE_NO_DOCUMENT "must be a JSON object"

struct place {
	const struct ow_host *host;
	const char *path; /* a JSON pointer; borrowed */
	const struct ow_pointer *pointer;
};

/* In create(). False with *why: path is no JSON pointer. path is borrowed. */
bool place_init(struct place *place, const struct ow_host *host, struct ow_instance *self,
    const char *path, const char **why);

/* The value there, also null. False: there is none. */
bool place_get(const struct place *place, const struct ow_event *event, struct ow_json *value);
/* The same, but null is as if there were none. */
bool place_get_some(
    const struct place *place, const struct ow_event *event, struct ow_json *value);

/* The text of the string there, empty if there is none. Borrowed from the event. */
struct ow_text place_text(const struct place *place, const struct ow_event *event);

/*
 * What the fault is called in: "/data/id" is "data/id", the whole document is
 * "body". The others return false, for `return place_missing(...)`.
 */
const char *place_name(const struct place *place);
bool place_missing(const struct place *place, struct ow_key *key);
bool place_invalid(const struct place *place, struct ow_key *key, const char *problem);

/* True if the value has that type; else the key is told, with problem if it is another. */
bool place_check(const struct place *place, const struct ow_event *event, struct ow_key *key,
    enum ow_json_type type, const char *problem);

/*
 * For `key --explain`: "VALUE from PATH", or "FALLBACK as default, without
 * PATH". The value is written as canonical JSON.
 */
void place_explain(const struct place *place, const struct ow_event *event, struct ow_key *key,
    const char *name, const char *fallback);

#endif
