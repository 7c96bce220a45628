#include "lib/envelope.h"

static const struct {
	const char *path;
	enum ow_json_type type;
	const char *problem;
} members[ENVELOPE_MEMBERS] = {
    [ENVELOPE_VERSION] = {"/version", OW_JSON_STRING, PLACE_NO_STRING},
    [ENVELOPE_ID] = {"/id", OW_JSON_STRING, PLACE_NO_STRING},
    [ENVELOPE_SOURCE] = {"/source", OW_JSON_STRING, PLACE_NO_STRING},
    [ENVELOPE_ACCOUNT] = {"/account", OW_JSON_STRING, PLACE_NO_STRING},
    [ENVELOPE_TIME] = {"/time", OW_JSON_STRING, "must be a time"},
    [ENVELOPE_REGION] = {"/region", OW_JSON_STRING, PLACE_NO_STRING},
    [ENVELOPE_RESOURCES] = {"/resources", OW_JSON_ARRAY, "must be an array"},
    [ENVELOPE_TYPE] = {"/detail-type", OW_JSON_STRING, PLACE_NO_STRING},
    [ENVELOPE_DETAIL] = {"/detail", OW_JSON_OBJECT, PLACE_NO_OBJECT},
};

bool envelope_init(
    struct envelope *e, const struct ow_host *host, struct ow_instance *self, const char **why)
{
	for (size_t i = 0; i < ENVELOPE_MEMBERS; i++)
		if (!place_init(&e->members[i], host, self, members[i].path, why))
			return false;
	return place_init(&e->root, host, self, "", why) &&
	       place_init(&e->tutorial_type, host, self, "/detailType", why);
}

/* The key does not depend on the time: what is in it is the business of those who read it. */
static bool is_number(const struct place *place, const struct ow_event *event)
{
	struct ow_json value;
	return place_get(place, event, &value) &&
	       (value.type == OW_JSON_INTEGER || value.type == OW_JSON_REAL);
}

/* AWS writes `detail-type`; `detailType` does where that is absent. */
static const struct place *type_place(const struct envelope *e, const struct ow_event *event)
{
	struct ow_json value;
	const struct place *type = &e->members[ENVELOPE_TYPE];
	if (!place_get(type, event, &value) && place_get(&e->tutorial_type, event, &value))
		type = &e->tutorial_type;
	return type;
}

static bool is_of(const struct place *place, const struct ow_event *event,
    enum ow_json_type type, const char **problem)
{
	struct ow_json value;
	if (!place_get(place, event, &value))
		*problem = NULL;
	else if (value.type == type)
		return true;
	return false;
}

const struct place *envelope_fault(
    const struct envelope *e, const struct ow_event *event, const char **problem)
{
	*problem = PLACE_NO_DOCUMENT;
	if (!is_of(&e->root, event, OW_JSON_OBJECT, problem))
		return &e->root;
	for (size_t i = 0; i < ENVELOPE_MEMBERS; i++) {
		const struct place *place =
		    i == ENVELOPE_TYPE ? type_place(e, event) : &e->members[i];
		*problem = members[i].problem;
		if (!is_of(place, event, members[i].type, problem) &&
		    !(i == ENVELOPE_TIME && is_number(place, event)))
			return place;
	}
	return NULL;
}

struct ow_text envelope_type(const struct envelope *e, const struct ow_event *event)
{
	return place_text(type_place(e, event), event);
}
