/* A plugin that only sends requests, on the mock host: what the tests here share. */
#ifndef LIB_OUTBOUND_TEST_RIG_H
#define LIB_OUTBOUND_TEST_RIG_H

#include <check.h>

#include "lib/outbound/outbound.h"
#include "tests/plugin/mockhost.h"

#define RIG_OAUTH2                                                                             \
	"oauth2: {token_url: \"http://login.example/token?v=2\", client_id: us, "              \
	"client_secret: hunter2}\n"
#define RIG_WAITING 3 /* requests that may wait for credentials */
#define RIG_TOTAL   10000
#define RIG_MAX	    64

/* How a request ended; texts are copies. */
struct rig_result {
	int ended;  /* how often */
	int status; /* 0: there was no response */
	enum ow_http_end end;
	bool timed_out, busy, stale;
	int64_t retry_after_ms;
	char why[1024];
};

struct rig {
	struct mock *m[2];
	struct ow_instance *instance[2];
	struct rig_result results[RIG_MAX];
	size_t sent;
};

extern struct rig rig;

void rig_open(void);
void rig_close(void);
/* Makes and starts the client of a worker, the first or the second. */
void rig_with(const char *yaml);
void rig_with_second(const char *yaml);
/* NULL, or why there is no client. */
const char *rig_refused(const char *yaml);
const char *rig_complaints(const char *yaml);
bool rig_ready(const char **why);

/* Sends POST /in with {"a":1}; its result is rig.results[the number returned]. */
size_t rig_send(void);
size_t rig_send_from(int worker);
struct outbound_call *rig_call(size_t number);
const struct rig_result *rig_result(size_t number);

/* What the first worker sent, by its number: requests and token requests together. */
const char *rig_url(size_t index);
const char *rig_header(size_t index, const char *name); /* "" if there is none */
const char *rig_body(size_t index);

/* Answers the next open request of that worker. */
void rig_answer(int status, const char *body);
void rig_answer_to(int worker, int status, const char *body);
/* Answers one of the first worker's, be it not the next. */
void rig_respond(size_t index, int status, const char *body);
/* Answers the next with a token that lives that many seconds. */
void rig_token(const char *token, int seconds);

#endif
