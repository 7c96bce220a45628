/*
 * What is wrong with a file before it is a tree: libyaml's complaints in plain
 * words, at the place where the mistake is.
 */
#ifndef CONF_SYNTAX_H
#define CONF_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "conf/report.h"

/*
 * Refuses what would make libyaml slow: it takes quadratic time for %TAG
 * directives. False after complaining.
 */
bool conf_syntax_precheck(
    const char *file, const char *text, size_t len, struct conf_report *report);

/* Reports the error that parser, fed with text, has stopped at. */
void conf_syntax_error(const yaml_parser_t *parser, const char *file, const char *text,
    size_t len, struct conf_report *report);

#endif
