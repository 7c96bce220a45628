#include "store_redis/test_rig.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/main.h"

struct rig rig;

void rig_open(const char *url, const char *more)
{
	rig_open_at(0, url, more);
}

void rig_open_at(int64_t ms, const char *url, const char *more)
{
	char yaml[1000];
	rig = (struct rig){.lock_ms = RIG_LOCK_MS, .window_ms = RIG_WINDOW_MS};
	rig.mock = mock_new();
	mock_skip(rig.mock, ms);
	rig.base = event_base_new();
	mock_set_base(rig.mock, rig.base);
	const struct ow_component *redis = mock_component(OW_MODULE_SYMBOL(), "redis");
	more = more ? more : "";
	/* Nothing else is sent, unless the test is about that. */
	snprintf(yaml, sizeof(yaml), "url: '%s'\n%s%s", url, more,
	    strstr(more, "sweep_") ? "" : "sweep_interval: 0s\n");
	rig.store = mock_instance(rig.mock, redis, "main", mock_conf(rig.mock, redis, yaml));
	rig.start = mock_start(rig.store);
	rig_turn();
}

void rig_close(void)
{
	struct ow_op *op = mock_drain(rig.store);
	rig_until(mock_finished(op));
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
	rig_kill();
}

void rig_kill(void)
{
	mock_free(rig.mock);
	event_base_free(rig.base);
	rig = (struct rig){0};
}

void rig_turn(void)
{
	event_base_loop(rig.base, EVLOOP_NONBLOCK);
	mock_run(rig.mock);
	usleep(1000);
}

struct ow_text rig_text(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

static const struct ow_store_ops *ops_of(void)
{
	return mock_component(OW_MODULE_SYMBOL(), "redis")->ops;
}

bool rig_ready(void)
{
	const char *why;
	return ops_of()->ready(mock_state(rig.store), &why);
}

const char *rig_why(void)
{
	const char *why = "";
	ck_assert(!ops_of()->ready(mock_state(rig.store), &why));
	return why;
}

struct ow_claim rig_claim_of(struct ow_text key, unsigned char owner)
{
	static unsigned char tokens[256][OW_TOKEN_SIZE];
	static const unsigned char digest[OW_DIGEST_SIZE] = "digest of the payload, 32 bytes";
	memset(tokens[owner], owner, OW_TOKEN_SIZE);
	return (struct ow_claim){.size = sizeof(struct ow_claim),
	    .key = key,
	    .token = tokens[owner],
	    .digest = rig.without_digest ? NULL : digest,
	    .lock_ms = rig.lock_ms,
	    .window_ms = rig.window_ms,
	    .sliding = rig.sliding};
}

struct ow_op *rig_begin_claim(const char *key, unsigned char owner)
{
	struct ow_claim c = rig_claim_of(rig_text(key), owner);
	return mock_claim(rig.store, &c);
}

const struct ow_claim_answer *rig_claim(const char *key, unsigned char owner)
{
	struct ow_op *op = rig_begin_claim(key, owner);
	rig_until(mock_finished(op));
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
	return mock_claimed(op);
}

static enum ow_rc finished(struct ow_op *op)
{
	rig_until(mock_finished(op));
	return mock_rc(op);
}

enum ow_rc rig_renew(const char *key, unsigned char owner)
{
	struct ow_claim c = rig_claim_of(rig_text(key), owner);
	return finished(mock_renew(rig.store, &c));
}

enum ow_rc rig_release(const char *key, unsigned char owner)
{
	struct ow_claim c = rig_claim_of(rig_text(key), owner);
	return finished(mock_release(rig.store, &c));
}

enum ow_rc rig_commit_with(const char *key, unsigned char owner, struct ow_result result)
{
	struct ow_claim c = rig_claim_of(rig_text(key), owner);
	return finished(mock_commit(rig.store, &c, &result));
}

enum ow_rc rig_commit(const char *key, unsigned char owner)
{
	return rig_commit_with(key, owner, (struct ow_result){.status = 200});
}
