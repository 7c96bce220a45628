/*
 * What passes between a function and the Runtime API of AWS Lambda: "Using the
 * Lambda runtime API for custom runtimes", AWS Lambda Developer Guide.
 */
#ifndef SOURCE_EVENTBRIDGE_INVOCATION_H
#define SOURCE_EVENTBRIDGE_INVOCATION_H

#include <onceway/plugin.h>

#define INVOCATION_ID_MAX 128

/* Texts are borrowed from the response. */
struct invocation {
	struct ow_text id;    /* 1 .. INVOCATION_ID_MAX bytes that can stand in a path */
	int64_t deadline_ms;  /* wall clock; 0: not said */
	struct ow_text trace; /* X-Ray's; empty: none */
};

/* False: it has no id to answer under. */
bool invocation_read(const struct ow_http_response *response, struct invocation *invocation);

#define INVOCATION_TRACEPARENT_SIZE 56

/* The same trace as W3C has it. False: X-Ray's has no parent, or is of another form. */
bool invocation_traceparent(
    struct ow_text trace, char traceparent[INVOCATION_TRACEPARENT_SIZE]);

/*
 * {"statusCode":S,"body":B} as functions behind HTTP return it; B is base64,
 * with a third member that says so, if body is not UTF-8. To be freed with free().
 */
char *invocation_answer(int status, struct ow_text body);

/* {"errorMessage":M,"errorType":T,"stackTrace":[]}. To be freed with free(). */
char *invocation_error(const char *type, const char *message);

#endif
