/*
 * A client of AWS in place of the real one, before an SQS that answers what the
 * test says. Calls are numbered from 0 in the order they were made.
 */
#ifndef LIB_SQS_TEST_CLIENT_H
#define LIB_SQS_TEST_CLIENT_H

#include <jansson.h>

#include "lib/aws/aws_client.h"
#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

extern struct mock *rig_mock;	/* the test's; run after each answer */
extern const char *rig_unready; /* why the client is not ready; NULL: it is */

/* What the client was made with. */
const struct aws_client_config *rig_config(void);

/* ---- calls to SQS ---- */

struct rig_call {
	const char *target;
	json_t *request;
	int64_t timeout_ms;
	bool repeatable;
	bool open;
};

size_t rig_calls(void);
const struct rig_call *rig_call(size_t index);
/* How many calls with that target are open. */
size_t rig_open(const char *target);
/* The oldest open call of that target; fails the test if there is none. */
size_t rig_find(const char *target);

/* An integer or the text of a member of a call's request: "VisibilityTimeout". */
int64_t rig_number(size_t call, const char *member);
/* The entries of a batch, and one of them; borrowed. */
size_t rig_entries(size_t call);
json_t *rig_entry(size_t call, size_t entry);

/* Ends an open call. */
void rig_answer_as(size_t call, const struct aws_result *result);
void rig_answer(size_t call, const char *body);
void rig_fail(size_t call, enum aws_outcome outcome, const char *code);
/* Too many calls, and the least wait that the service asks for. */
void rig_throttle(size_t call, int64_t retry_after_ms);
/* All of a batch succeed. */
void rig_answer_batch(size_t call);
/* As long as there are open calls of that target. */
void rig_answer_all(const char *target);

/* The mock host has ended: nothing is open any more. */
void rig_forget_calls(void);

#endif
