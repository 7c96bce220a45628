/* The rules across the TLS options that every client has (OW_TLS_OPTIONS). */
#ifndef LIB_TLS_CHECK_H
#define LIB_TLS_CHECK_H

#include <onceway/plugin.h>

/*
 * For a component's check(). wanted: TLS is spoken at all; if it is not, its
 * options would do nothing. plain, secure: the schemes without and with it,
 * "http://" and "https://".
 */
void tls_options_check(const struct ow_tls_options *tls, bool wanted, const char *plain,
    const char *secure, const struct ow_report *report);
/* The same for OW_TLS_OPTIONS_AT(); p: what stands before the names, such as "oauth2.". */
void tls_options_check_at(const struct ow_tls_options *tls, const char *p, bool wanted,
    const char *plain, const char *secure, const struct ow_report *report);

#endif
