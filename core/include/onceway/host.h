/*
 * onceway/host.h - what the core offers to plugins.
 *
 * Included by <onceway/plugin.h>; plugins include only that.
 *
 * One table of functions, the same for all instances; it lives as long as the
 * process. A function added in a later minor stands at the end: a plugin that
 * can do without it compares `size` first.
 */
#ifndef ONCEWAY_HOST_H
#define ONCEWAY_HOST_H

#include <onceway/event.h>

enum ow_level {
	OW_LOG_ERROR = 1,
	OW_LOG_WARNING,
	OW_LOG_INFO,
	OW_LOG_DEBUG
};

/* Bits for http_serve(): the methods a path takes. Others get 405 with Allow. */
#define OW_HTTP_GET    0x01
#define OW_HTTP_HEAD   0x02
#define OW_HTTP_POST   0x04
#define OW_HTTP_PUT    0x08
#define OW_HTTP_PATCH  0x10
#define OW_HTTP_DELETE 0x20

/* A request, complete with its body. Must be answered exactly once, now or later. */
typedef void ow_http_handler(struct ow_http_request *request, void *arg);

/* An answer with header fields of its own. Borrowed for the call. */
struct ow_http_answer {
	uint32_t size;
	int status;
	struct ow_text content_type; /* empty: none */
	struct ow_text body;
	int64_t retry_after_ms;	     /* > 0: Retry-After, rounded up to seconds */
	const struct ow_text *names; /* none that the listener writes */
	const struct ow_text *values;
	size_t headers;
};

/* How a client speaks TLS; the peer's certificate and name are always verified. Borrowed. */
struct ow_tls_options {
	uint32_t size;
	int min_version;	 /* index: 1.2, 1.3 */
	const char *ca;		 /* file or directory; NULL: the system's */
	const char *certificate; /* PEM file; NULL: none is shown */
	const char *key;	 /* PEM file; with certificate */
	const char *server_name; /* NULL: the host that is connected to */
};

/* Connections to one origin, from the sink's own options. Borrowed for the call. */
struct ow_http_origin {
	uint32_t size;
	const char *url; /* scheme, host and port count; path is ignored */
	int64_t max_connections;
	int64_t max_waiting; /* requests in line when all connections are busy */
	int64_t connect_ms;
	int64_t idle_ms;      /* close a connection idle that long */
	int64_t max_response; /* bytes of an answer's body that are kept; see body_dropped */
	const struct ow_tls_options *tls; /* since 1.2: for https; NULL: as all NULL */
	/*
	 * Since 1.3: http://[user:password@]host[:port], percent-encoded where needed; NULL:
	 * none. https goes through a tunnel (CONNECT). Nothing is taken from the environment.
	 */
	const char *proxy;
};

/* A request to send. Borrowed until its callback, or until http_cancel() returns. */
struct ow_http_outgoing {
	uint32_t size;
	const char *method;
	struct ow_text target;	      /* path and query, begins with '/' */
	const struct ow_text *names;  /* headers, in order; Host, Content-Length and */
	const struct ow_text *values; /* Connection are the client's to write */
	size_t headers;
	struct ow_text body;
	bool repeatable; /* may be sent again when a kept-alive connection turns out dead */
	int64_t
	    total_ms; /* from now to the last byte of the answer, waiting in line included */
};

enum ow_http_end {
	OW_HTTP_ANSWERED = 1, /* status, headers and body are there */
	OW_HTTP_POOL_FULL,    /* the line was full: not sent */
	OW_HTTP_RESOLVE,      /* the host's name did not resolve: not sent */
	OW_HTTP_CONNECT,      /* no connection: not sent */
	OW_HTTP_TIMEOUT,
	OW_HTTP_BROKEN,	  /* connection lost before the answer was complete */
	OW_HTTP_PROTOCOL, /* the answer is not HTTP/1.1, or too large */
};

/* How a call ended. Borrowed for the callback. */
struct ow_http_response {
	uint32_t size;
	enum ow_http_end end;
	bool maybe_received; /* the peer may have got the whole request */
	const char *why;     /* unless ANSWERED: one phrase with the peer's address */
	int status;
	const struct ow_text *names; /* headers as received, in order */
	const struct ow_text *values;
	size_t headers;
	struct ow_text body;
	bool body_dropped; /* ANSWERED: the body was over max_response; it is empty here */
};

typedef void ow_http_callback(const struct ow_http_response *response, void *arg);

/* Where a name leads to, in the order to try. Borrowed for the callback. */
struct ow_addresses {
	uint32_t size;
	const char *why; /* NULL: found; else one phrase, and count is 0 */
	const struct sockaddr *const *at;
	const uint32_t *lengths; /* of each of them, in bytes */
	size_t count;
};

typedef void ow_resolve_callback(const struct ow_addresses *found, void *arg);

struct ow_host {
	uint32_t size;
	uint16_t major, minor;

	/* ---- the instance ---- */

	/* Writes one line: time, level, the instance's kind and name, text. */
	void (*log)(struct ow_instance *self, enum ow_level level, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
	/* The instance's name, a mapping key of the configuration; lives as long as it. */
	const char *(*name)(const struct ow_instance *self);
	/* The worker's event base; borrowed. */
	struct event_base *(*base)(struct ow_instance *self);
	/* Milliseconds since 1970, for people and for other machines. */
	int64_t (*wall_ms)(struct ow_instance *self);
	/* Milliseconds that never go back, for lengths of time. */
	int64_t (*mono_ms)(struct ow_instance *self);
	/* Fills with random bytes fit for tokens. */
	void (*random)(struct ow_instance *self, void *out, size_t len);
	/*
	 * Runs fn(arg) on the worker's thread, soon. The only function that may
	 * be called from any thread.
	 */
	void (*post)(struct ow_instance *self, void (*fn)(void *arg), void *arg);
	/*
	 * The one object that all workers' instances of this configured
	 * component share. make(arg) is called for the first, under a lock;
	 * free_fn for the last that is destroyed. What is inside needs its own
	 * locks. NULL only if make() returned NULL.
	 */
	void *(*shared)(struct ow_instance *self, void *(*make)(void *arg), void *arg,
	    void (*free_fn)(void *object));

	/* ---- timers: one-shot, on the worker ---- */

	/* Freed with timer_free(); set again at will, also from its own callback. */
	struct ow_timer *(*timer_new)(
	    struct ow_instance *self, void (*fn)(void *arg), void *arg);
	void (*timer_set)(struct ow_timer *timer, int64_t ms); /* < 0 stops it */
	void (*timer_free)(struct ow_timer *timer);	       /* NULL is fine */

	/* ---- metrics: summed over workers when read ---- */

	/*
	 * A counter `onceway_NAME{KIND="instance",label="value"}`; KIND is the
	 * instance's kind. label may be NULL. Of one name, at most 1000 values of
	 * a label are kept apart; later ones share the value "other". Never
	 * fails; belongs to the core. Look it up once, not per event.
	 */
	struct ow_counter *(*counter)(struct ow_instance *self, const char *name,
	    const char *help, const char *label, struct ow_text value);
	void (*count)(struct ow_counter *counter, uint64_t n);
	/* The same for a value that goes up and down. */
	struct ow_counter *(*gauge)(
	    struct ow_instance *self, const char *name, const char *help);
	void (*gauge_set)(struct ow_counter *gauge, int64_t value);

	/* ---- operations ---- */

	/* A word of the plugin's own, kept with the operation until it is finished. */
	void (*op_set)(struct ow_op *op, void *data);
	void *(*op_get)(const struct ow_op *op);
	/* Finishes start, drain, renew, commit, release. why: a phrase, copied; NULL with OK.
	 */
	void (*op_done)(struct ow_op *op, enum ow_rc rc, const char *why);
	void (*claim_done)(struct ow_op *op, const struct ow_claim_answer *answer);
	void (*deliver_done)(struct ow_op *op, const struct ow_delivery *delivery);

	/* ---- events: making one (sources) ---- */

	/*
	 * An empty event with one reference, yours until emit(). A keyer may make
	 * one to look into a JSON text that stands inside another, as its body,
	 * and unrefs it before it returns.
	 */
	struct ow_event *(*event_new)(struct ow_instance *self);
	/*
	 * An event from a request: takes over its body, headers, path and
	 * query, and its trace id if it has a valid traceparent. The request
	 * itself stays to be answered, but has no body and headers any more.
	 */
	struct ow_event *(*event_from_request)(
	    struct ow_instance *self, struct ow_http_request *request);
	void (*event_set_body)(
	    struct ow_event *event, const void *data, size_t len); /* copies */
	void (*event_add_header)(struct ow_event *event, const char *name, const char *value);
	/* Gives the event, and your reference, to the route engine. settle() follows later. */
	void (*emit)(struct ow_instance *self, struct ow_event *event, void *cookie);

	/* ---- events: reading one ---- */

	struct ow_event *(*event_ref)(const struct ow_event *event);
	void (*event_unref)(struct ow_event *event);
	struct ow_text (*event_body)(const struct ow_event *event);
	/* First header of that name, any case; data is NULL if there is none. */
	struct ow_text (*event_header)(const struct ow_event *event, const char *name);
	struct ow_text (*event_path)(const struct ow_event *event); /* without the query */
	const char *(*event_source)(const struct ow_event *event);
	int64_t (*event_time)(const struct ow_event *event);	  /* arrival, wall_ms */
	const char *(*event_trace)(const struct ow_event *event); /* 32 hex digits */

	/*
	 * Compiles a JSON pointer (RFC 6901) in create(); lives as long as the
	 * worker. All pointers together are looked up in one pass over a body,
	 * so ask through these and not by walking. NULL: not a pointer.
	 */
	const struct ow_pointer *(*pointer)(struct ow_instance *self, const char *text);
	/*
	 * The value there. False: the body is not JSON or has no such member.
	 * Of members with one name the last counts.
	 */
	bool (*event_json)(const struct ow_event *event, const struct ow_pointer *pointer,
	    struct ow_json *value);
	/*
	 * A string value's text: escapes resolved, UTF-8, may hold NUL bytes.
	 * Borrowed for as long as the event lives.
	 */
	struct ow_text (*event_string)(
	    const struct ow_event *event, const struct ow_json *value);

	/* ---- keyers ---- */

	/* The key: store key = prefix + text. */
	void (*key_set)(struct ow_key *key, const char *prefix, struct ow_text text);
	/* A label for the duplicate counters, such as a trigger id. */
	void (*key_label)(struct ow_key *key, struct ow_text label);
	/* For `key --explain`; ignored otherwise, so ask key_explaining() before costly work.
	 */
	bool (*key_explaining)(const struct ow_key *key);
	void (*key_field)(struct ow_key *key, const char *name, struct ow_text value);
	void (*key_canonical)(struct ow_key *key, struct ow_text bytes);
	/*
	 * The event has no key: which field, and what is wrong with it ("is
	 * missing", "must be a string"). The first call counts.
	 */
	void (*key_invalid)(struct ow_key *key, const char *field, const char *problem);
	/* For reply(): what key_invalid() was told; NULL if nothing. */
	const char *(*reply_field)(const struct ow_reply *reply);
	const char *(*reply_problem)(const struct ow_reply *reply);
	/* Sets the status (0: as proposed) and the content type; clears the body. */
	void (*reply_begin)(struct ow_reply *reply, int status, const char *content_type);
	void (*reply_add)(struct ow_reply *reply, struct ow_text text);
	/* Adds text as a JSON string, quoted and escaped. */
	void (*reply_add_json)(struct ow_reply *reply, struct ow_text text);

	/* ---- HTTP listeners (sources) ---- */

	/*
	 * Takes the requests for an exact path on a configured listener; since
	 * 1.2, if the path ends with a slash and a star, for all paths that
	 * begin as it does up to the star, except those that another source
	 * takes exactly, or with more of them before its star. 0, or -1 with
	 * *why: no such listener, or the path is taken. It goes on while the
	 * instance drains, for requests already under way.
	 */
	int (*http_serve)(struct ow_instance *self, const char *listener, const char *path,
	    unsigned methods, ow_http_handler *handler, void *arg, const char **why);
	struct ow_text (*request_header)(
	    const struct ow_http_request *request, const char *name);
	struct ow_text (*request_body)(const struct ow_http_request *request);
	/*
	 * Answers. Exactly once; harmless when the client has gone. Date, Server,
	 * Content-Length and Connection are written by the listener.
	 * retry_after_ms > 0 adds Retry-After.
	 */
	void (*request_answer)(struct ow_http_request *request, int status,
	    struct ow_text content_type, struct ow_text body, int64_t retry_after_ms);

	/* ---- HTTP client (sinks) ---- */

	/* Connections to one origin, of this instance. NULL with *why: the URL is no good. */
	struct ow_http_pool *(*http_pool_new)(
	    struct ow_instance *self, const struct ow_http_origin *origin, const char **why);
	/* No call may be unfinished. NULL is fine. */
	void (*http_pool_free)(struct ow_http_pool *pool);
	/*
	 * Sends. fn(response, arg) is called exactly once, never before this
	 * returns, unless the call is cancelled.
	 */
	struct ow_http_call *(*http_send)(struct ow_http_pool *pool,
	    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg);
	/* Drops the call: no callback. True if the peer may have got the whole request. */
	bool (*http_cancel)(struct ow_http_call *call);
	/*
	 * False after connecting failed, until it works again (tried by itself
	 * every few seconds); *why then names the address and the error.
	 */
	bool (*http_reachable)(struct ow_http_pool *pool, const char **why);

	/* ---- since 1.1: HTTP listeners (sources) ---- */

	/*
	 * request_answer() with more header fields, such as WWW-Authenticate. A
	 * field that cannot be one (a line break in its value) is left out.
	 */
	void (*request_answer_with)(
	    struct ow_http_request *request, const struct ow_http_answer *answer);

	/* ---- since 1.2: keyers ---- */

	/*
	 * As key_invalid(key, field, "is missing"), for a field that the key
	 * needs and that has no default: the route may have its own way with
	 * such events (on_missing).
	 */
	void (*key_missing)(struct ow_key *key, const char *field);

	/* ---- since 1.2: TLS, for clients with a protocol of their own ---- */

	/*
	 * Loads CAs, certificate and key. They are looked at again now and then:
	 * what was replaced by sound files is used for later connections. NULL
	 * with *why, which names the file.
	 */
	struct ow_tls *(*tls_new)(
	    struct ow_instance *self, const struct ow_tls_options *options, const char **why);
	/* No stream of it is left. NULL is fine. */
	void (*tls_free)(struct ow_tls *tls);
	/*
	 * A bufferevent that speaks TLS on fd, a socket that is connecting or
	 * connected to `host` (a name or an address). BEV_EVENT_CONNECTED comes
	 * after the handshake, and only if the peer is who it should be. The
	 * caller frees it and then closes fd.
	 */
	struct bufferevent *(*tls_stream)(struct ow_tls *tls, int fd, const char *host);
	/*
	 * After BEV_EVENT_ERROR: one phrase, such as "its certificate has
	 * expired"; NULL: not TLS is at fault, see errno. Valid until the next
	 * call for this tls.
	 */
	const char *(*tls_problem)(struct ow_tls *tls, struct bufferevent *stream);

	/* ---- since 1.2: names, for clients with a protocol of their own ---- */

	/*
	 * Looks a host up, be it a literal address, without blocking. fn is
	 * called exactly once, never before this returns, unless cancelled.
	 * host is copied.
	 */
	struct ow_query *(*resolve)(struct ow_instance *self, const char *host, int port,
	    ow_resolve_callback *fn, void *arg);
	/* fn will not be called any more. NULL is fine. */
	void (*resolve_cancel)(struct ow_query *query);

	/* ---- since 1.3: events (sources) ---- */

	/*
	 * Before emit(): the source wants to know within that time after the event
	 * was made. Its delivery then ends by this, or by the route's deadline if
	 * that is sooner.
	 */
	void (*event_limit)(struct ow_event *event, int64_t ms);

	/* ---- since 1.3: randomness ---- */

	/*
	 * Forgets random bytes got ahead of need. For sources whose process may be a
	 * copy of another one's memory, such as a snapshot that is started twice:
	 * the tokens of both must differ.
	 */
	void (*random_refresh)(struct ow_instance *self);

	/* ---- since 1.3: repetitions (sources) ---- */

	/*
	 * Before emit(): a repetition that is wanted, such as an event out of an
	 * archive. It needs a key like any other, but is delivered whatever the store
	 * knows of that key, and the store is not told; outcome PASSED.
	 */
	void (*event_pass)(struct ow_event *event);

	/* ---- since 1.3: credentials of senders (sources) ---- */

	/*
	 * Before emit(): the header of that name shows who the sender is, and is not
	 * written to disk with the event. Authorization, Proxy-Authorization, Cookie and
	 * X-Api-Key never are. One name, which lives as long as the instance.
	 */
	void (*event_secret_header)(struct ow_event *event, const char *name);
};

#endif
