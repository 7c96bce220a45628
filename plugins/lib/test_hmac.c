#include "lib/hmac.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static const char *hex(const unsigned char *code, size_t size)
{
	static char out[2 * HMAC_SIZE_MAX + 1];
	for (size_t i = 0; i < size; i++)
		snprintf(out + 2 * i, 3, "%02x", code[i]);
	return out;
}

#define KEY_0B "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
#define KEY_AA "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define LONG                                                                                   \
	KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA KEY_AA    \
	    KEY_AA "\xaa"

/* RFC 4231 sections 4.2, 4.3, 4.7; RFC 2202 section 3; GitHub's documentation. */
static const struct {
	enum hmac_algorithm algorithm;
	const char *key, *message, *code;
} vectors[] = {
    {HMAC_OF_SHA256, KEY_0B KEY_0B, "Hi There",
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {HMAC_OF_SHA256, "Jefe", "what do ya want for nothing?",
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {HMAC_OF_SHA256, LONG, "Test Using Larger Than Block-Size Key - Hash Key First",
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {HMAC_OF_SHA256, "It's a Secret to Everybody", "Hello, World!",
	"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
    {HMAC_OF_SHA256, "new", "",
	"f4892a2bddbed7327564afabed642a4d7b45dd56ed53f77545b092c0636fd63f"},
    {HMAC_OF_SHA1, KEY_0B KEY_0B, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {HMAC_OF_SHA1, "Jefe", "what do ya want for nothing?",
	"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
};

START_TEST(knows_the_vectors)
{
	unsigned char code[HMAC_SIZE_MAX];
	struct hmac *h = hmac_new(vectors[_i].algorithm, text(vectors[_i].key));
	ck_assert_ptr_nonnull(h);
	ck_assert_uint_eq(hmac_size(h), strlen(vectors[_i].code) / 2);
	/* Again and again with one context, whatever came between. */
	for (int times = 0; times < 3; times++) {
		struct ow_text message = text(vectors[_i].message), other = text("other");
		hmac_compute(h, &message, 1, code);
		ck_assert_str_eq(hex(code, hmac_size(h)), vectors[_i].code);
		hmac_compute(h, &other, 1, code);
		ck_assert_str_ne(hex(code, hmac_size(h)), vectors[_i].code);
	}
	hmac_free(h);
}
END_TEST

START_TEST(parts_are_one_message)
{
	unsigned char whole[HMAC_SIZE_MAX], cut[HMAC_SIZE_MAX];
	struct hmac *h = hmac_new(HMAC_OF_SHA256, text("Jefe"));
	struct ow_text message = text("what do ya want for nothing?");
	struct ow_text parts[] = {
	    text("what do "), {NULL, 0}, text("ya want for nothing"), {"", 0}, text("?")};
	hmac_compute(h, &message, 1, whole);
	hmac_compute(h, parts, 5, cut);
	ck_assert_mem_eq(whole, cut, 32);
	hmac_free(h);
	hmac_free(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/hmac");
	TCase *t = tcase_create("hmac");
	tcase_add_loop_test(t, knows_the_vectors, 0, COUNT(vectors));
	tcase_add_test(t, parts_are_one_message);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
