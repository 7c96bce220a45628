#include "io/url.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/main.h"

START_TEST(taken_apart)
{
	static const struct {
		const char *text, *host, *authority, *target;
		int port;
		bool tls;
	} cases[] = {
	    {"http://crm.example.com", "crm.example.com", "crm.example.com", "/", 80, false},
	    {"http://crm/a/b?c=d", "crm", "crm", "/a/b?c=d", 80, false},
	    {"http://crm?c=d", "crm", "crm", "/?c=d", 80, false},
	    {"HTTP://CRM.Example:8080/A", "crm.example", "crm.example:8080", "/A", 8080, false},
	    {"http://crm:80/", "crm", "crm", "/", 80, false},
	    {"http://crm:443/", "crm", "crm:443", "/", 443, false},
	    {"https://crm/", "crm", "crm", "/", 443, true},
	    {"https://crm:443/", "crm", "crm", "/", 443, true},
	    {"https://crm:80/", "crm", "crm:80", "/", 80, true},
	    {"http://127.0.0.1:1/", "127.0.0.1", "127.0.0.1:1", "/", 1, false},
	    {"http://[::1]/x", "::1", "[::1]", "/x", 80, false},
	    {"http://[2001:DB8::7]:8080", "2001:db8::7", "[2001:db8::7]:8080", "/", 8080,
		false},
	    {"http://svc.cluster.local./", "svc.cluster.local.", "svc.cluster.local.", "/", 80,
		false},
	    {"http://a_b-c.d1/", "a_b-c.d1", "a_b-c.d1", "/", 80, false},
	    {"http://host:65535/@:[]{}", "host", "host:65535", "/@:[]{}", 65535, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena = ARENA_INIT;
		struct url url;
		const char *problem = url_parse(cases[i].text, &arena, &url);
		ck_assert_msg(problem == NULL, "%s: %s", cases[i].text, problem);
		ck_assert_str_eq(url.host, cases[i].host);
		ck_assert_str_eq(url.authority, cases[i].authority);
		ck_assert_str_eq(url.target, cases[i].target);
		ck_assert_int_eq(url.port, cases[i].port);
		ck_assert_int_eq(url.tls, cases[i].tls);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
	    {"", "http://"},
	    {"crm.example.com/", "http://"},
	    {"ftp://crm/", "http://"},
	    {"http:/crm/", "http://"},
	    {"http://", "host is missing"},
	    {"http:///path", "host is missing"},
	    {"http://:80/", "host is missing"},
	    {"http://user:secret@crm/", "user name"},
	    {"http://crm@evil/", "user name"},
	    {"http://crm/a#b", "fragment"},
	    {"http://crm/a b", "space"},
	    {"http://crm/\r\nX: 1", "space"},
	    {"http://crm/\x7f", "space"},
	    {"http://cr\xc3\xbc/", "outside ASCII"},
	    {"http://crm:/", "port"},
	    {"http://crm:0/", "port"},
	    {"http://crm:65536/", "port"},
	    {"http://crm:+80/", "port"},
	    {"http://crm:80:80/", "port"},
	    {"http://crm:8080x/", "port"},
	    {"http://[::1/", "closing bracket"},
	    {"http://[::1]8080/", "only a port"},
	    {"http://[crm]/", "IPv6"},
	    {"http://[::1%25eth0]/", "IPv6"},
	    {"http://[]/", "host is missing"},
	    {"http://a..b/", "empty"},
	    {"http://.b/", "empty"},
	    {"http://./", "empty"},
	    {"http://a%41/", "character"},
	    {"http://a*b/", "character"},
	    {"http://a]b/", "character"},
	    {"http://127.1/", "neither"},
	    {"http://256.0.0.1/", "neither"},
	    {"http://127.0.0.1./", "neither"},
	    {"http://2130706433/", "neither"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena = ARENA_INIT;
		struct url url;
		const char *problem = url_parse(cases[i].text, &arena, &url);
		ck_assert_msg(problem && strstr(problem, cases[i].problem), "%s: %s",
		    cases[i].text, problem ? problem : "taken");
		arena_free(&arena);
	}
}
END_TEST

START_TEST(lengths)
{
	struct arena arena = ARENA_INIT;
	struct url url;
	char text[512];
	snprintf(text, sizeof(text), "http://%.*s/", 64,
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	ck_assert_ptr_nonnull(url_parse(text, &arena, &url));
	text[7 + 63] = '\0';
	ck_assert_ptr_null(url_parse(text, &arena, &url));
	strcpy(text, "http://");
	for (int i = 0; i < 127; i++)
		strcat(text, "a.");
	ck_assert_ptr_nonnull(url_parse(text, &arena, &url));
	text[7 + 253] = '\0';
	ck_assert_ptr_null(url_parse(text, &arena, &url));
	arena_free(&arena);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");
	tcase_add_test(t, taken_apart);
	tcase_add_test(t, refused);
	tcase_add_test(t, lengths);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
