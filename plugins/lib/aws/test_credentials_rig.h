/* Who gives credentials away, as the tests script it; and files for them to read. */
#ifndef LIB_AWS_TEST_CREDENTIALS_RIG_H
#define LIB_AWS_TEST_CREDENTIALS_RIG_H

#include "lib/aws/test_rig.h"
#include "tests/unit/main.h"

#define METADATA "http://169.254.169.254"
#define ROLES	 "/latest/meta-data/iam/security-credentials/"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* The fixture: rig_open(), and a folder for the files of one test. */
void rig_home(void);
void rig_home_end(void);
extern char rig_folder[];
/* A file there; its path is good until the next call. */
const char *rig_file(const char *name, const char *text);

void rig_script(int status, const char *body);
/* What an endpoint answers; the mock's clock begins at 2026-01-01T00:00:00Z. */
const char *rig_json(const char *key, const char *expiration);
const char *rig_xml(const char *key, const char *expiration);

/* The request was signed with that key. */
void rig_expect_signed(size_t index, const char *key);
/* Calls, and is denied for that reason. */
void rig_expect_denied(const char *why);

#endif
