#include "route/cidr.h"

#include <stdlib.h>

#include "base/text.h"
#include "tests/unit/main.h"

static const struct {
	const char *block, *address;
	bool inside;
} rows[] = {{"10.0.0.0/24", "10.0.0.0", true}, {"10.0.0.0/24", "10.0.0.255", true},
    {"10.0.0.0/24", "10.0.1.0", false}, {"10.0.0.0/24", "9.255.255.255", false},
    {"10.0.0.77/24", "10.0.0.1", true}, {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.0", false}, {"192.168.1.128/25", "192.168.1.127", false},
    {"192.168.1.128/25", "192.168.1.128", true}, {"192.168.1.130/31", "192.168.1.131", true},
    {"192.168.1.130/31", "192.168.1.132", false}, {"1.2.3.4/32", "1.2.3.4", true},
    {"1.2.3.4/32", "1.2.3.5", false}, {"0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0", "::", false}, {"::/0", "0.0.0.0", false}, {"::/0", "ffff::1", true},
    {"2001:db8::/32", "2001:DB8:ffff::1", true}, {"2001:db8::/32", "2001:db9::", false},
    {"2001:db8::/33", "2001:db8:8000::", false}, {"2001:db8::/33", "2001:db8:7fff::", true},
    {"::1/128", "::1", true}, {"::1/128", "0:0:0:0:0:0:0:1", true}, {"::1/128", "::2", false},
    {"::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true},
    {"::ffff:10.0.0.0/104", "10.1.2.3", false},
    /* no addresses */
    {"10.0.0.0/8", "", false}, {"10.0.0.0/8", "10.0.0", false},
    {"10.0.0.0/8", "10.0.0.1 ", false}, {"10.0.0.0/8", "10.0.0.1:80", false},
    {"10.0.0.0/8", "10.0.0.256", false},
    {"10.0.0.0/8", "10.0.0.1.example.com.example.com.example.com.example", false},
    {"::/0", "fe80::1%eth0", false}};

START_TEST(contains_or_not)
{
	struct cidr c;
	ck_assert(cidr_parse(rows[_i].block, &c));
	ck_assert_msg(cidr_contains(&c, text_of(rows[_i].address)) == rows[_i].inside,
	    "%s in %s", rows[_i].address, rows[_i].block);
}
END_TEST

START_TEST(looks_no_further_than_the_text)
{
	struct cidr c;
	ck_assert(cidr_parse("10.0.0.0/8", &c));
	ck_assert(cidr_contains(&c, text_span("10.0.0.1234", 9)));
	ck_assert(!cidr_contains(&c, text_span("10.0.0.1\0", 9)));
}
END_TEST

START_TEST(refuses)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33",
	    "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0/8", "::/129", "x/8",
	    "::", "10.0.0.0/1e1", "10.0.0.0/255.0.0.0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!cidr_parse(bad[i], &(struct cidr){0}), "%s", bad[i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cidr");
	TCase *t = tcase_create("cidr");
	tcase_add_loop_test(t, contains_or_not, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, looks_no_further_than_the_text);
	tcase_add_test(t, refuses);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
