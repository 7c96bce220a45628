/* Dead letters as text or JSON. */
#ifndef DAEMON_DEAD_PRINT_H
#define DAEMON_DEAD_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "spool/dead.h"

struct dead_printer {
	FILE *out;
	bool json;
	bool whole;	      /* with what it holds, and not only what it is */
	int64_t bytes, count; /* of what was printed */
};

void dead_print_begin(struct dead_printer *p);
dead_fn dead_print; /* arg: the printer */
void dead_print_end(struct dead_printer *p);

#endif
