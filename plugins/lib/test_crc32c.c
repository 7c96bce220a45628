#include <stdint.h>
#include <string.h>

#include "lib/crc32c.h"
#include "tests/unit/main.h"

/* RFC 3720 B.4 */
START_TEST(published_values)
{
	unsigned char bytes[32];
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c(0, NULL, 0), 0);
	memset(bytes, 0, sizeof(bytes));
	ck_assert_uint_eq(crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	ck_assert_uint_eq(crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	ck_assert_uint_eq(crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
}
END_TEST

START_TEST(pieces_make_the_whole)
{
	unsigned char bytes[100];
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + 3);
	uint32_t whole = crc32c(0, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++)
		ck_assert_uint_eq(
		    crc32c(crc32c(0, bytes, cut), bytes + cut, sizeof(bytes) - cut), whole);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("crc32c");
	TCase *t = tcase_create("crc32c");
	tcase_add_test(t, published_values);
	tcase_add_test(t, pieces_make_the_whole);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
