#define OW_NEED_MINOR 1 /* given() */
#include "lib/tls_check.h"

#include <string.h>

#include "lib/option_name.h"

#define NAME(option) option_name(p, option).text

void tls_options_check_at(const struct ow_tls_options *tls, const char *p, bool wanted,
    const char *plain, const char *secure, const struct ow_report *report)
{
	static const char *const options[] = {
	    "tls.ca", "tls.certificate", "tls.key", "tls.server_name", "tls.min_version"};
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!wanted && report->given(report, NAME(options[i])))
			report->complain(report, NAME(options[i]),
			    "is of no use with %s: use %s, or remove it", plain, secure);
	if (tls->certificate && !tls->key)
		report->complain(
		    report, NAME("tls.certificate"), "needs its private key: add %stls.key", p);
	if (tls->key && !tls->certificate)
		report->complain(report, NAME("tls.key"),
		    "needs the certificate it belongs to: add %stls.certificate", p);
	if (tls->server_name &&
	    (!tls->server_name[0] || tls->server_name[strcspn(tls->server_name, "/ @")]))
		report->complain(report, NAME("tls.server_name"),
		    "`%s` is not a host: give a name or an address alone", tls->server_name);
}

void tls_options_check(const struct ow_tls_options *tls, bool wanted, const char *plain,
    const char *secure, const struct ow_report *report)
{
	tls_options_check_at(tls, "", wanted, plain, secure, report);
}
