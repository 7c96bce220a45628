/* A configuration's listeners: their options, and the rules across them. */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "conf/tree.h"
#include "io/tls_files.h"

struct settings;

struct listener_settings {
	struct listener_settings *next;
	const char *name;
	const struct conf_node *node;
	const char *address;
	int64_t max_body, max_headers;
	int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
	int64_t max_connections, max_pipelined;
	struct {
		const char *certificate, *key, *client_ca;
		int client; /* enum tls_asks */
		int min_version;
	} tls;
	bool has_tls;
};

/* Adds the listener of this entry to the settings; complaints go to report. */
void listener_load(
    struct settings *settings, const struct conf_node *entry, struct conf_report *report);

/* What a listener speaks TLS with; borrows the settings' texts. */
void listener_tls(const struct listener_settings *listener, struct tls_config *config);

#endif
