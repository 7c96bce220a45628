#include "store_memory/test_checkpoint_rig.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bytes read_path(void)
{
	struct bytes bytes = {malloc(1 << 20), 0};
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	bytes.len = (size_t)read(fd, bytes.data, 1 << 20);
	close(fd);
	return bytes;
}

void write_path(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, data, len), (int)len);
	close(fd);
}

bool exists(const char *suffix)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

/* ---- one worker ---- */

struct ow_instance *instance_of(struct mock *worker, const char *name, const char *more)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	char yaml[300];
	snprintf(yaml, sizeof(yaml), "checkpoint: %s\n%s", path, more);
	return mock_instance(worker, memory, name, mock_conf(worker, memory, yaml));
}

void wait_for(struct mock *worker, const struct ow_op *op)
{
	for (mock_run(worker); !mock_finished(op); mock_run(worker))
		usleep(1000);
}

struct ow_op *try_start(struct ow_instance *instance)
{
	struct ow_op *op = mock_start(instance);
	wait_for(m, op);
	return op;
}

void start_with(const char *more)
{
	store = instance_of(m, "main", more);
	struct ow_op *op = try_start(store);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

void begin_at(int64_t down_ms, const char *more)
{
	m = mock_new();
	mock_skip(m, down_ms);
	start_with(more);
}

void drain(void)
{
	struct ow_op *op = mock_drain(store);
	wait_for(m, op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

void end(void)
{
	drain();
	mock_free(m);
	m = NULL;
}

void kill_it(void)
{
	mock_kill(m);
	m = NULL;
}

void finish(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(text_of(key), owner);
	struct ow_result result = {.status = 202,
	    .content_type = text_of("text/plain"),
	    .body = text_of("the sink's answer")};
	ck_assert_int_eq(claim(key, owner)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(mock_rc(mock_commit(store, &c, &result)), OW_OK);
}

uint64_t saves(void)
{
	return (uint64_t)mock_gauge(m, "store_checkpoint_timestamp_seconds");
}

void advance_to_save(int64_t ms)
{
	uint64_t before = saves(),
		 errors = mock_counter(m, "store_checkpoint_errors_total", NULL);
	mock_advance(m, ms);
	for (mock_run(m); saves() == before &&
			  mock_counter(m, "store_checkpoint_errors_total", NULL) == errors;
	     mock_run(m))
		usleep(1000);
}

struct bytes sound_file(void)
{
	begin_at(0, "");
	finish("first", 1);
	finish("second", 1);
	end();
	return read_path();
}
