/* From a component's options, as a user wrote them, to its configuration struct. */
#ifndef PLUGIN_CONFIGURE_H
#define PLUGIN_CONFIGURE_H

#include "conf/tree.h"
#include "plugin/loader.h"

/* Where rules across options complain to (base), with what it takes to say where. */
struct option_report {
	struct ow_report base;
	const struct conf_node *node; /* the options */
	const char *what;	      /* "sink `crm`" */
	struct arena *arena;
	const struct ow_list *secrets; /* that no complaint about the whole may show */
	struct conf_report *report;
};

/* All is borrowed. */
struct option_report option_report(const struct conf_node *node, const char *what,
    struct arena *arena, const struct ow_list *secrets, struct conf_report *report);

/*
 * Checks the options one by one and, when each is sound, by the component's own
 * rules; then the files that its TLS options name. node is a mapping, in which `plugin` is the
 * caller's own, or a scalar: all defaults. what is for messages: "sink `crm`". Complaints go to
 * report; the struct belongs to arena and is to be used only if there were none. That
 * references lead somewhere is the caller's to check. What no message of the
 * component may show is added to *secrets, a list in arena that begins as
 * {NULL, 0}.
 */
void *component_configure(const struct component *c, const struct conf_node *node,
    const char *what, struct arena *arena, struct ow_list *secrets, struct conf_report *report);

#endif
