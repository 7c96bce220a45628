#include "io/address.h"

#include <string.h>

#include "tests/unit/main.h"

static const char *print(const struct address *address)
{
	static char text[ADDRESS_TEXT_SIZE];
	address_print(address, text);
	return text;
}

START_TEST(literals)
{
	struct addresses list;
	ck_assert(addresses_of_literal(&list, "192.0.2.7", 8080));
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(print(&list.at[0]), "192.0.2.7:8080");
	ck_assert(addresses_of_literal(&list, "2001:db8::1", 80));
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(print(&list.at[0]), "[2001:db8::1]:80");
	ck_assert(addresses_of_literal(
	    &list, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535));
	ck_assert_str_eq(print(&list.at[0]), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
END_TEST

START_TEST(localhost)
{
	static const char *const names[] = {
	    "localhost", "LocalHost", "localhost.", "api.localhost"};
	struct addresses list;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert(addresses_of_literal(&list, names[i], 80));
		ck_assert_uint_eq(list.count, 2);
		ck_assert_str_eq(print(&list.at[0]), "127.0.0.1:80");
		ck_assert_str_eq(print(&list.at[1]), "[::1]:80");
	}
}
END_TEST

START_TEST(other_names)
{
	static const char *const names[] = {"example.com", "mylocalhost",
	    "localhost.example.com", "127.1", "", "localhos", "."};
	struct addresses list;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(!addresses_of_literal(&list, names[i], 80), "%s", names[i]);
}
END_TEST

START_TEST(preference)
{
	struct addresses list = {.count = 0};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct address fourth, other;
	for (unsigned i = 0; i < ADDRESSES_MAX; i++) {
		v4.sin_addr.s_addr = htonl(0x7f000001 + i);
		ck_assert(addresses_add(&list, (struct sockaddr *)&v4, sizeof(v4)));
	}
	ck_assert(!addresses_add(&list, (struct sockaddr *)&v4, sizeof(v4)));

	fourth = list.at[3];
	addresses_prefer(&list, &fourth);
	ck_assert_str_eq(print(&list.at[0]), "127.0.0.4:0");
	ck_assert_str_eq(print(&list.at[1]), "127.0.0.1:0");
	ck_assert_str_eq(print(&list.at[3]), "127.0.0.3:0");
	ck_assert_str_eq(print(&list.at[4]), "127.0.0.5:0");
	addresses_prefer(&list, &list.at[7]);
	ck_assert_str_eq(print(&list.at[0]), "127.0.0.8:0");
	ck_assert_str_eq(print(&list.at[7]), "127.0.0.7:0");

	other = list.at[0];
	other.v4.sin_port = htons(1);
	addresses_prefer(&list, &other);
	ck_assert_str_eq(print(&list.at[0]), "127.0.0.8:0");
}
END_TEST

START_TEST(other_families)
{
	struct addresses list = {.count = 0};
	struct sockaddr unix_socket = {.sa_family = AF_UNIX};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	ck_assert(!addresses_add(&list, &unix_socket, sizeof(unix_socket)));
	ck_assert(!addresses_add(&list, (struct sockaddr *)&v6, sizeof(v6) - 1));
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("address");
	TCase *t = tcase_create("address");
	tcase_add_test(t, literals);
	tcase_add_test(t, localhost);
	tcase_add_test(t, other_names);
	tcase_add_test(t, preference);
	tcase_add_test(t, other_families);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
