/* One option's value: from a node, or from the table's default, into the struct. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "conf/check.h"

/* Size and alignment of the member that an option of that type writes; 0: no such type. */
size_t conf_value_size(unsigned type);
size_t conf_value_alignment(unsigned type);

/* True when no message, and no description, may show the option's value. */
bool conf_is_secret(const struct ow_option *option);

/* Both report what is wrong and return whether nothing was. check's table is only looked at for
 * hints. */
bool conf_value_set(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf);
bool conf_value_set_default(
    const struct conf_check *check, const struct ow_option *option, void *conf);

/* Writes a number in the unit that users write it in. out has 32 bytes. */
void conf_value_format(unsigned type, int64_t n, char *out);

/* "between 1ms and 60s", "at least 1", "at most 5", or "" where there is no range. out has 96
 * bytes. */
void conf_value_range(const struct ow_option *option, char *out);

/* A complaint about the option: "WHAT: option `NAME` " and what fmt gives. */
void conf_option_error(const struct conf_check *check, const struct ow_option *option,
    struct conf_mark at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
