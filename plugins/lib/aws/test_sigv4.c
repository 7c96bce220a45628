#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/aws/sigv4.h"
#include "tests/unit/main.h"

#define ID     "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define EXTRA  8

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static struct sigv4_signature sign(
    const struct sigv4_scope *scope, const char *token, const struct sigv4_request *request)
{
	struct aws_keys keys = {ID, SECRET, token};
	struct sigv4 *s = sigv4_new();
	struct sigv4_signature signature;
	ck_assert_ptr_nonnull(s);
	sigv4_sign(s, scope, &keys, request, &signature);
	sigv4_free(s);
	return signature;
}

static void expect(const struct sigv4_scope *scope, const char *token,
    const struct sigv4_request *request, const char *authorization)
{
	struct sigv4_signature signature = sign(scope, token, request);
	ck_assert_str_eq(signature.authorization, authorization);
	sigv4_signature_fini(&signature);
}

/* ---- what others have signed ---- */

static const char *member(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

static void check_canonical(const json_t *line, const struct sigv4_request *request,
    const struct sigv4_signature *signature)
{
	struct sigv4_header added[3] = {{"x-amz-date", signature->date}};
	size_t count = 1;
	if (member(line, "token"))
		added[count++] =
		    (struct sigv4_header){"X-Amz-Security-Token", member(line, "token")};
	if (request->sign_body_hash)
		added[count++] =
		    (struct sigv4_header){"x-amz-content-sha256", signature->body_sha256};
	struct draft out = DRAFT_EMPTY, names = DRAFT_EMPTY;
	canonical_request_write(request, added, count, signature->body_sha256, &out, &names);
	ck_assert_str_eq(draft_text(&out), member(line, "canonical"));
	draft_free(&out);
	draft_free(&names);
}

static void check_line(const json_t *line)
{
	struct ow_text names[EXTRA], values[EXTRA];
	const struct sigv4_scope scope = {
	    json_integer_value(json_object_get(line, "time")), "us-east-1", "service"};
	struct sigv4_request request = {.method = member(line, "method"),
	    .target = text(member(line, "target")),
	    .names = names,
	    .values = values,
	    .body = text(member(line, "body")),
	    .sign_body_hash = json_is_true(json_object_get(line, "sign_body_hash")),
	    .path_is_literal = json_is_true(json_object_get(line, "literal_path"))};
	size_t index;
	json_t *pair;
	json_array_foreach(json_object_get(line, "headers"), index, pair)
	{
		ck_assert_uint_lt(request.headers, EXTRA);
		names[request.headers] = text(json_string_value(json_array_get(pair, 0)));
		values[request.headers++] = text(json_string_value(json_array_get(pair, 1)));
	}
	struct sigv4_signature signature = sign(&scope, member(line, "token"), &request);
	ck_assert_msg(strcmp(signature.authorization, member(line, "authorization")) == 0,
	    "%s: %s", member(line, "case"), signature.authorization);
	check_canonical(line, &request, &signature);
	sigv4_signature_fini(&signature);
}

static int check_file(const char *name)
{
	char path[4096], *line = NULL;
	size_t size = 0;
	int count = 0;
	snprintf(path, sizeof(path), SOURCE_DIR "/tests/data/sigv4/%s", name);
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	for (; getline(&line, &size, f) > 0; count++) {
		json_t *parsed = json_loads(line, 0, NULL);
		ck_assert_ptr_nonnull(parsed);
		check_line(parsed);
		json_decref(parsed);
	}
	free(line);
	fclose(f);
	return count;
}

START_TEST(signs_as_others_do)
{
	ck_assert_int_eq(check_file("aws-c-auth.jsonl"), 38);
	ck_assert_int_eq(check_file("botocore.jsonl"), 34);
}
END_TEST

/* ---- what their suites leave out; signed by the steps of AWS' page, in Python ---- */

START_TEST(long_body_port_leap_day_token)
{
	const struct sigv4_scope scope = {1709251199999, "eu-central-1", "sqs"};
	const struct ow_text names[] = {
	    text("Host"), text("Content-Type"), text("X-Amz-Target")};
	const struct ow_text values[] = {text("localhost:4566"),
	    text("application/x-amz-json-1.0"), text("AmazonSQS.SendMessage")};
	size_t size = 1 << 20;
	char *body = malloc(size);
	for (size_t i = 0; i < size; i++)
		body[i] = (char)(i % 251);
	struct sigv4_request request = {.method = "POST",
	    .target = text("/"),
	    .names = names,
	    .values = values,
	    .headers = 3,
	    .body = {body, size}};
	expect(&scope, "tok/en+==", &request,
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/eu-central-1/sqs/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
	    "Signature=b69e4a154bcfa53b10c92814f1efbb30106455a676e58628f676dc81c247e675");
	free(body);
}
END_TEST

static struct sigv4_request request_of(
    const char *method, const char *target, const struct ow_text *host)
{
	static const struct ow_text name = {"host", 4};
	return (struct sigv4_request){.method = method,
	    .target = text(target),
	    .names = &name,
	    .values = host,
	    .headers = 1};
}

/* What is escaped already is escaped again in the path, and brought to one form in the query.
 */
START_TEST(escapes)
{
	const struct sigv4_scope scope = {951782400000, "us-gov-west-1", "execute-api"};
	static const char signature[] =
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20000229/us-gov-west-1/execute-api/"
	    "aws4_request, SignedHeaders=host;x-amz-date, "
	    "Signature=45294dc279f70c7a5543094611fa35cc9eddb0ea441a03b1fb25a4424ca38a7e";
	static const char *const targets[] = {"/a%20b/%C3%A9?k=%7e&&k=%c3%a9%20%2B&l",
	    "/x/..//./a%20b/y/../%C3%A9?l=&k=\xc3\xa9%20+&k=~"};
	struct ow_text host = text("h");
	for (size_t i = 0; i < 2; i++) {
		struct sigv4_request request = request_of("PUT", targets[i], &host);
		expect(&scope, NULL, &request, signature);
	}
}
END_TEST

START_TEST(literal_path)
{
	const struct sigv4_scope scope = {951782400000, "us-east-1", "s3"};
	struct ow_text host = text(" b.s3.amazonaws.com ");
	struct sigv4_request request = request_of("GET", "/a%20b//%c3%A9/../%7Ex", &host);
	request.sign_body_hash = request.path_is_literal = true;
	expect(&scope, NULL, &request,
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20000229/us-east-1/s3/aws4_request, "
	    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
	    "Signature=1228c777cb38d4748bfe77d93988eaaee35486a91dd7986cec059179a1721980");
}
END_TEST

static void expect_path(const char *target, const char *path)
{
	struct ow_text host = text("h");
	struct sigv4_request request = request_of("GET", target, &host);
	struct draft out = DRAFT_EMPTY, names = DRAFT_EMPTY;
	canonical_request_write(&request, NULL, 0, "", &out, &names);
	size_t len = strcspn(out.data + 4, "\n");
	ck_assert_uint_eq(len, strlen(path));
	ck_assert_mem_eq(out.data + 4, path, len);
	draft_free(&out);
	draft_free(&names);
}

START_TEST(paths)
{
	expect_path("/..", "/");
	expect_path("/../../a", "/a");
	expect_path("/a/b/..", "/a/");
	expect_path("/a/b/../", "/a/");
	expect_path("/a/.", "/a/");
	expect_path("/...//.a/..b/", "/.../.a/..b/");
	expect_path("/a%", "/a%25");
	expect_path("", "/");
	expect_path("?/..", "/");
}
END_TEST

/* It keeps the key of a day, a region, a service and a secret, and no longer than that. */
START_TEST(one_signer_for_many)
{
	static const struct {
		struct sigv4_scope scope;
		struct aws_keys keys;
	} all[] = {
	    {{0, "eu-west-1", "sqs"}, {ID, SECRET, NULL}},
	    {{86399999, "eu-west-1", "sqs"}, {ID, SECRET, NULL}},
	    {{86400000, "eu-west-1", "sqs"}, {ID, SECRET, NULL}},
	    {{86400000, "eu-west-2", "sqs"}, {ID, SECRET, NULL}},
	    {{86400000, "eu-west-2", "sts"}, {ID, SECRET, NULL}},
	    {{86400000, "eu-west-2", "sts"}, {ID, "another", NULL}},
	    {{86400000, "eu-west-2", "sts"}, {"OTHER", "another", NULL}},
	    {{0, "eu-west-1", "sqs"}, {ID, SECRET, NULL}},
	};
	struct ow_text host = text("h");
	struct sigv4_request request = request_of("GET", "/", &host);
	struct sigv4 *one = sigv4_new();
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct sigv4 *fresh = sigv4_new();
		struct sigv4_signature a, b;
		sigv4_sign(one, &all[i].scope, &all[i].keys, &request, &a);
		sigv4_sign(fresh, &all[i].scope, &all[i].keys, &request, &b);
		ck_assert_str_eq(a.authorization, b.authorization);
		sigv4_signature_fini(&a);
		sigv4_signature_fini(&b);
		sigv4_free(fresh);
	}
	sigv4_free(one);
	sigv4_free(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/aws/sigv4");
	TCase *t = tcase_create("sigv4");
	tcase_add_test(t, signs_as_others_do);
	tcase_add_test(t, long_body_port_leap_day_token);
	tcase_add_test(t, escapes);
	tcase_add_test(t, literal_path);
	tcase_add_test(t, paths);
	tcase_add_test(t, one_signer_for_many);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
