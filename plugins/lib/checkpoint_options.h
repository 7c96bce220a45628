/* The options that every store with a checkpoint has. */
#ifndef LIB_CHECKPOINT_OPTIONS_H
#define LIB_CHECKPOINT_OPTIONS_H

#include <onceway/plugin.h>

struct checkpoint_options {
	const char *path; /* NULL: there is no checkpoint */
	int64_t interval_ms;
};

/* `m` is a struct checkpoint_options member of c. */
#define CHECKPOINT_OPTIONS(c, m)                                                               \
	OW_STRING(c, m.path, "checkpoint",                                                     \
	    .help = "File that finished keys are written to and restored from, so that they "  \
		    "outlive a restart."),                                                     \
	    OW_DURATION(c, m.interval_ms, "checkpoint_interval", .dflt = "60s",                \
		.max = 86400000, .help = "Time between two checkpoints; 0: only at shutdown.")

/* For a component's check(): the rules across them. */
void checkpoint_options_check(
    const struct checkpoint_options *options, const struct ow_report *report);

#endif
