/* The JSON that SQS speaks: requests are written, answers are read. */
#ifndef LIB_SQS_JSON_TEXT_H
#define LIB_SQS_JSON_TEXT_H

#include <jansson.h>
#include <onceway/plugin.h>

/* A request about a queue, to be freed by sqs_json_written(). */
json_t *sqs_json_request(const char *queue_url);
void sqs_json_put(json_t *object, const char *name, const char *value);
void sqs_json_put_number(json_t *object, const char *name, int64_t value);
/* A member that is a new list or object; borrowed. */
json_t *sqs_json_put_list(json_t *object, const char *name);
json_t *sqs_json_put_object(json_t *object, const char *name);
/* One more entry of a batch, with the ids "0", "1", ...; borrowed. */
json_t *sqs_json_add_entry(json_t *list);
/* The text, to be freed with free(); takes the object over. */
char *sqs_json_written(json_t *object);

/* To be freed with json_decref(); NULL: it is not a JSON object. */
json_t *sqs_json_read(struct ow_text body);
/* The text of that member; NULL: there is none. Borrowed. */
const char *sqs_json_member(const json_t *object, const char *name);

#endif
