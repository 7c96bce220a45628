#include "base/hash.h"

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
    {2, 0x010bac45c41e3669u},
    {7, 0x2f098ab0c751325au},
    {8, 0xead411e67ebe2eeau},
    {9, 0x75927f9d95124362u},
    {15, 0xf30eb725bb91c9eau},
    {16, 0x8972188433a5c5b7u},
    {17, 0x4883c49a2c009c1du},
    {31, 0x169739443111d49bu},
    {32, 0x31ef8061c910629bu},
    {63, 0x385d3e39e5f37359u},
    {64, 0x75e05fd5bbc870c6u},
    {76, 0x85dc6aad657f3587u},
};

START_TEST(is_siphash_1_3)
{
	static const unsigned char zero[16];
	unsigned char key[16], data[128];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	memcpy(key, data, sizeof(key));
	for (size_t i = 0; i < sizeof(under_zero) / sizeof(under_zero[0]); i++)
		ck_assert_uint_eq(
		    hash_bytes_keyed(zero, data, under_zero[i].len), under_zero[i].hash);
	/* Under the key 0, 1, 2, ..., from the designers' vectors. */
	ck_assert_uint_eq(hash_bytes_keyed(key, data, 0), 0xabac0158050fc4dcu);
	ck_assert_uint_eq(hash_bytes_keyed(key, data, 1), 0xc9f49bf37d57ca93u);
	ck_assert_uint_eq(hash_bytes_keyed(key, NULL, 0), 0xabac0158050fc4dcu);
}
END_TEST

START_TEST(does_not_care_for_alignment)
{
	static const unsigned char key[16] = "0123456789abcdef";
	unsigned char room[80];
	for (size_t shift = 0; shift < 8; shift++) {
		memset(room, 0xff, sizeof(room));
		memcpy(room + shift, "the quick brown fox jumps over the lazy dog", 43);
		ck_assert_uint_eq(hash_bytes_keyed(key, room + shift, 43),
		    hash_bytes_keyed(key, "the quick brown fox jumps over the lazy dog", 43));
	}
}
END_TEST

START_TEST(the_process_has_one_secret_key)
{
	static const unsigned char zero[16];
	uint64_t hash = hash_bytes("abc", 3);
	ck_assert_uint_eq(hash_bytes("abc", 3), hash);
	ck_assert_uint_ne(hash_bytes("abd", 3), hash);
	ck_assert_uint_ne(hash_bytes_keyed(zero, "abc", 3), hash);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("hash");
	tcase_add_test(t, is_siphash_1_3);
	tcase_add_test(t, does_not_care_for_alignment);
	tcase_add_test(t, the_process_has_one_secret_key);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
