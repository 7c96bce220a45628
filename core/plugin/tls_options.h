/*
 * The files that TLS options name: looked at while a configuration is checked,
 * as they are at the start, so that what is wrong with them is said with its
 * line.
 */
#ifndef PLUGIN_TLS_OPTIONS_H
#define PLUGIN_TLS_OPTIONS_H

#include "io/tls_files.h"
#include "plugin/configure.h"

/* Complains about the options of these names: of certificate, key and CA. All is borrowed. */
void tls_options_look(const struct tls_config *config, const char *const names[TLS_PARTS],
    const struct option_report *report);

/* The same for a component that has OW_TLS_OPTIONS, once or for several peers. */
void tls_options_look_all(
    const struct component *component, const void *conf, const struct option_report *report);

#endif
