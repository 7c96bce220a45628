#include "tests/unit/main.h"

#include "json/pointer.h"
#include "json/trie.h"

static struct pointer_set *set;

static void setup(void)
{
	set = pointer_set_new();
}

static void teardown(void)
{
	pointer_set_free(set);
}

START_TEST(indexes_count_up)
{
	const struct ow_pointer *a = pointer_add(set, "/a");
	const struct ow_pointer *b = pointer_add(set, "/a/b");
	const struct ow_pointer *all = pointer_add(set, "");
	ck_assert_uint_eq(pointer_index(a), 0);
	ck_assert_uint_eq(pointer_index(b), 1);
	ck_assert_uint_eq(pointer_index(all), 2);
	ck_assert_uint_eq(pointer_count(set), 3);
	ck_assert_str_eq(pointer_text(b), "/a/b");
}
END_TEST

START_TEST(same_text_is_same_pointer)
{
	char text[] = "/data/contactId";
	const struct ow_pointer *a = pointer_add(set, text);
	text[1] = 'x'; /* the set has its own copy */
	ck_assert_ptr_eq(pointer_add(set, "/data/contactId"), a);
	ck_assert_ptr_ne(pointer_add(set, "/data"), a);
	ck_assert_ptr_ne(pointer_add(set, "/data/contactId/"), a);
	ck_assert_uint_eq(pointer_count(set), 3);
}
END_TEST

START_TEST(refuses_what_is_no_pointer)
{
	static const char *const bad[] = {
	    "a", "a/b", " /a", "#/a", "/~", "/a~", "/~2", "/a/~/b", "~0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!pointer_add(set, bad[i]), "\"%s\" was taken", bad[i]);
	ck_assert_uint_eq(pointer_count(set), 0);
}
END_TEST

static const struct trie_node *only_child(const char *pointer)
{
	struct pointer_set *one = pointer_set_new();
	ck_assert_ptr_nonnull(pointer_add(one, pointer));
	pointer_set_free(set);
	set = one;
	return pointer_root(set)->child;
}

static void assert_name(const char *pointer, const char *name)
{
	const struct trie_node *node = only_child(pointer);
	ck_assert_uint_eq(node->name.len, strlen(name));
	ck_assert_mem_eq(node->name.data, name, strlen(name));
}

START_TEST(escapes_are_resolved)
{
	assert_name("/a~1b", "a/b");
	assert_name("/m~0n", "m~n");
	assert_name("/~01", "~1");
	assert_name("/~0~1~1", "~//");
	assert_name("/", "");
}
END_TEST

static void assert_element(const char *pointer, size_t element)
{
	ck_assert_uint_eq(only_child(pointer)->element, element);
}

START_TEST(elements_are_plain_decimal)
{
	assert_element("/0", 0);
	assert_element("/10", 10);
	assert_element("/01", TRIE_NO_ELEMENT);
	assert_element("/00", TRIE_NO_ELEMENT);
	assert_element("/-", TRIE_NO_ELEMENT);
	assert_element("/-1", TRIE_NO_ELEMENT);
	assert_element("/+1", TRIE_NO_ELEMENT);
	assert_element("/1e0", TRIE_NO_ELEMENT);
	assert_element("/", TRIE_NO_ELEMENT);
	assert_element("/99999999999999999999", TRIE_NO_ELEMENT);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
	pointer_set_free(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("pointer");
	TCase *t = tcase_create("pointer");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, indexes_count_up);
	tcase_add_test(t, same_text_is_same_pointer);
	tcase_add_test(t, refuses_what_is_no_pointer);
	tcase_add_test(t, escapes_are_resolved);
	tcase_add_test(t, elements_are_plain_decimal);
	tcase_add_test(t, freeing_nothing_is_fine);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
