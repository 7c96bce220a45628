/* What an AWS JSON 1.0 service says when it does not do what was asked. */
#ifndef LIB_AWS_AWS_ERROR_H
#define LIB_AWS_AWS_ERROR_H

#include "lib/aws/aws_client.h"

#define AWS_CODE_SIZE	 128
#define AWS_MESSAGE_SIZE 256

struct aws_error {
	enum aws_outcome outcome; /* not AWS_OK */
	bool expired;		  /* the credentials have expired */
	bool signature;		  /* refused the signature: perhaps because of the time */
	/* All are printable and end with NUL; empty if there is none. */
	char code[AWS_CODE_SIZE];
	char query_code[AWS_CODE_SIZE];
	char message[AWS_MESSAGE_SIZE]; /* its first line */
};

/* response has a status that is not 2xx. */
void aws_error_read(const struct ow_http_response *response, struct aws_error *error);

/* The first header of that name, any case; data is NULL if there is none. */
struct ow_text aws_header(const struct ow_http_response *response, const char *name);

#endif
