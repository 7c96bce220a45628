#include "lib/aws/options.h"

#include "lib/aws/endpoint.h"
#include "lib/option_name.h"

#define NAME(option) option_name(p, option).text

static void check_key(
    const struct aws_identity *o, const char *p, const struct ow_report *report)
{
	bool id = o->access_key_id != NULL;
	if (id && !o->secret_access_key)
		report->complain(report, NAME("access_key_id"),
		    "needs the secret that belongs to it: add %ssecret_access_key", p);
	if (!id && o->secret_access_key)
		report->complain(report, NAME("secret_access_key"),
		    "needs the key it belongs to: add %saccess_key_id", p);
	if (!id && o->session_token)
		report->complain(report, NAME("session_token"),
		    "needs the key it belongs to: add %saccess_key_id", p);
	if (id && o->profile)
		report->complain(report, NAME("profile"),
		    "is of no use with %saccess_key_id: remove one of them", p);
	if (id && o->web_identity_token_file)
		report->complain(report, NAME("web_identity_token_file"),
		    "is of no use with %saccess_key_id: remove one of them", p);
}

void aws_identity_check(
    const struct aws_identity *o, const char *p, const struct ow_report *report)
{
	check_key(o, p, report);
	if (o->profile && o->web_identity_token_file)
		report->complain(report, NAME("profile"),
		    "is of no use with %sweb_identity_token_file: remove one of them", p);
	if (o->role_arn && (o->access_key_id || o->profile))
		report->complain(report, NAME("role_arn"),
		    "is for web identity tokens alone: a role cannot be taken on with %s%s; "
		    "remove one of them",
		    p, o->profile ? "profile" : "access_key_id");
}

void aws_place_check(const struct aws_place *place, const struct ow_report *report)
{
	if (place->region && !aws_region_is_valid(place->region))
		report->complain(report, "region",
		    "`%s` is not a region: give a name such as eu-central-1", place->region);
	if (place->fips && place->endpoint)
		report->complain(
		    report, "fips", "is of no use with endpoint: remove it, or the endpoint");
}
