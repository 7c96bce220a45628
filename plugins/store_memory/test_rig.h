/* A store, its clock and what is done with it: what the tests of this plugin share. */
#ifndef STORE_MEMORY_TEST_RIG_H
#define STORE_MEMORY_TEST_RIG_H

#include "tests/plugin/mockhost.h"

#define LOCK_MS	  60000
#define WINDOW_MS 300000

extern struct mock *m;
extern struct ow_instance *store; /* what the functions below act on */
extern const unsigned char digest[OW_DIGEST_SIZE];

/* Makes and starts one; without a checkpoint that is done at once. */
struct ow_instance *store_new(struct mock *worker, const char *name, const char *yaml);
void with(const char *yaml);
void done(void);

struct ow_text text_of(const char *string);
/* A claim for a key by one of 256 owners. */
struct ow_claim claim_of(struct ow_text key, unsigned char owner);

const struct ow_claim_answer *claim(const char *key, unsigned char owner);
enum ow_rc renew(const char *key, unsigned char owner);
enum ow_rc release(const char *key, unsigned char owner);
enum ow_rc commit_with(const char *key, unsigned char owner, struct ow_result result);
enum ow_rc commit(const char *key, unsigned char owner);
int64_t keys(void);

#endif
