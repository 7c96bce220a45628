#include "lib/siphash.h"

#include <string.h>

#include "tests/unit/main.h"

/*
 * Of the bytes 0, 1, 2, ... under the key 0, 0, 0, ...; CPython 3.11 and later
 * gives the same: PYTHONHASHSEED=0 python3 -c 'print(hash(bytes(range(N))))'.
 */
static const struct {
	size_t len;
	uint64_t hash;
} under_zero[] = {
    {0, 0xd1fba762150c532cu},
    {1, 0x68a914128e01e473u},
    {7, 0x2f098ab0c751325au},
    {8, 0xead411e67ebe2eeau},
    {9, 0x75927f9d95124362u},
    {15, 0xf30eb725bb91c9eau},
    {16, 0x8972188433a5c5b7u},
    {63, 0x385d3e39e5f37359u},
    {64, 0x75e05fd5bbc870c6u},
    {76, 0x85dc6aad657f3587u},
};

START_TEST(gives_the_known_values)
{
	static const unsigned char zero[SIPHASH_KEY_SIZE];
	unsigned char room[96];
	for (size_t shift = 0; shift < 8; shift++) {
		for (size_t i = 0; i < 80; i++)
			room[shift + i] = (unsigned char)i;
		for (size_t i = 0; i < sizeof(under_zero) / sizeof(under_zero[0]); i++)
			ck_assert_uint_eq(siphash13(zero, room + shift, under_zero[i].len),
			    under_zero[i].hash);
	}
	ck_assert_uint_eq(siphash13(zero, NULL, 0), under_zero[0].hash);
}
END_TEST

START_TEST(depends_on_the_key)
{
	unsigned char key[SIPHASH_KEY_SIZE];
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	ck_assert_uint_eq(siphash13(key, "", 0), 0xabac0158050fc4dcu);
	ck_assert_uint_eq(siphash13(key, "\0", 1), 0xc9f49bf37d57ca93u);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("siphash");
	TCase *t = tcase_create("siphash");
	tcase_add_test(t, gives_the_known_values);
	tcase_add_test(t, depends_on_the_key);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
