#define OW_NEED_MINOR 1 /* given() */
#include "lib/tls_check.h"

#include <string.h>

void tls_options_check(const struct ow_tls_options *tls, bool wanted, const char *plain,
    const char *secure, const struct ow_report *report)
{
	static const char *const options[] = {
	    "tls.ca", "tls.certificate", "tls.key", "tls.server_name", "tls.min_version"};
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!wanted && report->given(report, options[i]))
			report->complain(report, options[i],
			    "is of no use with %s: use %s, or remove it", plain, secure);
	if (tls->certificate && !tls->key)
		report->complain(
		    report, "tls.certificate", "needs its private key: add tls.key");
	if (tls->key && !tls->certificate)
		report->complain(report, "tls.key",
		    "needs the certificate it belongs to: add tls.certificate");
	if (tls->server_name &&
	    (!tls->server_name[0] || tls->server_name[strcspn(tls->server_name, "/ @")]))
		report->complain(report, "tls.server_name",
		    "`%s` is not a host: give a name or an address alone", tls->server_name);
}
