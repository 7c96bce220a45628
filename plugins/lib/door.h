/*
 * A door: a path on a listener where events are posted, by those who show that
 * they may. For sources that take requests; what is an event, and what the
 * answer says, is theirs.
 */
#ifndef LIB_DOOR_H
#define LIB_DOOR_H

#include "lib/auth.h"

struct door;

/* conf is borrowed for ever, as are the texts. */
struct door_place {
	const char *listener, *path;
	const struct auth_conf *auth;
};

/*
 * For create(). received(request, arg) is called for each request from somebody
 * who may send; it passes it on with door_emit(), or answers it itself. Others
 * are answered with 401, counted and logged. NULL with *why, a static phrase.
 */
struct door *door_new(const struct ow_host *host, struct ow_instance *self,
    const struct door_place *place, ow_http_handler *received, void *arg, const char **why);
void door_free(struct door *door); /* NULL is fine */

/* For start(): opens it, and finishes op. */
void door_start(struct door *door, struct ow_op *op);

/* Emits an event made of that request; request is the cookie. */
void door_emit(struct door *door, struct ow_event *event, struct ow_http_request *request);
/* For settle(), when the request has been answered. */
void door_settled(struct door *door);

/* For drain(): finishes op when all that was emitted is settled. */
void door_drain(struct door *door, struct ow_op *op);

/* For check(): the rules of a path and of auth. No complaint shows a secret. */
void door_check(const struct door_place *place, const struct ow_report *report);

#endif
