/*
 * mockhost - a fake core for testing a plugin without the daemon.
 *
 * It implements every function of struct ow_host in memory: the clock stands
 * still until the test moves it, randomness is seeded, nothing touches the
 * network, and whatever the plugin did can be looked at. It is also strict:
 * what would be a bug in front of the real core (finishing an operation twice
 * or with the wrong function, answering a request twice, leaking a timer, a
 * pool or a reference) ends the test program with a message and abort().
 *
 * A test of a store, from beginning to end:
 *
 *	struct mock *m = mock_new();
 *	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
 *	void *conf = mock_conf(m, memory, "max_keys: 10\n");
 *	struct ow_instance *store = mock_instance(m, memory, "main", conf);
 *	ck_assert_int_eq(mock_rc(mock_start(store)), OW_OK);
 *	struct ow_op *op = mock_claim(store, &claim);
 *	ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_NEW);
 *	mock_advance(m, 60000);
 *	...
 *	mock_free(m);
 *
 * struct mock is one worker. Everything a function here returns belongs to its
 * worker and lives until mock_free(), unless said otherwise. Arguments are
 * copied; what the contract lends a plugin "until the operation is finished"
 * is a copy that is freed at exactly that moment, so that a sanitizer or
 * valgrind finds a plugin that looks at it later.
 */
#ifndef TESTS_PLUGIN_MOCKHOST_H
#define TESTS_PLUGIN_MOCKHOST_H

#include <onceway/plugin.h>

struct mock;

/* ---- the worker ---- */

/* A process with one worker. Its clock starts at 2026-01-01T00:00:00Z. */
struct mock *mock_new(void);

/*
 * One more worker of the same process: it has the same clock and the same
 * host->shared() objects. Every worker may be used on a thread of its own.
 */
struct mock *mock_new_worker(struct mock *first);

/*
 * Destroys the worker's instances, then the worker. Fails the test when an
 * operation is unfinished, an emitted event not settled, a request not
 * answered, or a timer, a pool, a reference to an event or (with the last
 * worker) a shared object is left. NULL is fine.
 */
void mock_free(struct mock *m);
/*
 * The same when a process is killed: what another thread has posted and nobody
 * has run yet is forgotten, where mock_free() fails the test.
 */
void mock_kill(struct mock *m);

/* Prints "mockhost: ..." and aborts. */
void mock_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The table itself, for what is not offered below. */
const struct ow_host *mock_host(void);

/* How often instances asked for fresh randomness. */
unsigned mock_random_refreshes(const struct mock *m);
/* Repeats the randomness that the plugin sees. Every worker starts with seed 1. */
void mock_seed(struct mock *m, uint64_t seed);

/* What host->base() returns; asking for it without one fails the test. Borrowed. */
void mock_set_base(struct mock *m, struct event_base *base);

/* ---- time ---- */

int64_t mock_mono(struct mock *m);
int64_t mock_wall(struct mock *m);

/*
 * Moves the clock, stopping at each of this worker's timers in the order they
 * fall due. Other workers' timers run with their next mock_run().
 */
void mock_advance(struct mock *m, int64_t ms);

/*
 * Moves the clock as if the worker had been stopped meanwhile: what fell due
 * runs late, with the next mock_run() or mock_advance().
 */
void mock_skip(struct mock *m, int64_t ms);

/*
 * Runs what waits: posted functions, timers that are due, scripted answers to
 * HTTP requests; until there is nothing more.
 */
void mock_run(struct mock *m);

size_t mock_timers_set(const struct mock *m);

/* ---- instances ---- */

/* The getter of the plugin whose sources the test program is linked with. */
extern ow_module_fn OW_MODULE_SYMBOL;

/* The component of that name in a plugin: mock_component(OW_MODULE_SYMBOL(), "memory"). */
const struct ow_component *mock_component(const struct ow_module *module, const char *name);

/*
 * A component's configuration struct from YAML, as the daemon would fill it:
 * "max_keys: 10\nmax_result: 1KiB\n"; NULL: all defaults. Fails the test when
 * there is anything to complain about, be it the option table itself.
 */
void *mock_conf(struct mock *m, const struct ow_component *component, const char *yaml);
/* Those complaints, as `test.yaml:LINE:COL: error: ...` lines; "" if there are none. */
const char *mock_conf_complaints(
    struct mock *m, const struct ow_component *component, const char *yaml);

/* Calls create(); conf is borrowed for the life of the instance. Fails the test on NULL. */
struct ow_instance *mock_instance(
    struct mock *m, const struct ow_component *component, const char *name, const void *conf);
/* The same where create() may fail: then NULL and *why. */
struct ow_instance *mock_try_instance(struct mock *m, const struct ow_component *component,
    const char *name, const void *conf, const char **why);
void *mock_state(const struct ow_instance *instance);
/* Destroys it at once; its operations must be finished. The handle is gone. */
void mock_destroy(struct ow_instance *instance);

/* Without such a function in the component the operation is finished with OK. */
struct ow_op *mock_start(struct ow_instance *instance);
struct ow_op *mock_drain(struct ow_instance *instance);
/* Calls reopen(), which the component must have. */
void mock_reopen(struct ow_instance *instance);

/* ---- operations ---- */

bool mock_finished(const struct ow_op *op);
/* These fail the test while the operation is unfinished. why: "" with OK. */
enum ow_rc mock_rc(const struct ow_op *op);
const char *mock_why(const struct ow_op *op);
const struct ow_claim_answer *mock_claimed(const struct ow_op *op);
const struct ow_delivery *mock_delivered(const struct ow_op *op);

/* Calls the cancel() of the op's instance. The core never cancels a finished one. */
void mock_cancel(struct ow_op *op);

size_t mock_unfinished(const struct mock *m);

/* Frees the finished operations with their answers, for tests that make millions. */
void mock_forget(struct mock *m);

/* ---- stores ---- */

struct ow_op *mock_claim(struct ow_instance *store, const struct ow_claim *claim);
struct ow_op *mock_renew(struct ow_instance *store, const struct ow_claim *claim);
struct ow_op *mock_commit(
    struct ow_instance *store, const struct ow_claim *claim, const struct ow_result *result);
struct ow_op *mock_release(struct ow_instance *store, const struct ow_claim *claim);

/* ---- sinks ---- */

/* attempt NULL: the first one, under the key "test:key-1", with 30 s to go. */
struct ow_op *mock_deliver(
    struct ow_instance *sink, struct ow_event *event, const struct ow_attempt *attempt);

/* ---- events ---- */

/* From a text, or from bytes. Source "test", path "/", the one trace id. */
struct ow_event *mock_event(struct mock *m, const char *body);
struct ow_event *mock_event_of(struct mock *m, const void *body, size_t len);
void mock_event_header(struct ow_event *event, const char *name, const char *value);
void mock_event_set_path(struct ow_event *event, const char *path);
/* What its source said with event_limit(); 0: nothing. */
int64_t mock_event_limit(const struct ow_event *event);
/* Whether its source called event_pass(). */
bool mock_event_passes(const struct ow_event *event);
/* What its source said with event_secret_header(); NULL: nothing. */
const char *mock_event_secret_header(const struct ow_event *event);
#define MOCK_TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

/* ---- keyers ---- */

#define MOCK_KEY_FIELDS 64

/* What a keyer filled in. Texts are copies that end with NUL; data is NULL if never set. */
struct ow_key {
	struct mock *mock;
	enum ow_rc rc; /* what key() returned */
	bool explaining;
	const char *prefix;
	struct ow_text text;
	struct ow_text label;
	struct ow_text canonical;
	size_t fields;
	const char *field_names[MOCK_KEY_FIELDS];
	struct ow_text field_values[MOCK_KEY_FIELDS];
	const char *invalid_field, *invalid_problem; /* NULL: key_invalid() was not called */
	bool missing;				     /* key_missing() came first */
};

struct ow_reply {
	struct mock *mock;
	bool begun; /* reply_begin() was called */
	int status; /* 0: as proposed */
	const char *content_type;
	struct ow_text body;
	const char *field, *problem;
};

/*
 * Calls key() and checks that it kept to the contract: OK with a key, or
 * REJECT with a field and a problem. The body must be valid JSON.
 */
struct ow_key *mock_key(struct ow_instance *keyer, struct ow_event *event, bool explaining);

/* Calls reply(). key: what key() said about the event, or NULL if it was not asked. */
struct ow_reply *mock_reply(struct ow_instance *keyer, struct ow_event *event,
    const struct ow_key *key, const struct ow_reply_request *request);

/* ---- sources ---- */

struct mock_emission {
	struct ow_instance *source;
	struct ow_event *event;
	void *cookie;
	bool settled;
};

/* Events given to host->emit(), in order. */
size_t mock_emitted(const struct mock *m);
const struct mock_emission *mock_emission(const struct mock *m, size_t index);
/* Calls the source's settle(), exactly once for each, and drops the event. */
void mock_settle(struct mock *m, size_t index, const struct ow_settlement *how);

/* ---- HTTP listeners ---- */

/* What was answered to a request. Texts are copies that end with NUL. */
struct mock_answer {
	int status;
	struct ow_text content_type;
	struct ow_text body;
	int64_t retry_after_ms;
};

/* From now on http_serve() refuses with this phrase; NULL: it works again. */
void mock_refuse_serve(struct mock *m, const char *why);

/*
 * A request as a listener would hand it on; the handler is called at once.
 * headers: name, value, name, value, ..., NULL; may be NULL. A method that was
 * not asked for is answered 405 without the plugin. NULL: nothing serves that
 * path of that listener, or the instance drains.
 */
struct ow_http_request *mock_request(struct mock *m, const char *listener, const char *method,
    const char *target, const char *const *headers, struct ow_text body);
/* NULL until it is answered. */
const struct mock_answer *mock_answer(const struct ow_http_request *request);
/* A field that request_answer_with() gave, any case; data is NULL if there is none. */
struct ow_text mock_answer_header(const struct ow_http_request *request, const char *name);

/* ---- HTTP client ---- */

enum mock_call_state {
	MOCK_CALL_OPEN = 1,
	MOCK_CALL_ANSWERED,
	MOCK_CALL_CANCELLED
};

/* A request that the plugin sent. Texts are copies that end with NUL. */
struct mock_call {
	struct ow_http_origin origin; /* of its pool; valid for ever */
	struct ow_http_outgoing request;
	enum mock_call_state state;
};

size_t mock_calls(const struct mock *m);
const struct mock_call *mock_call(const struct mock *m, size_t index);
/* The value of a request's header, any case; data is NULL if there is none. */
struct ow_text mock_call_header(const struct mock_call *call, const char *name);

/*
 * Queues an answer: each mock_run() gives the queued ones, in order, to the
 * requests that are open, oldest first. A request is never answered before
 * http_send() has returned, and what it borrows must still be there by then.
 */
void mock_script(struct mock *m, const struct ow_http_response *response);
/* The common case: ANSWERED with this status and body. headers as in mock_request(). */
void mock_script_answer(
    struct mock *m, int status, const char *const *headers, const char *body);
/* Answers one call now. */
void mock_respond(struct mock *m, size_t index, const struct ow_http_response *response);

/* What http_cancel() returns from now on; false at first. */
void mock_set_maybe_received(struct mock *m, bool maybe);
/* http_pool_new() refuses with this phrase; NULL: it works again. */
void mock_refuse_pool(struct mock *m, const char *why);
/* http_reachable() says false with this phrase; NULL: true again. */
void mock_set_unreachable(struct mock *m, const char *why);

/* ---- TLS ---- */

/*
 * What tls_stream() gives is the test's to make, a plain bufferevent for
 * example: the peer of a test speaks no TLS, so that no certificates are
 * needed. It must tell of BEV_EVENT_CONNECTED, and not close fd.
 */
typedef struct bufferevent *mock_tls_stream(int fd, const char *host, void *arg);
void mock_set_tls(struct mock *m, mock_tls_stream *make, void *arg);
/* What tls_new() was last called with; NULL: it was not. */
const struct ow_tls_options *mock_tls_options(const struct mock *m);
/* tls_new() refuses with this phrase; NULL: it works again. */
void mock_refuse_tls(struct mock *m, const char *why);
/* What tls_problem() says from now on; NULL at first. */
void mock_set_tls_problem(struct mock *m, const char *why);

/* ---- log and metrics ---- */

/* Lines as "warning: text", in order. */
size_t mock_log_lines(const struct mock *m);
const char *mock_log_line(const struct mock *m, size_t index);
/* Whether a line contains this. */
bool mock_logged(const struct mock *m, const char *part);
void mock_log_clear(struct mock *m);

/*
 * The value of a counter, by name and label value (NULL: without label), summed
 * over the worker's instances. Fails the test if no such name was ever asked for.
 */
uint64_t mock_counter(const struct mock *m, const char *name, const char *value);
int64_t mock_gauge(const struct mock *m, const char *name);

#endif
