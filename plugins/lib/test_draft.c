#include <stdlib.h>
#include <string.h>

#include "lib/draft.h"
#include "tests/unit/main.h"

START_TEST(grows)
{
	struct draft d = DRAFT_EMPTY;
	ck_assert_str_eq(draft_text(&d), "");
	for (int i = 0; i < 1000; i++) {
		draft_char(&d, 'a');
		draft_string(&d, "bc");
		draft_printf(&d, "%d", i % 10);
		draft_add(&d, (struct ow_text){NULL, 0});
	}
	ck_assert_uint_eq(d.len, 4000);
	ck_assert_uint_eq(strlen(d.data), 4000);
	ck_assert_int_eq(strncmp(d.data, "abc0abc1abc2", 12), 0);
	ck_assert_str_eq(d.data + 3992, "abc8abc9");
	draft_free(&d);
	ck_assert_ptr_null(d.data);
}
END_TEST

/* Just as much as there is room for, with the NUL. */
START_TEST(fills_its_room)
{
	char text[512];
	memset(text, 'x', sizeof(text));
	for (size_t len = 250; len < sizeof(text); len++) {
		struct draft d = DRAFT_EMPTY;
		draft_add(&d, (struct ow_text){text, len});
		ck_assert_uint_eq(strlen(d.data), len);
		draft_printf(&d, "%.*s", (int)len, text);
		ck_assert_uint_eq(strlen(d.data), 2 * len);
		draft_free(&d);
	}
}
END_TEST

START_TEST(cleared_and_taken)
{
	struct draft d = DRAFT_EMPTY;
	draft_clear(&d);
	draft_string(&d, "secret");
	draft_clear(&d);
	ck_assert_str_eq(draft_text(&d), "");
	for (size_t i = 0; i < 7; i++)
		ck_assert_int_eq(d.data[i], 0);
	char *text = draft_take(&d);
	ck_assert_str_eq(text, "");
	free(text);
	text = draft_take(&d);
	ck_assert_str_eq(text, "");
	free(text);
	draft_string(&d, "again");
	text = draft_take(&d);
	ck_assert_str_eq(text, "again");
	ck_assert_ptr_null(d.data);
	free(text);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/draft");
	TCase *t = tcase_create("draft");
	tcase_add_test(t, grows);
	tcase_add_test(t, fills_its_room);
	tcase_add_test(t, cleared_and_taken);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
