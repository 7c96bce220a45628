/* Rules across the options. */
#include <string.h>

#include "lib/outbound/test_rig.h"
#include "tests/unit/main.h"

#define WHSEC "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

START_TEST(what_goes_together)
{
	static const char *const good[] = {
	    "{}\n",
	    RIG_OAUTH2,
	    RIG_OAUTH2 "header: {name: X-API-Key, value: k}\n",
	    "bearer: abc\nhmac: {secret: s, header: X-Sig}\nstandard_webhooks: {secret: " WHSEC
	    "}\n",
	    "basic: {user: u, password: p}\n",
	    "header: {name: Authorization, value: Token abc}\n",
	    "sigv4: {service: execute-api, region: eu-central-1}\n",
	    ("oauth2: {token_url: \"https://login\", client_id: a, client_secret: b, tls: {ca: "
	     "ca.pem}, style: json, client_auth: basic, scope: a b, audience: x}\n"),
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_str_eq(rig_complaints(good[i]), "");
}
END_TEST

START_TEST(what_does_not)
{
	static const struct {
		const char *yaml, *complaint;
	} bad[] = {
	    {"oauth2: {token_url: \"http://login\"}\n", "needs oauth2.client_id: add it"},
	    {"oauth2: {token_url: \"http://login\", client_id: us}\n",
		"needs oauth2.client_secret: add it"},
	    {"oauth2: {client_id: us}\n", "does nothing without oauth2.token_url: add it"},
	    {"oauth2: {style: json}\n", "does nothing without"},
	    {"oauth2: {tls: {ca: x.pem}}\n", "does nothing without"},
	    {"oauth2: {token_url: \"ftp://login\", client_id: a, client_secret: b}\n",
		"begins with one of"},
	    {"oauth2: {token_url: \"http://login\", client_id: a, client_secret: b, tls: {ca: "
	     "x.pem}}\n",
		"is of no use with http://"},
	    {"oauth2: {token_url: \"https://login\", client_id: a, client_secret: b, tls: "
	     "{key: x.key}}\n",
		"add oauth2.tls.certificate"},
	    {"oauth2: {token_url: \"http://login\", client_id: a, client_secret: \" x\"}\n",
		"cannot be sent"},
	    {RIG_OAUTH2 "bearer: abc\n",
		"and oauth2.token_url both write the header Authorization"},
	    {"bearer: abc\nbasic: {user: u, password: p}\n",
		"and bearer both write the header Authorization"},
	    {"basic: {user: u, password: p}\nsigv4: {service: s3}\n",
		"and basic.user both write"},
	    {"bearer: abc\nheader: {name: authorization, value: x}\n",
		"`Authorization` is written by bearer"},
	    {"bearer: \"a\\nb\"\n", "cannot be sent"},
	    {"bearer: \"a \"\n", "cannot be sent"},
	    {"basic: {user: u}\n", "needs basic.password"},
	    {"basic: {password: p}\n", "does nothing without basic.user"},
	    {"basic: {user: \"a:b\", password: p}\n", "must have no colon"},
	    {"header: {name: X-Key}\n", "needs header.value"},
	    {"header: {name: \"X Key\", value: k}\n", "`X Key` is not a header name"},
	    {"header: {name: Host, value: k}\n", "`Host` is written by onceway itself"},
	    {"header: {name: x-trace, value: k}\n", "`x-trace` is written by onceway itself"},
	    {"header: {name: x-own, value: k}\n", "`x-own` stands in headers too"},
	    {"header: {name: X-Key, value: \"a\\rb\"}\n", "cannot be sent"},
	    {"hmac: {secret: s}\n", "needs hmac.header"},
	    {"hmac: {header: X-Sig}\n", "does nothing without hmac.secret"},
	    {"hmac: {secret: s, header: X-Own}\n", "`X-Own` stands in headers too"},
	    {"hmac: {secret: s, header: X-Sig, prefix: \" a\"}\n", "cannot be sent"},
	    {"hmac: {secret: s, header: X-Sig}\nheader: {name: x-sig, value: v}\n",
		"`X-Sig` is header.name too"},
	    {"standard_webhooks: {secret: hunter2}\n", "must be `whsec_` and the base64"},
	    {"sigv4: {region: eu-central-1}\n", "does nothing without sigv4.service"},
	    {"sigv4: {service: s3, region: \"EU!\"}\n", "`EU!` is not a region"},
	    {"sigv4: {service: \"s 3\"}\n", "is not the name that a service signs with"},
	    {"sigv4: {service: s3, access_key_id: AK}\n",
		"needs the secret that belongs to it"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *text = rig_complaints(bad[i].yaml);
		ck_assert_msg(
		    strstr(text, bad[i].complaint) != NULL, "%s: %s", bad[i].yaml, text);
		ck_assert_ptr_null(strstr(text, "hunter2"));
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("outbound/options");
	TCase *t = tcase_create("options");
	tcase_add_checked_fixture(t, rig_open, rig_close);
	tcase_add_test(t, what_goes_together);
	tcase_add_test(t, what_does_not);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
