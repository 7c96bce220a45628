/* A plugin that only calls a service, on the mock host: what the tests here share. */
#ifndef LIB_AWS_TEST_RIG_H
#define LIB_AWS_TEST_RIG_H

#include <check.h>

#include "lib/aws/aws_client.h"
#include "tests/plugin/mockhost.h"

#define RIG_KEYS                                                                               \
	"access_key_id: AKIDEXAMPLE\n"                                                         \
	"secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n"
#define RIG_PLACE "region: eu-central-1\n"

/* How a call ended; texts are copies. */
struct rig_result {
	int ended; /* how often */
	enum aws_outcome outcome;
	bool maybe_done;
	int status;
	char body[256], code[64], query_code[64], why[2048];
	int64_t retry_after_ms;
};

struct rig {
	struct mock *m;
	struct ow_instance *instance;
	struct aws_client *client;
	struct rig_result last;
	int results; /* all that ended */
};

extern struct rig rig;

/* Without a home and without any AWS_ variable. */
void rig_open(void);
void rig_close(void);
/* Makes the client; fails the test if there is none. */
void rig_with(const char *yaml);
/* The same where it may be refused: NULL, or why. */
const char *rig_refused(const char *yaml);
const char *rig_complaints(const char *yaml);

/* Calls Test.Action with {"a":1}; 10 s. */
struct aws_call *rig_call(void);
/* The same, gives all scripted answers, and has it end. */
const struct rig_result *rig_called(void);

/* What was sent, by its number. */
const char *rig_url(size_t index);			/* the pool's */
const char *rig_target(size_t index);			/* "/path" */
const char *rig_header(size_t index, const char *name); /* "" if there is none */

#endif
