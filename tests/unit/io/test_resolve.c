#include "io/resolve.h"

#include <event2/event.h>
#include <string.h>

#include "tests/unit/io/names.h"
#include "tests/unit/io/peer.h"
#include "tests/unit/main.h"

static struct event_base *base;
static struct names names;
static struct resolver *resolver;

struct found {
	int called;
	struct addresses addresses;
	const char *why;
};

static void setup(void)
{
	base = loop_new();
	names_open(&names, base);
	resolver = names_resolver(&names, base);
}

static void teardown(void)
{
	resolver_free(resolver);
	loop_calm(base);
	names_close(&names);
	loop_free(base);
}

static void on_found(const struct addresses *found, const char *why, void *arg)
{
	struct found *out = arg;
	out->called++;
	ck_assert_int_ne(found == NULL, why == NULL);
	out->addresses.count = 0;
	if (found)
		out->addresses = *found;
	out->why = why;
}

static void look_up(const char *name, struct found *out)
{
	*out = (struct found){.called = 0};
	resolve_start(resolver, name, 8080, on_found, out);
	ck_assert_int_eq(out->called, 0);
	wait_for(base, out->called);
	loop_calm(base);
	ck_assert_int_eq(out->called, 1);
}

static void check_two(const struct found *found)
{
	char text[ADDRESS_TEXT_SIZE];
	ck_assert_msg(found->why == NULL, "%s", found->why);
	ck_assert_uint_eq(found->addresses.count, 2);
	address_print(&found->addresses.at[0], text);
	ck_assert_str_eq(text, "127.0.0.2:8080");
	address_print(&found->addresses.at[1], text);
	ck_assert_str_eq(text, "127.0.0.1:8080");
}

START_TEST(asks_the_name_server)
{
	struct found found;
	look_up("two.test", &found);
	check_two(&found);
	ck_assert_int_eq(names.queries, 1);
}
END_TEST

START_TEST(asks_the_hosts_file)
{
	struct found found;
	look_up("file.test", &found);
	check_two(&found);
	ck_assert_int_eq(names.queries, 0);
}
END_TEST

START_TEST(no_such_name)
{
	struct found found;
	look_up("gone.test", &found);
	ck_assert_uint_eq(found.addresses.count, 0);
	ck_assert_str_eq(found.why, "there is no such name");
}
END_TEST

/* A machine whose network comes up after us. */
START_TEST(reads_the_files_again)
{
	struct found found;
	look_up("late.test", &found);
	ck_assert_ptr_nonnull(found.why);
	names_write(names.hosts, "127.0.0.2 late.test\n127.0.0.1 late.test\n");
	look_up("late.test", &found);
	check_two(&found);
}
END_TEST

START_TEST(reads_the_name_servers_again)
{
	struct found found;
	struct names other;
	names_open(&other, base);
	look_up("gone.test", &found);
	ck_assert_ptr_nonnull(found.why);
	int before = names.queries;
	names_point_to(names.resolv_conf, &other);
	for (int i = 0; i < 4; i++) {
		look_up("one.test", &found);
		ck_assert_uint_eq(found.addresses.count, 1);
	}
	ck_assert_int_eq(names.queries, before);
	ck_assert_int_eq(other.queries, 4);
	resolver_free(resolver);
	resolver = NULL;
	names_close(&other);
}
END_TEST

START_TEST(works_without_files)
{
	struct found found;
	resolver_free(resolver);
	names_write(names.resolv_conf, "");
	resolver = names_resolver(&names, base);
	look_up("file.test", &found);
	check_two(&found);

	resolver_free(resolver);
	resolver = resolver_new(base, "/nonexistent/resolv.conf", names.hosts);
	look_up("file.test", &found);
	check_two(&found);
}
END_TEST

START_TEST(cancelled)
{
	struct found found = {.called = 0};
	/* not yet asked, asked and unanswered, answered and not yet delivered */
	resolve_cancel(resolve_start(resolver, "two.test", 80, on_found, &found));
	struct resolve_query *query =
	    resolve_start(resolver, "silent.test", 80, on_found, &found);
	wait_for(base, names.queries >= 1);
	loop_calm(base);
	resolve_cancel(query);
	resolve_cancel(resolve_start(resolver, "file.test", 80, on_found, &found));
	resolve_cancel(NULL);
	loop_calm(base);
	ck_assert_int_eq(found.called, 0);
	look_up("one.test", &found);
	ck_assert_uint_eq(found.addresses.count, 1);
}
END_TEST

START_TEST(freed_with_a_cancelled_query)
{
	struct found found = {.called = 0};
	struct resolve_query *query =
	    resolve_start(resolver, "silent.test", 80, on_found, &found);
	wait_for(base, names.queries >= 1);
	resolve_cancel(query);
	resolver_free(resolver);
	resolver = NULL;
	loop_calm(base);
	ck_assert_int_eq(found.called, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("resolve");
	TCase *t = tcase_create("resolve");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, asks_the_name_server);
	tcase_add_test(t, asks_the_hosts_file);
	tcase_add_test(t, no_such_name);
	tcase_add_test(t, reads_the_files_again);
	tcase_add_test(t, reads_the_name_servers_again);
	tcase_add_test(t, works_without_files);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, freed_with_a_cancelled_query);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
