#include "json/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/main.h"
#include "json/scan.h"

/* The items of an array as `type:raw` one after another; of a copy that ends where it ends. */
static char *list(const char *array)
{
	struct json_error error;
	struct ow_json item;
	struct buf out = BUF_INIT;
	char *copy = mem_copy(array, strlen(array));
	struct ow_text raw = text_span(copy, strlen(array));
	ck_assert_msg(json_scan(raw, NULL, NULL, &error), "%s", array);
	struct json_items items = json_items(raw);
	buf_add_string(&out, "");
	while (json_items_next(&items, &item)) {
		buf_printf(&out, "%s%d:", out.len ? " " : "", (int)item.type);
		buf_add_text(&out, item.raw);
	}
	ck_assert(!json_items_next(&items, &item));
	free(copy);
	return buf_take(&out);
}

static const struct {
	const char *array, *items;
} arrays[] = {{"[]", ""}, {"[ \n]", ""}, {"[1]", "4:1"},
    {"[-1.5,2e3 ,3E1]", "5:-1.5 5:2e3 5:3E1"}, {"[null,true,false]", "1:null 3:true 2:false"},
    {"[\"a\"]", "6:\"a\""}, {"[\"]\",\"\\\"]\",\"\\\\\"]", "6:\"]\" 6:\"\\\"]\" 6:\"\\\\\""},
    {"[{}]", "8:{}"}, {"[{\"a\":[1,{\"b\":2}]},3]", "8:{\"a\":[1,{\"b\":2}]} 4:3"},
    {"[{\"}\":\"{\"}, {\"a\\\"\":\"}\"}]", "8:{\"}\":\"{\"} 8:{\"a\\\"\":\"}\"}"},
    /* arrays inside are dissolved */
    {"[[1,[2,[]]],[[{}]],3]", "4:1 4:2 8:{} 4:3"}, {"[[[[]]]]", ""},
    {"[\t1\r,\n[ 2 ] ]", "4:1 4:2"}};

START_TEST(walks)
{
	char *got = list(arrays[_i].array);
	ck_assert_str_eq(got, arrays[_i].items);
	free(got);
}
END_TEST

START_TEST(walks_as_deep_as_the_scanner_goes)
{
	struct buf b = BUF_INIT;
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_add_char(&b, '[');
	buf_add_char(&b, '7');
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_add_char(&b, ']');
	char *got = list(b.data);
	ck_assert_str_eq(got, "4:7");
	free(got);
	buf_free(&b);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("items");
	TCase *t = tcase_create("items");
	tcase_add_loop_test(t, walks, 0, sizeof(arrays) / sizeof(*arrays));
	tcase_add_test(t, walks_as_deep_as_the_scanner_goes);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
