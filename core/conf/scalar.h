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

/* Decimal, with a minus if need be: no plus, no `_`, no hexadecimal, no leading zeros. */
const char *conf_parse_int(const char *text, int64_t *out);
const char *conf_parse_bool(const char *text, bool *out);
/* A whole number and a unit; only 0 needs none. At most a century. */
const char *conf_parse_duration(const char *text, int64_t *out_ms);
/* A whole number of bytes, KiB, MiB or GiB. At most 1048576GiB. */
const char *conf_parse_size(const char *text, int64_t *out_bytes);
/* host:port, [v6]:port; port 0 to 65535. Checked, not resolved. */
const char *conf_parse_address(const char *text);
/*
 * scheme://host[:port][/path][?query]; no user, no fragment, no spaces. Checks
 * the shape. schemes ends with NULL; NULL: any scheme.
 */
const char *conf_parse_url(const char *text, const char *const *schemes);
/* JSON pointer, RFC 6901. */
const char *conf_parse_pointer(const char *text);

/* The shortest way to write a value again: 300000 -> "5m", 1048576 -> "1MiB". out has 32 bytes.
 */
void conf_format_duration(int64_t ms, char *out);
void conf_format_size(int64_t bytes, char *out);

/*
 * What somebody who wrote text probably meant: "yes" -> "true", "5sec" ->
 * "5s", "64K" -> "64KiB". False when there is no telling. out has 32 bytes.
 */
bool conf_guess_bool(const char *text, char *out);
bool conf_guess_duration(const char *text, char *out);
bool conf_guess_size(const char *text, char *out);

#endif
