/*
 * Texts to values: what users write for numbers, times, sizes, addresses and
 * URLs. Each returns NULL on success or a phrase that says what is expected
 * ("a duration such as 250ms, 5s, 10m, 24h or 7d"), static, to which the
 * caller adds where.
 */
#ifndef CONF_SCALAR_H
#define CONF_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

const char *conf_parse_int(const char *text, int64_t *out);
const char *conf_parse_bool(const char *text, bool *out);
const char *conf_parse_duration(const char *text, int64_t *out_ms);
const char *conf_parse_size(const char *text, int64_t *out_bytes);
/* host:port, [v6]:port; port 0 to 65535. Checked, not resolved. */
const char *conf_parse_address(const char *text);
/* scheme://host[:port][/path][?query]; no user, no fragment, no spaces. Checks the shape. */
const char *conf_parse_url(const char *text, const char *const *schemes);
/* JSON pointer, RFC 6901. */
const char *conf_parse_pointer(const char *text);

/* The shortest way to write a value again: 300000 -> "5m", 1048576 -> "1MiB". out has 32 bytes. */
void conf_format_duration(int64_t ms, char *out);
void conf_format_size(int64_t bytes, char *out);

#endif
