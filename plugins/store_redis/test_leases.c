#include "store_redis/leases.h"

#include <string.h>

#include "tests/unit/main.h"

static struct leases *leases;

static const unsigned char *token_of(unsigned n)
{
	static unsigned char tokens[8][OW_TOKEN_SIZE];
	static unsigned next;
	unsigned char *token = tokens[next++ % 8];
	memset(token, 0, OW_TOKEN_SIZE);
	/* Half of them share the part that is the hash. */
	token[OW_TOKEN_SIZE - 1] = (unsigned char)n;
	token[OW_TOKEN_SIZE - 2] = (unsigned char)(n >> 8);
	token[0] = n % 2 ? (unsigned char)n : 0;
	return token;
}

static void setup(void)
{
	leases = leases_new();
}

static void teardown(void)
{
	leases_free(leases);
}

START_TEST(lasts_until_then)
{
	ck_assert(!lease_holds(leases, token_of(1), 0));
	lease_set(leases, token_of(1), 100, 0);
	lease_set(leases, token_of(2), 200, 0);
	lease_set(leases, token_of(4), 300, 0);
	ck_assert(lease_holds(leases, token_of(1), 99));
	ck_assert(!lease_holds(leases, token_of(1), 100));
	ck_assert(lease_holds(leases, token_of(2), 199));
	ck_assert(lease_holds(leases, token_of(4), 299));
	ck_assert(!lease_holds(leases, token_of(6), 0));
	lease_set(leases, token_of(1), 150, 100);
	ck_assert(lease_holds(leases, token_of(1), 149));
	lease_drop(leases, token_of(2));
	lease_drop(leases, token_of(2));
	ck_assert(!lease_holds(leases, token_of(2), 0));
}
END_TEST

START_TEST(those_that_were_never_ended_are_forgotten)
{
	for (unsigned n = 0; n < 50; n++)
		lease_set(leases, token_of(n), 100, 0);
	for (unsigned n = 50; n < 100; n++)
		lease_set(leases, token_of(n), 1000, 100);
	/* Even at a time at which it would still hold. */
	for (unsigned n = 0; n < 50; n++)
		ck_assert(!lease_holds(leases, token_of(n), 0));
	for (unsigned n = 50; n < 100; n++)
		ck_assert(lease_holds(leases, token_of(n), 0));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("leases");
	TCase *t = tcase_create("leases");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lasts_until_then);
	tcase_add_test(t, those_that_were_never_ended_are_forgotten);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
