/* Where the next page is, and where a record ends. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "source_poll/records.h"
#include "source_poll/target.h"
#include "tests/unit/main.h"

#define URL "https://api.example.com:8443/v1/list?x=1"

static struct ow_text text_of(const char *text)
{
	return (struct ow_text){text, strlen(text)};
}

static void must_be(char *target, const char *expected)
{
	ck_assert_ptr_nonnull(target);
	ck_assert_str_eq(target, expected);
	free(target);
}

START_TEST(of_urls)
{
	must_be(target_of_url(URL), "/v1/list?x=1");
	must_be(target_of_url("http://h"), "/");
	must_be(target_of_url("http://h?a=b"), "/?a=b");
	must_be(target_of_url("http://h/p#part"), "/p");
}
END_TEST

START_TEST(parameters)
{
	must_be(target_with("/p", "c", text_of("1")), "/p?c=1");
	must_be(target_with("/p?", "c", text_of("1")), "/p?c=1");
	must_be(target_with("/p?a=1&c=old&b=2", "c", text_of("new")), "/p?a=1&b=2&c=new");
	must_be(target_with("/p?cc=1&c", "c", text_of("a b&c=d/\xc3\xa9")),
	    "/p?cc=1&c=a%20b%26c%3Dd%2F%C3%A9");
	must_be(target_with("/p", "c", (struct ow_text){"\0", 1}), "/p?c=%00");
}
END_TEST

START_TEST(numbers)
{
	int64_t n = -1;
	ck_assert(target_number("/p?a=1&page=12&b=2", "page", &n));
	ck_assert_int_eq(n, 12);
	ck_assert(!target_number("/p?pages=12", "page", &n));
	ck_assert(!target_number("/p?page=", "page", &n) || n == 0);
	ck_assert(!target_number("/p?page=1x", "page", &n));
	ck_assert(!target_number("/p?page=-1", "page", &n));
	ck_assert(!target_number("/p?page=99999999999999999999", "page", &n));
	ck_assert(!target_number("/page=1", "page", &n));
}
END_TEST

static void must_not_follow(struct ow_text link, const char *problem)
{
	const char *why = "";
	ck_assert_ptr_null(target_follow(URL, link, &why));
	ck_assert_msg(strstr(why, problem) != NULL, "%s", why);
}

START_TEST(links)
{
	const char *why;
	must_be(target_follow(URL, text_of("/v1/list?c=2"), &why), "/v1/list?c=2");
	must_be(target_follow(URL, text_of("?c=2#x"), &why), "/v1/list?c=2");
	must_be(target_follow(URL, text_of("HTTPS://API.example.com:8443/n"), &why), "/n");
	must_be(target_follow(URL, text_of("https://api.example.com:8443"), &why), "/");
	must_not_follow(text_of("https://api.example.com:8444/n"), "another origin");
	must_not_follow(text_of("http://api.example.com:8443/n"), "another origin");
	must_not_follow(text_of("https://api.example.com:8443@evil/n"), "another origin");
	must_not_follow(text_of("https://api.example.com:8443.evil/n"), "another origin");
	must_not_follow(text_of("//evil/n"), "neither a URL nor a path");
	must_not_follow(text_of("n?c=2"), "neither a URL nor a path");
	must_not_follow(text_of("/n\r\nX: y"), "bytes that a URL cannot have");
	must_not_follow(text_of("/n m"), "bytes that a URL cannot have");
	must_not_follow((struct ow_text){"/n\0m", 4}, "no text");
	char *large = malloc(TARGET_MAX + 2);
	memset(large, 'x', TARGET_MAX + 1);
	large[0] = '/';
	must_not_follow((struct ow_text){large, TARGET_MAX + 1}, "too long");
	free(large);
}
END_TEST

static void must_lead(const char *header, const char *link)
{
	struct ow_text found = {"", 0};
	ck_assert_int_eq(target_next_link(text_of(header), &found), link != NULL);
	if (link)
		ck_assert_msg(
		    found.len == strlen(link) && memcmp(found.data, link, found.len) == 0,
		    "%s: %.*s", header, (int)found.len, found.data);
}

START_TEST(link_headers)
{
	must_lead("</a?p=2>; rel=\"next\"", "/a?p=2");
	must_lead("</a>;rel=prev, </b>; REL=Next", "/b");
	must_lead(
	    "</a,b>; title=\"x, <y>; rel=next\"; rel=\"prev\", </c>; rel=\"last next\"", "/c");
	must_lead("</a>; rel=\"nextish\", </b>; rels=next", NULL);
	must_lead("</a>; rel", NULL);
	must_lead("</a", NULL);
	must_lead("</a>; rel=\"next", "/a");
	must_lead("", NULL);
	must_lead("<>; ; ;rel=next", "");
}
END_TEST

static void must_hold(const char *array, const char *const *elements)
{
	struct records r;
	struct ow_text element;
	size_t count = 0;
	records_begin(&r, text_of(array));
	for (; records_next(&r, &element); count++) {
		ck_assert_ptr_nonnull(elements[count]);
		ck_assert_msg(element.len == strlen(elements[count]) &&
				  memcmp(element.data, elements[count], element.len) == 0,
		    "%s: %.*s", array, (int)element.len, element.data);
	}
	ck_assert_ptr_null(elements[count]);
	ck_assert_uint_eq(records_count(text_of(array)), count);
}

START_TEST(records)
{
	must_hold("[]", (const char *const[]){NULL});
	must_hold("[ \n ]", (const char *const[]){NULL});
	must_hold("[{\"a\":[1,{\"b\":\"]},\\\"\"}]} ,\t2.5e3, \"x\\\\\",null ]",
	    (const char *const[]){
		"{\"a\":[1,{\"b\":\"]},\\\"\"}]}", "2.5e3", "\"x\\\\\"", "null", NULL});
	must_hold("[[],[[1]],{}]", (const char *const[]){"[]", "[[1]]", "{}", NULL});
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("target");
	TCase *t = tcase_create("target");
	tcase_add_test(t, of_urls);
	tcase_add_test(t, parameters);
	tcase_add_test(t, numbers);
	tcase_add_test(t, links);
	tcase_add_test(t, link_headers);
	tcase_add_test(t, records);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
