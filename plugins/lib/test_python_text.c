#include "tests/unit/main.h"

#include <string.h>

#include "base/text.h"
#include "lib/python_text.h"
#include "tests/plugin/mockhost.h"

/* What Python 3.11 prints for f"{value}", and whether `if value` is taken. */
static const struct {
	const char *raw, *text; /* NULL: refused */
	bool is_true;
} values[] = {
    {"null", "None", false},
    {"false", "False", false},
    {"true", "True", true},
    {"0", "0", false},
    {"-0", "0", false},
    {"0.0e1", "0.0", false},
    {"-0.0", "-0.0", false},
    {"1e-400", "0.0", false},
    {"1e-300", "1e-300", true},
    {"42", "42", true},
    {"-1", "-1", true},
    {"1.0", "1.0", true},
    {"1E16", "1e+16", true},
    {"123456789012345678901234567890", "123456789012345678901234567890", true},
    {"\"\"", "", false},
    {"\"0\"", "0", true},
    {"\" \"", " ", true},
    {"\"a\\u00e9\\n\\ud83d\\ude00\"", "a\xc3\xa9\n\xf0\x9f\x98\x80", true},
    {"[]", NULL, false},
    {"[ \n ]", NULL, false},
    {"[0]", NULL, true},
    {"{}", NULL, false},
    {"{\t}", NULL, false},
    {"{\"a\":1}", NULL, true},
};

START_TEST(as_python)
{
	struct mock *m = mock_new();
	struct canonical *c = canonical_new();
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct ow_event *event = mock_event(m, values[i].raw);
		const char *raw = values[i].raw;
		static const char first[] = "nft\"[{";
		static const enum ow_json_type types[] = {OW_JSON_NULL, OW_JSON_FALSE,
		    OW_JSON_TRUE, OW_JSON_STRING, OW_JSON_ARRAY, OW_JSON_OBJECT};
		const char *at = strchr(first, raw[0]);
		struct ow_json value = {.type = at		      ? types[at - first]
						: strpbrk(raw, ".eE") ? OW_JSON_REAL
								      : OW_JSON_INTEGER,
		    .raw = text_of(raw)};
		canonical_clear(c);
		bool added = python_text_add(c, mock_host(), event, &value);
		ck_assert_msg(added == (values[i].text != NULL), "%s", raw);
		ck_assert_msg(
		    text_equal(canonical_text(c), text_of(added ? values[i].text : "")),
		    "%s: %.*s", raw, (int)canonical_text(c).len, canonical_text(c).data);
		ck_assert_msg(python_text_is_true(&value) == values[i].is_true, "%s", raw);
	}
	canonical_free(c);
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("python_text");
	TCase *t = tcase_create("values");
	tcase_add_test(t, as_python);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
