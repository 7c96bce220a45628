/* The modes alone, on a host table of three functions and a clock that is given. */
#include "lib/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/whsec.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct ow_http_request {
	const char *headers[9]; /* name, value, ..., NULL */
	const char *body;
};

static int64_t now_ms;

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static struct ow_text host_header(const struct ow_http_request *request, const char *name)
{
	for (const char *const *h = request->headers; *h; h += 2)
		if (strcasecmp(h[0], name) == 0)
			return text(h[1]);
	return (struct ow_text){NULL, 0};
}

static struct ow_text host_body(const struct ow_http_request *request)
{
	return text(request->body ? request->body : "");
}

static int64_t host_wall(struct ow_instance *self)
{
	(void)self;
	return now_ms;
}

static void host_random(struct ow_instance *self, void *out, size_t len)
{
	(void)self;
	memset(out, 0x5a, len);
}

static const struct ow_host host = {.size = sizeof(host),
    .request_header = host_header,
    .request_body = host_body,
    .wall_ms = host_wall,
    .random = host_random};

/* What auth says of a request: NULL, or the reason. */
static const char *refusal(const struct auth_conf *conf, const struct ow_http_request *request)
{
	const char *why = NULL;
	struct auth *a = auth_new(&host, NULL, conf, &why);
	ck_assert_msg(a != NULL, "%s", why);
	const char *first = auth_refusal(a, request);
	/* Nothing of one request is left for the next. */
	ck_assert_pstr_eq(auth_refusal(a, request), first);
	auth_free(a);
	return first;
}

/* part: of the reason; NULL: it is authentic. */
static void expect(
    const struct auth_conf *conf, const struct ow_http_request *request, const char *part)
{
	const char *reason = refusal(conf, request);
	if (part)
		ck_assert_msg(
		    reason && strstr(reason, part), "%s", reason ? reason : "accepted");
	else
		ck_assert_msg(reason == NULL, "%s", reason);
}

#define SECRETS(...)                                                                           \
	{                                                                                      \
		(const char *const[]){__VA_ARGS__},                                            \
		    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)                \
	}

#define UNKNOWN "none of the known"
#define SCHEME	"of another scheme"

/* ---- bearer, basic, header ---- */

static const struct {
	int mode;
	const char *name, *value, *refusal;
} sent[] = {
    {AUTH_BEARER, "Authorization", "Bearer old-token", NULL},
    {AUTH_BEARER, "authorization", "bEARER new-token", NULL},
    {AUTH_BEARER, "Authorization", "Bearer   new-token", NULL},
    {AUTH_BEARER, "Authorization", "Bearer new-toke", UNKNOWN},
    {AUTH_BEARER, "Authorization", "Bearer new-token2", UNKNOWN},
    {AUTH_BEARER, "Authorization", "Bearer old-token new-token", UNKNOWN},
    {AUTH_BEARER, "Authorization", "Bearer NEW-TOKEN", UNKNOWN},
    {AUTH_BEARER, "Authorization", "Bearer ", UNKNOWN},
    {AUTH_BEARER, "Authorization", "Bearer", SCHEME},
    {AUTH_BEARER, "Authorization", "", SCHEME},
    {AUTH_BEARER, "Authorization", "new-token", SCHEME},
    {AUTH_BEARER, "Authorization", "Bearernew-token", SCHEME},
    {AUTH_BEARER, "Authorization", "Basic new-token", SCHEME},
    {AUTH_BEARER, "X-Authorization", "Bearer new-token", "has no header Authorization"},
    {AUTH_BASIC, "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", NULL},
    {AUTH_BASIC, "Authorization", "basic dGVzdDoxMjPCow==", NULL},
    {AUTH_BASIC, "Authorization", "Basic dGVzdDoxMjPCo", UNKNOWN},
    {AUTH_BASIC, "Authorization", "Basic dGVzdDoxMjQ=", UNKNOWN},
    {AUTH_BASIC, "Authorization", "Basic test:123\xc2\xa3", UNKNOWN},
    {AUTH_BASIC, "Authorization", "Bearer dGVzdDoxMjPCow==", SCHEME},
    {AUTH_BASIC, "Cookie", "x", "has no header Authorization"},
    {AUTH_HEADER, "X-API-Key", "old-token", NULL},
    {AUTH_HEADER, "x-api-key", "new-token", NULL},
    {AUTH_HEADER, "X-Api-Key", "new-token ", UNKNOWN},
    {AUTH_HEADER, "X-Api-Key", "", UNKNOWN},
    {AUTH_HEADER, "X-Api-Key", "old-tokennew-token", UNKNOWN},
    {AUTH_HEADER, "X-Other", "new-token", "not have the header of `auth.header`"},
};

START_TEST(credentials)
{
	struct auth_conf conf = {.mode = sent[_i].mode,
	    .secrets = SECRETS("old-token", "new-token"),
	    .header = "X-Api-Key"};
	struct auth_conf basic = {
	    .mode = AUTH_BASIC, .secrets = SECRETS("Aladdin:open sesame", "test:123\xc2\xa3")};
	struct ow_http_request request = {{sent[_i].name, sent[_i].value, NULL}, "{}"};
	expect(sent[_i].mode == AUTH_BASIC ? &basic : &conf, &request, sent[_i].refusal);
}
END_TEST

START_TEST(without_any_header)
{
	for (int mode = AUTH_BEARER; mode <= AUTH_HMAC; mode++) {
		struct auth_conf conf = {.mode = mode,
		    .secrets = SECRETS("a:b"),
		    .header = "X-Api-Key",
		    .prefix = ""};
		struct ow_http_request request = {{NULL}, "{}"};
		ck_assert_ptr_nonnull(refusal(&conf, &request));
	}
}
END_TEST

/* ---- hmac ---- */

#define GITHUB "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define FORM   "is not of the form"

static const struct {
	int algorithm, encoding;
	const char *prefix, *value, *body, *refusal;
} signatures[] = {
    /* The example of GitHub's documentation; the second secret of two. */
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha256=" GITHUB, "Hello, World!", NULL},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "", GITHUB, "Hello, World!", NULL},
    {HMAC_OF_SHA256, SIGNATURE_HEX,
	"sha256=", "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
	"Hello, World!", NULL},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha256=" GITHUB, "Hello, World.",
	"does not match"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha256=" GITHUB, "Hello, World! ",
	"does not match"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha256=" GITHUB, "", "does not match"},
    {HMAC_OF_SHA256, SIGNATURE_HEX,
	"sha256=", "sha256=057107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
	"Hello, World!", "does not match"},
    {HMAC_OF_SHA256, SIGNATURE_HEX,
	"sha256=", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e16",
	"Hello, World!", "does not match"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", GITHUB, "Hello, World!", "not begin with"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha1=" GITHUB, "Hello, World!",
	"not begin with"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha256", "Hello, World!", "not begin with"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "", "", "Hello, World!", FORM},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "sha256=", "sha256=", "Hello, World!", FORM},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "", GITHUB "00", "Hello, World!", FORM},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "",
	"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1g", "Hello, World!",
	FORM},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "",
	"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e@7", "Hello, World!",
	FORM},
    {HMAC_OF_SHA1, SIGNATURE_HEX, "", GITHUB, "Hello, World!", FORM},
    {HMAC_OF_SHA1, SIGNATURE_HEX, "sha1=", "sha1=d01d0837d0d1a20265d79d28983adee61d6715a1",
	"{\"a\":1}", NULL},
    {HMAC_OF_SHA1, SIGNATURE_HEX, "sha1=", "sha1=d01d0837d0d1a20265d79d28983adee61d6715a1",
	"{\"a\":2}", "does not match"},
    {HMAC_OF_SHA256, SIGNATURE_HEX, "", "d01d0837d0d1a20265d79d28983adee61d6715a1", "{\"a\":1}",
	FORM},
    {HMAC_OF_SHA256, SIGNATURE_BASE64, "",
	"Drb99IJ7JY7jpVnybcCd9OA3Vn8q43qOVqV3wsZBV1Y=", "{\"a\":1}", NULL},
    {HMAC_OF_SHA256, SIGNATURE_BASE64, "",
	"Drb99IJ7JY7jpVnybcCd9OA3Vn8q43qOVqV3wsZBV1Y=", "{\"a\":10}", "does not match"},
    {HMAC_OF_SHA256, SIGNATURE_BASE64, "",
	"Drb99IJ7JY7jpVnybcCd9OA3Vn8q43qOVqV3wsZBV1Z=", "{\"a\":1}", FORM},
    {HMAC_OF_SHA256, SIGNATURE_BASE64, "",
	"Drb99IJ7JY7jpVnybcCd9OA3Vn8q43qOVqV3wsZBVw==", "{\"a\":1}", FORM},
    {HMAC_OF_SHA256, SIGNATURE_BASE64, "", GITHUB, "Hello, World!", FORM},
};

START_TEST(codes_over_the_body)
{
	struct auth_conf conf = {.mode = AUTH_HMAC,
	    .secrets = SECRETS("old", "It's a Secret to Everybody", "new"),
	    .header = "X-Hub-Signature-256",
	    .algorithm = signatures[_i].algorithm,
	    .encoding = signatures[_i].encoding,
	    .prefix = signatures[_i].prefix};
	struct ow_http_request request = {
	    {"x-hub-signature-256", signatures[_i].value, NULL}, signatures[_i].body};
	expect(&conf, &request, signatures[_i].refusal);
}
END_TEST

/* ---- standard webhooks ---- */

/* The vector of the reference libraries' tests; computed again with Python's hmac. */
#define SECRET	  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID	  "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SECONDS	  1614265330
#define STAMP	  "1614265330"
#define BODY	  "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
/* The same message, signed with another secret. */
#define SECRET_2    "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define SIGNATURE_2 "v1,hK4CWvngkaAwjY1pABLuUbOIkEJjW9tAapq1no4ojG0="
#define WRONG	    "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NO_V1	    "no signature of version v1"
#define NO_SECONDS  "no number of seconds"
#define NOT_ALL	    "not have all of"

static const struct auth_conf standard = {
    .mode = AUTH_STANDARD_WEBHOOKS, .secrets = SECRETS(SECRET), .tolerance_ms = 300000};

static const struct {
	const char *id, *stamp, *signature, *body, *refusal;
} messages[] = {
    {ID, STAMP, SIGNATURE, BODY, NULL},
    {ID, STAMP, WRONG " " SIGNATURE, BODY, NULL},
    {ID, STAMP, SIGNATURE " " WRONG, BODY, NULL},
    {ID, STAMP,
	"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"
	"enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==  v2,x " SIGNATURE " ",
	BODY, NULL},
    {ID, STAMP, WRONG " " SIGNATURE_2, BODY, "does not match"},
    {ID, STAMP, SIGNATURE, "{\"test\": 2432232315}", "does not match"},
    {ID, STAMP, SIGNATURE, "{\"test\":2432232314}", "does not match"},
    {ID, STAMP, SIGNATURE, "", "does not match"},
    {ID "x", STAMP, SIGNATURE, BODY, "does not match"},
    {ID, "1614265331", SIGNATURE, BODY, "does not match"},
    {ID, "01614265330", SIGNATURE, BODY, "does not match"},
    {ID, STAMP, "", BODY, NO_V1},
    {ID, STAMP, " ", BODY, NO_V1},
    {ID, STAMP, "v1,", BODY, NO_V1},
    {ID, STAMP, "v1", BODY, NO_V1},
    {ID, STAMP, "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NO_V1},
    {ID, STAMP, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NO_V1},
    {ID, STAMP, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", BODY, NO_V1},
    {ID, STAMP, "v1,g0hM9SsE", BODY, NO_V1},
    {ID, "", SIGNATURE, BODY, NO_SECONDS},
    {ID, "-1614265330", SIGNATURE, BODY, NO_SECONDS},
    {ID, "1614265330.0", SIGNATURE, BODY, NO_SECONDS},
    {ID, " 1614265330", SIGNATURE, BODY, NO_SECONDS},
    {ID, "2021-02-25T15:02:10Z", SIGNATURE, BODY, NO_SECONDS},
    {ID, "99999999999999999999", SIGNATURE, BODY, NO_SECONDS},
    {ID, "999999999999", SIGNATURE, BODY, "in the future"},
    {ID, "0", SIGNATURE, BODY, "too long ago"},
    {"", STAMP, SIGNATURE, BODY, "webhook-id is empty"},
    {NULL, STAMP, SIGNATURE, BODY, NOT_ALL},
    {ID, NULL, SIGNATURE, BODY, NOT_ALL},
    {ID, STAMP, NULL, BODY, NOT_ALL},
};

static struct ow_http_request message(
    const char *id, const char *stamp, const char *signature, const char *body)
{
	const char *const fields[][2] = {
	    {"webhook-id", id}, {"Webhook-Timestamp", stamp}, {"webhook-signature", signature}};
	struct ow_http_request request = {{NULL}, body};
	size_t n = 0;
	for (int i = 0; i < COUNT(fields); i++) {
		if (!fields[i][1])
			continue;
		request.headers[n++] = fields[i][0];
		request.headers[n++] = fields[i][1];
	}
	return request;
}

START_TEST(standard_webhooks)
{
	struct ow_http_request request = message(
	    messages[_i].id, messages[_i].stamp, messages[_i].signature, messages[_i].body);
	now_ms = (int64_t)SECONDS * 1000;
	expect(&standard, &request, messages[_i].refusal);
}
END_TEST

START_TEST(tolerance_goes_both_ways)
{
	static const struct {
		int64_t after_ms;
		const char *refusal;
	} times[] = {{0, NULL}, {299999, NULL}, {300000, NULL}, {300001, "too long ago"},
	    {-300000, NULL}, {-300001, "in the future"}, {86400000, "too long ago"}};
	struct ow_http_request request = message(ID, STAMP, SIGNATURE, BODY);
	for (int i = 0; i < COUNT(times); i++) {
		now_ms = (int64_t)SECONDS * 1000 + times[i].after_ms;
		expect(&standard, &request, times[i].refusal);
	}
}
END_TEST

START_TEST(secrets_rotate)
{
	struct auth_conf both = {.mode = AUTH_STANDARD_WEBHOOKS,
	    .secrets = SECRETS(SECRET_2, SECRET),
	    .tolerance_ms = 300000};
	struct auth_conf new = both;
	new.secrets.count = 1;
	struct ow_http_request old_one = message(ID, STAMP, SIGNATURE, BODY);
	struct ow_http_request new_one = message(ID, STAMP, SIGNATURE_2, BODY);
	struct ow_http_request of_both = message(ID, STAMP, SIGNATURE " " SIGNATURE_2, BODY);
	now_ms = (int64_t)SECONDS * 1000;
	expect(&both, &old_one, NULL);
	expect(&both, &new_one, NULL);
	expect(&new, &old_one, "does not match");
	expect(&new, &new_one, NULL);
	expect(&new, &of_both, NULL);
	expect(&standard, &of_both, NULL);
}
END_TEST

/* ---- what a 401 says ---- */

START_TEST(challenges)
{
	static const char *const expected[] = {[AUTH_BEARER] = "Bearer realm=\"onceway\"",
	    [AUTH_BASIC] = "Basic realm=\"onceway\", charset=\"UTF-8\"",
	    [AUTH_HEADER] = NULL,
	    [AUTH_HMAC] = NULL};
	for (int mode = AUTH_BEARER; mode <= AUTH_HMAC; mode++) {
		struct auth_conf conf = {
		    .mode = mode, .secrets = SECRETS("a:b"), .header = "X", .prefix = ""};
		const char *why;
		struct auth *a = auth_new(&host, NULL, &conf, &why);
		struct ow_text challenge = auth_challenge(a);
		ck_assert_pstr_eq(challenge.data, expected[mode]);
		ck_assert_uint_eq(challenge.len, expected[mode] ? strlen(expected[mode]) : 0);
		auth_free(a);
	}
	auth_free(NULL);
}
END_TEST

START_TEST(reads_keys)
{
	unsigned char key[WHSEC_KEY_MAX];
	char longest[400] = "whsec_";
	ck_assert_int_eq(whsec_read(SECRET_2, key), 32);
	ck_assert_mem_eq(key, "0123456789abcdef0123456789abcdef", 32);
	ck_assert_int_eq(whsec_read(SECRET, key), 24);
	ck_assert_int_eq(whsec_read("whsec_", key), 0);
	ck_assert_int_eq(whsec_read("whsec_x", key), -1);
	ck_assert_int_eq(whsec_read("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", key), -1);
	ck_assert_int_eq(whsec_read("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", key), -1);
	memset(longest + 6, 'A', 168);
	ck_assert_int_eq(whsec_read(longest, key), 126);
	memset(longest + 6, 'A', 172);
	ck_assert_int_eq(whsec_read(longest, key), -1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("auth");
	tcase_add_loop_test(t, credentials, 0, COUNT(sent));
	tcase_add_test(t, without_any_header);
	tcase_add_loop_test(t, codes_over_the_body, 0, COUNT(signatures));
	tcase_add_loop_test(t, standard_webhooks, 0, COUNT(messages));
	tcase_add_test(t, tolerance_goes_both_ways);
	tcase_add_test(t, secrets_rotate);
	tcase_add_test(t, challenges);
	tcase_add_test(t, reads_keys);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
