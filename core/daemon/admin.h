/* The admin address: /metrics, /healthz, /readyz, /status. Only reads. */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include "daemon/assembly.h"

struct admin;

/* What it shows; borrowed. */
struct admin_view {
	const struct settings *settings;
	struct worker *main; /* on whose thread it answers */
	struct assembly *const *assemblies;
	size_t count;
	const bool *started, *draining;
	struct spool *spool; /* NULL: none */
};

/* Listens. NULL after logging why. */
struct admin *admin_new(const struct admin_view *view);
void admin_free(struct admin *a); /* NULL is fine */

#endif
