/* What the parts of mockhost share; tests see mockhost.h only. */
#ifndef TESTS_PLUGIN_MOCKSTATE_H
#define TESTS_PLUGIN_MOCKSTATE_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/plugin/mockhost.h"
#include "json/pointer.h"

/* Pointers in the order they were added. */
struct mock_array {
	void **items;
	size_t count, size;
};

void mock_array_add(struct mock_array *array, void *item);
void mock_array_free(struct mock_array *array); /* not the items */

/* What the workers of one process share. Everything is under the lock. */
struct mock_process {
	pthread_mutex_t lock;
	unsigned workers;
	struct clock clock;
	struct list shared;
};

struct mock_post {
	void (*fn)(void *arg);
	void *arg;
};

struct mock {
	struct mock_process *process;
	struct random random;
	unsigned refreshes; /* calls of random_refresh() */
	struct arena arena; /* what lives until mock_free() */
	struct event_base *base;
	struct pointer_set *pointers;

	struct list instances, ops, timers, counters, pools;
	size_t unfinished;

	pthread_mutex_t post_lock;
	struct mock_post *posts;
	size_t post_count, post_size;

	struct list events;
	struct mock_array emissions; /* struct mock_emission */
	struct mock_array keys;	     /* struct ow_key */
	struct mock_array log;	     /* char, owned */

	struct list serves, requests;
	const char *refuse_serve;

	struct mock_array calls; /* struct ow_http_call */
	struct list scripted;
	size_t first_open; /* calls before this one are not open */
	const char *refuse_pool, *unreachable;
	bool maybe_received;

	struct list tls;
	mock_tls_stream *tls_make;
	void *tls_arg;
	const struct ow_tls_options *tls_options;
	const char *refuse_tls, *tls_problem;
};

struct ow_instance {
	struct list link; /* in mock->instances */
	struct mock *mock;
	const struct ow_component *component;
	const char *name;
	void *state;
	bool draining;
	struct mock_shared *shared;
};

enum mock_end {
	MOCK_END_DONE = 1,
	MOCK_END_CLAIM,
	MOCK_END_DELIVERY
};

struct ow_op {
	struct list link; /* in mock->ops */
	struct ow_instance *instance;
	const char *what;    /* "claim", for messages */
	enum mock_end end;   /* with which function it must be finished */
	struct arena lent;   /* copies of the arguments; freed when it is finished */
	struct arena answer; /* copies of what it was finished with */
	void *data;	     /* op_set() */
	bool finished;
	enum ow_rc rc;
	const char *why;
	struct ow_claim_answer claimed;
	struct ow_delivery delivered;
	struct ow_event *event; /* of a delivery, until it is finished */
};

struct mock_header {
	struct mock_header *next;
	struct ow_text name, value;
};

struct ow_event {
	struct list link; /* in mock->events */
	struct mock *mock;
	struct arena arena;
	unsigned refs;
	bool of_test; /* one reference is the mock's own, until mock_free() */
	bool emitted;
	struct ow_text body;
	struct mock_header *headers, **headers_end;
	struct ow_text path;
	const char *source;
	int64_t time;
	int64_t limit_ms;	   /* of event_limit(); 0: none */
	bool pass;		   /* event_pass() was called */
	const char *secret_header; /* of event_secret_header(); NULL: none */
	const char *trace;
	struct ow_json *values; /* of the pointers known when it was scanned */
	size_t value_count;
	bool valid;
};

struct ow_http_request {
	struct list link; /* in mock->requests */
	struct mock *mock;
	struct arena arena;
	struct ow_text path;
	struct mock_header *headers, **headers_end;
	struct ow_text body;
	bool answered;
	struct mock_answer answer;
	struct mock_header *answer_headers; /* of request_answer_with() */
};

/* Copies with a NUL behind; data stays NULL if it was. */
struct ow_text mock_copy(struct arena *arena, struct ow_text text);
/* Adds at the end of a list of headers. */
void mock_header_add(
    struct arena *arena, struct mock_header ***end, struct ow_text name, struct ow_text value);
struct ow_text mock_header_get(const struct mock_header *headers, const char *name);
/* Fails the test when `size` was forgotten; else copies what both sides know. */
void mock_copy_sized(void *to, const void *from, size_t known, const char *what);

/* mockhost.c */
void mock_services_gone(struct ow_instance *instance); /* leaks fail the test */

/* mockevent.c */
void mock_events_check(struct mock *m); /* leaks fail the test; frees all */
void mock_event_release(struct ow_event *event);

/* mockhttp.c */
bool mock_http_answer_scripted(struct mock *m); /* true if one was */
void mock_http_instance_gone(struct ow_instance *instance);
void mock_http_check(struct mock *m);

/* mocktls.c */
const struct ow_tls_options *mock_tls_copy(
    struct mock *m, const struct ow_tls_options *options);
void mock_tls_instance_gone(struct ow_instance *instance);
struct ow_tls *mock_host_tls_new(
    struct ow_instance *self, const struct ow_tls_options *options, const char **why);
void mock_host_tls_free(struct ow_tls *tls);
struct bufferevent *mock_host_tls_stream(struct ow_tls *tls, int fd, const char *host);
const char *mock_host_tls_problem(struct ow_tls *tls, struct bufferevent *stream);

/* Functions of the host table, where they are not static. */
void mock_host_op_set(struct ow_op *op, void *data);
void *mock_host_op_get(const struct ow_op *op);
void mock_host_op_done(struct ow_op *op, enum ow_rc rc, const char *why);
void mock_host_claim_done(struct ow_op *op, const struct ow_claim_answer *answer);
void mock_host_deliver_done(struct ow_op *op, const struct ow_delivery *delivery);

struct ow_event *mock_host_event_new(struct ow_instance *self);
struct ow_event *mock_host_event_from_request(
    struct ow_instance *self, struct ow_http_request *request);
void mock_host_event_set_body(struct ow_event *event, const void *data, size_t len);
void mock_host_event_add_header(struct ow_event *event, const char *name, const char *value);
void mock_host_emit(struct ow_instance *self, struct ow_event *event, void *cookie);
struct ow_event *mock_host_event_ref(const struct ow_event *event);
void mock_host_event_unref(struct ow_event *event);
struct ow_text mock_host_event_body(const struct ow_event *event);
struct ow_text mock_host_event_header(const struct ow_event *event, const char *name);
struct ow_text mock_host_event_path(const struct ow_event *event);
const char *mock_host_event_source(const struct ow_event *event);
int64_t mock_host_event_time(const struct ow_event *event);
const char *mock_host_event_trace(const struct ow_event *event);
const struct ow_pointer *mock_host_pointer(struct ow_instance *self, const char *text);
bool mock_host_event_json(
    const struct ow_event *event, const struct ow_pointer *pointer, struct ow_json *value);
struct ow_text mock_host_event_string(
    const struct ow_event *event, const struct ow_json *value);

void mock_host_key_set(struct ow_key *key, const char *prefix, struct ow_text text);
void mock_host_key_label(struct ow_key *key, struct ow_text label);
bool mock_host_key_explaining(const struct ow_key *key);
void mock_host_key_field(struct ow_key *key, const char *name, struct ow_text value);
void mock_host_key_canonical(struct ow_key *key, struct ow_text bytes);
void mock_host_key_invalid(struct ow_key *key, const char *field, const char *problem);
void mock_host_key_missing(struct ow_key *key, const char *field);
const char *mock_host_reply_field(const struct ow_reply *reply);
const char *mock_host_reply_problem(const struct ow_reply *reply);
void mock_host_reply_begin(struct ow_reply *reply, int status, const char *content_type);
void mock_host_reply_add(struct ow_reply *reply, struct ow_text text);
void mock_host_reply_add_json(struct ow_reply *reply, struct ow_text text);

int mock_host_http_serve(struct ow_instance *self, const char *listener, const char *path,
    unsigned methods, ow_http_handler *handler, void *arg, const char **why);
struct ow_text mock_host_request_header(
    const struct ow_http_request *request, const char *name);
struct ow_text mock_host_request_body(const struct ow_http_request *request);
void mock_host_request_answer(struct ow_http_request *request, int status,
    struct ow_text content_type, struct ow_text body, int64_t retry_after_ms);
void mock_host_request_answer_with(
    struct ow_http_request *request, const struct ow_http_answer *answer);
struct ow_http_pool *mock_host_http_pool_new(
    struct ow_instance *self, const struct ow_http_origin *origin, const char **why);
void mock_host_http_pool_free(struct ow_http_pool *pool);
struct ow_http_call *mock_host_http_send(struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg);
bool mock_host_http_cancel(struct ow_http_call *call);
bool mock_host_http_reachable(struct ow_http_pool *pool, const char **why);
struct ow_query *mock_host_resolve(
    struct ow_instance *self, const char *host, int port, ow_resolve_callback *fn, void *arg);
void mock_host_resolve_cancel(struct ow_query *query);
void mock_host_event_limit(struct ow_event *event, int64_t ms);
void mock_host_event_pass(struct ow_event *event);
void mock_host_event_secret_header(struct ow_event *event, const char *name);

#endif
