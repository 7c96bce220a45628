#include "lib/base64.h"

#include <string.h>

#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* RFC 4648 section 10, RFC 7617 section 2, and the last two digits of the alphabet. */
static const struct {
	const char *plain, *encoded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"test:123\xc2\xa3", "dGVzdDoxMjPCow=="},
    {"\xfb\xff\xbf", "+/+/"},
};

START_TEST(knows_the_vectors)
{
	char out[64] = "", back[64];
	const char *plain = vectors[_i].plain, *encoded = vectors[_i].encoded;
	ck_assert_uint_eq(BASE64_SIZE(strlen(plain)), strlen(encoded));
	base64_encode(plain, strlen(plain), out);
	ck_assert_str_eq(out, encoded);
	ck_assert_int_eq(
	    base64_decode(text(encoded), back, strlen(plain)), (ptrdiff_t)strlen(plain));
	ck_assert_mem_eq(back, plain, strlen(plain));
	if (plain[0])
		ck_assert_int_eq(base64_decode(text(encoded), back, strlen(plain) - 1), -1);
}
END_TEST

/* Each digit in each place, against an alphabet written out. */
START_TEST(knows_every_digit)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (unsigned n = 0; n < 64; n++) {
		unsigned char bytes[3] = {(unsigned char)(n << 2 | n >> 4),
		    (unsigned char)(n << 4 | n >> 2), (unsigned char)(n << 6 | n)};
		unsigned char back[3];
		char out[4];
		base64_encode(bytes, 3, out);
		for (unsigned i = 0; i < 4; i++)
			ck_assert_int_eq(out[i], digits[n]);
		ck_assert_int_eq(base64_decode((struct ow_text){out, 4}, back, 3), 3);
		ck_assert_mem_eq(back, bytes, 3);
	}
}
END_TEST

START_TEST(refuses_other_characters)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char out[3];
	for (int c = 0; c < 256; c++) {
		char word[4] = {'A', (char)c, 'A', 'A'};
		bool digit = c && strchr(digits, c);
		ck_assert_int_eq(
		    base64_decode((struct ow_text){word, 4}, out, 3), digit ? 3 : -1);
	}
}
END_TEST

START_TEST(is_strict)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zm8", "Zm9v=", "=",
	    "==", "===", "====", "A===", "Zh==", "Zm9=", "Zg==Zg==", "Z=g=", "=Zg=", " Zg==",
	    "Zg== ", "Zm9v\n", "Zm-v", "Zm_v", "Zm9vZ"};
	for (int i = 0; i < COUNT(bad); i++) {
		char out[16];
		ck_assert_msg(
		    base64_decode(text(bad[i]), out, sizeof(out)) == -1, "%s", bad[i]);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/base64");
	TCase *t = tcase_create("base64");
	tcase_add_loop_test(t, knows_the_vectors, 0, COUNT(vectors));
	tcase_add_test(t, knows_every_digit);
	tcase_add_test(t, refuses_other_characters);
	tcase_add_test(t, is_strict);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
