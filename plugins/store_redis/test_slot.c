#include "store_redis/slot.h"

#include <string.h>

#include "tests/unit/main.h"

#define TEXT(s)                                                                                \
	{                                                                                      \
		s, sizeof(s) - 1                                                               \
	}

/* The first is the specification's own; the others are what CLUSTER KEYSLOT of Redis 7.0 says.
 */
static const struct {
	struct ow_text key;
	unsigned slot;
} known[] = {
    {TEXT("123456789"), 0x31C3},
    {TEXT("foo"), 12182},
    {TEXT("genesys_dedup:\xc3\xa9"), 13160},
    {TEXT("a\0b\xff\x80"), 5361},
    {TEXT("\xff\xff"), 7439},
    /* with a tag */
    {TEXT("{user1000}.following"), 3443},
    {TEXT("{user1000}.followers"), 3443},
    {TEXT("user1000"), 3443},
    {TEXT("foo{bar}{zap}"), 5061},
    {TEXT("foo{{bar}}zap"), 4015},
    {TEXT("}{a}"), 15495},
    {TEXT("{\0}"), 0},
    /* without one */
    {TEXT("foo{}{bar}"), 8363},
    {TEXT("}foo{bar"), 7622},
    {TEXT("{"), 4092},
    {TEXT("{}"), 15257},
};

START_TEST(known_answers)
{
	ck_assert_uint_eq(slot_of(known[_i].key), known[_i].slot);
}
END_TEST

START_TEST(of_nothing_and_of_much)
{
	char much[1000];
	memset(much, 'x', sizeof(much));
	ck_assert_uint_eq(slot_of((struct ow_text){NULL, 0}), 0);
	ck_assert_uint_eq(slot_of((struct ow_text){much, sizeof(much)}), 3195);
}
END_TEST

/* A tag is looked for inside the key alone. */
START_TEST(nothing_behind_the_key_counts)
{
	static const char text[] = "{a}";
	ck_assert_uint_eq(slot_of((struct ow_text){text, 1}), 4092);
	ck_assert_uint_eq(
	    slot_of((struct ow_text){text, 3}), slot_of((struct ow_text){text + 1, 1}));
	ck_assert_uint_ne(
	    slot_of((struct ow_text){text, 2}), slot_of((struct ow_text){text, 3}));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("slot");
	TCase *t = tcase_create("slot");
	tcase_add_loop_test(t, known_answers, 0, sizeof(known) / sizeof(*known));
	tcase_add_test(t, of_nothing_and_of_much);
	tcase_add_test(t, nothing_behind_the_key_counts);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
