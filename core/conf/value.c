#include "conf/value.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "conf/plain.h"
#include "conf/scalar.h"

#define NUMBER_SIZE 32
#define RANGE_SIZE  96

struct layout {
	size_t size, alignment;
};

#define LAYOUT(ctype)                                                                          \
	{                                                                                      \
		sizeof(ctype), _Alignof(ctype)                                                 \
	}

static const struct layout layouts[] = {
    [OW_T_STRING] = LAYOUT(const char *),
    [OW_T_SECRET] = LAYOUT(const char *),
    [OW_T_INT] = LAYOUT(int64_t),
    [OW_T_BOOL] = LAYOUT(bool),
    [OW_T_DURATION] = LAYOUT(int64_t),
    [OW_T_SIZE] = LAYOUT(int64_t),
    [OW_T_ENUM] = LAYOUT(int),
    [OW_T_LIST] = LAYOUT(struct ow_list),
    [OW_T_PAIRS] = LAYOUT(struct ow_pairs),
    [OW_T_URL] = LAYOUT(const char *),
    [OW_T_ADDRESS] = LAYOUT(const char *),
    [OW_T_POINTER] = LAYOUT(const char *),
    [OW_T_REFERENCE] = LAYOUT(const char *),
    [OW_T_TREE] = LAYOUT(const struct ow_node *),
};

static const struct layout tree_layout = LAYOUT(const struct conf_node *);

static const struct layout *layout_of(unsigned type)
{
	if (type == CONF_T_TREE)
		return &tree_layout;
	return &layouts[type < sizeof(layouts) / sizeof(layouts[0]) ? type : 0];
}

size_t conf_value_size(unsigned type)
{
	return layout_of(type)->size;
}

size_t conf_value_alignment(unsigned type)
{
	return layout_of(type)->alignment;
}

bool conf_is_secret(const struct ow_option *option)
{
	return option->type == OW_T_SECRET || (option->flags & OW_O_SECRET);
}

void conf_option_error(const struct conf_check *check, const struct ow_option *option,
    struct conf_mark at, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list args;
	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	conf_error(
	    check->report, at, "%s: option `%s` %s", check->what, option->name, text.data);
	buf_free(&text);
}

/* What the user wrote, for "not ...": a secret is never shown. */
static const char *shown(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node)
{
	/* A text where a mapping belongs may be a password with its name forgotten. */
	if (node->type != CONF_SCALAR || node->is_null || option->type == OW_T_PAIRS)
		return conf_type_name(node);
	bool password = option->type == OW_T_URL && strchr(node->text, '@');
	if (node->secret || conf_is_secret(option) || password)
		return "the value given";
	return conf_quote(check->report, node->text);
}

/* guess: what was probably meant, or NULL. Always false. */
static bool must_be(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, const char *expected, const char *guess)
{
	bool hide = !guess || node->secret || conf_is_secret(option);
	conf_option_error(check, option, node->mark, "must be %s, not %s%s%s%s", expected,
	    shown(check, option, node), hide ? "" : " (did you mean `", hide ? "" : guess,
	    hide ? "" : "`?)");
	return false;
}

static void put(const struct ow_option *option, void *conf, const void *value, size_t size)
{
	memcpy((char *)conf + option->offset, value, size);
}

/* ---- Numbers ---- */

void conf_value_format(unsigned type, int64_t n, char *out)
{
	if (type == OW_T_DURATION)
		conf_format_duration(n, out);
	else if (type == OW_T_SIZE)
		conf_format_size(n, out);
	else
		snprintf(out, NUMBER_SIZE, "%" PRId64, n);
}

void conf_value_range(const struct ow_option *option, char *out)
{
	char min[NUMBER_SIZE], max[NUMBER_SIZE];
	out[0] = '\0';
	if (option->min == 0 && option->max == 0)
		return;
	conf_value_format(option->type, option->min, min);
	conf_value_format(option->type, option->max, max);
	if (option->max == INT64_MAX)
		snprintf(out, RANGE_SIZE, "at least %s", min);
	else if (option->min == INT64_MIN)
		snprintf(out, RANGE_SIZE, "at most %s", max);
	else
		snprintf(out, RANGE_SIZE, "between %s and %s", min, max);
}

static bool in_range(const struct ow_option *option, int64_t n)
{
	return (option->min == 0 && option->max == 0) || (n >= option->min && n <= option->max);
}

static void add_choices(struct buf *out, const char *const *choices, const char *after)
{
	for (size_t i = 0; choices[i]; i++)
		buf_printf(out, "%s`%s%s`", i ? ", " : "", choices[i], after);
}

/* The index of a word that stands for a value, `workers: auto`; -1: it is none. */
static int word_at(const struct ow_option *option, const char *text)
{
	for (int i = 0; option->choices && option->choices[i]; i++)
		if (strcmp(option->choices[i], text) == 0)
			return i;
	return -1;
}

/* Says what it must be, or which word may stand there. */
static bool must_be_or_word(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, const char *expected, const char *guess)
{
	struct buf all = BUF_INIT;
	buf_add_string(&all, expected);
	if (option->choices) {
		buf_add_string(&all, ", or ");
		add_choices(&all, option->choices, "");
		guess = guess ? guess : conf_nearest(node->text, option->choices);
	}
	must_be(check, option, node, all.data, guess);
	buf_free(&all);
	return false;
}

static bool set_number(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	int64_t n = 0;
	char guess[NUMBER_SIZE], range[RANGE_SIZE];
	const char *expected;
	bool guessed = false;
	int word = word_at(option, node->text);
	if (word >= 0) {
		n = OW_WORD(word);
		put(option, conf, &n, sizeof(n));
		return true;
	}
	if (option->type == OW_T_DURATION) {
		expected = conf_parse_duration(node->text, &n);
		guessed = expected && conf_guess_duration(node->text, guess);
	} else if (option->type == OW_T_SIZE) {
		expected = conf_parse_size(node->text, &n);
		guessed = expected && conf_guess_size(node->text, guess);
	} else {
		expected = conf_parse_int(node->text, &n);
	}
	if (expected)
		return must_be_or_word(check, option, node, expected,
		    guessed && strcmp(guess, node->text) != 0 ? guess : NULL);
	if (!in_range(option, n)) {
		conf_value_range(option, range);
		conf_option_error(check, option, node->mark, "must be %s, not %s", range,
		    node->secret || conf_is_secret(option) ? "the value given" : node->text);
		return false;
	}
	put(option, conf, &n, sizeof(n));
	return true;
}

static bool set_bool(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	bool value;
	char guess[NUMBER_SIZE];
	const char *expected = conf_parse_bool(node->text, &value);
	if (expected)
		return must_be(check, option, node, expected,
		    conf_guess_bool(node->text, guess) ? guess : NULL);
	put(option, conf, &value, sizeof(value));
	return true;
}

/* ---- Texts ---- */

/* ", or a mapping such as `{fallback: ...}`": where the enum has a group of its name beside it.
 */
static void add_group(struct buf *out, struct conf_table table, const char *name)
{
	struct ow_option o;
	size_t len = strlen(name);
	for (size_t i = 0; conf_table_at(table, i, &o); i++) {
		if (strncmp(o.name, name, len) != 0 || o.name[len] != '.')
			continue;
		buf_printf(out, ", or a mapping such as `{%s: ...}`", o.name + len + 1);
		return;
	}
}

static bool set_enum(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	int index = word_at(option, node->text);
	if (index >= 0) {
		put(option, conf, &index, sizeof(index));
		return true;
	}
	struct buf expected = BUF_INIT;
	buf_add_string(&expected, option->choices[1] ? "one of " : "");
	add_choices(&expected, option->choices, "");
	add_group(&expected, check->table, option->name);
	must_be(check, option, node, expected.data, conf_nearest(node->text, option->choices));
	buf_free(&expected);
	return false;
}

static bool url_fits(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node)
{
	const char *expected = conf_parse_url(node->text, option->choices);
	if (!expected)
		return true;
	if (conf_parse_url(node->text, NULL))
		return must_be(check, option, node, expected, NULL);
	struct buf schemes = BUF_INIT;
	buf_add_string(&schemes, "a URL that begins with ");
	buf_add_string(&schemes, option->choices[1] ? "one of " : "");
	add_choices(&schemes, option->choices, "://");
	must_be(check, option, node, schemes.data, NULL);
	buf_free(&schemes);
	return false;
}

static bool text_fits(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node)
{
	const char *expected = NULL;
	if (option->type == OW_T_URL)
		return url_fits(check, option, node);
	if (option->type == OW_T_ADDRESS && word_at(option, node->text) < 0)
		expected = conf_parse_address(node->text);
	else if (option->type == OW_T_POINTER)
		expected = conf_parse_pointer(node->text);
	if (expected)
		return must_be_or_word(check, option, node, expected, NULL);
	/* A secret that is empty, by an empty variable say, would let everybody in. */
	bool needs_text = conf_is_secret(option) || option->type == OW_T_REFERENCE;
	if (needs_text && node->text[0] == '\0') {
		conf_option_error(check, option, node->mark, "must not be empty");
		return false;
	}
	return true;
}

static bool set_text(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	if (!text_fits(check, option, node))
		return false;
	const char *text = arena_string(check->arena, node->text);
	put(option, conf, &text, sizeof(text));
	return true;
}

/* ---- Lists and pairs ---- */

static bool count_fits(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, size_t count)
{
	char range[RANGE_SIZE];
	if (in_range(option, (int64_t)count))
		return true;
	conf_value_range(option, range);
	conf_option_error(
	    check, option, node->mark, "must have %s items, not %zu", range, count);
	return false;
}

/* Copies the text of a list's item or a pair's value; NULL after complaining. */
static const char *copy_item(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *item, const char *whose)
{
	if (item->broken)
		return NULL;
	if (item->type != CONF_SCALAR || item->is_null) {
		conf_option_error(check, option, item->mark, "%s must be a text, not %s", whose,
		    conf_type_name(item));
		return NULL;
	}
	if (conf_is_secret(option) && item->text[0] == '\0') {
		conf_option_error(check, option, item->mark, "%s must not be empty", whose);
		return NULL;
	}
	return arena_string(check->arena, item->text);
}

static bool set_list(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	if (node->type == CONF_MAPPING || node->is_null)
		return must_be(check, option, node, "a list", NULL);
	bool ok = true;
	size_t count = node->type == CONF_SEQUENCE ? node->count : 1, i = 0;
	const char **items = arena_alloc(check->arena, count * sizeof(*items));
	if (node->type == CONF_SCALAR) {
		items[0] = copy_item(check, option, node, "is a list: each item");
		ok = items[0];
	} else {
		conf_each(node, item)
		{
			items[i] = copy_item(check, option, item, "is a list: each item");
			ok = items[i++] && ok;
		}
	}
	ok = count_fits(check, option, node, count) && ok;
	struct ow_list list = {items, count};
	if (ok)
		put(option, conf, &list, sizeof(list));
	return ok;
}

static bool set_pairs(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	if (node->type != CONF_MAPPING)
		return must_be(check, option, node, "a mapping (`name: value`)", NULL);
	bool ok = true;
	size_t i = 0;
	const char **names = arena_alloc(check->arena, node->count * sizeof(*names));
	const char **values = arena_alloc(check->arena, node->count * sizeof(*values));
	conf_each(node, item)
	{
		names[i] = arena_string(check->arena, item->key);
		values[i] = copy_item(check, option, item, "is a mapping: each value");
		ok = values[i++] && ok;
	}
	ok = count_fits(check, option, node, node->count) && ok;
	struct ow_pairs pairs = {names, values, node->count};
	if (ok)
		put(option, conf, &pairs, sizeof(pairs));
	return ok;
}

/* ---- Trees ---- */

static bool set_tree(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	const char *problem = NULL;
	const struct conf_node *where = NULL;
	const struct ow_node *tree = conf_plain(node, check->arena, &where, &problem);
	if (tree)
		put(option, conf, &tree, sizeof(tree));
	else if (problem)
		conf_option_error(check, option, where->mark, "%s", problem);
	return tree != NULL;
}

/* ---- Any ---- */

/* What a list or mapping in place of a scalar should have been. */
static const char *expected_scalar(unsigned type)
{
	int64_t n;
	bool b;
	switch (type) {
	case OW_T_INT:
		return conf_parse_int("", &n);
	case OW_T_BOOL:
		return conf_parse_bool("", &b);
	case OW_T_DURATION:
		return conf_parse_duration("", &n);
	case OW_T_SIZE:
		return conf_parse_size("", &n);
	default:
		return "a text";
	}
}

bool conf_value_set(const struct conf_check *check, const struct ow_option *option,
    const struct conf_node *node, void *conf)
{
	if (node->broken)
		return false;
	if (option->type == OW_T_LIST)
		return set_list(check, option, node, conf);
	if (option->type == OW_T_PAIRS)
		return set_pairs(check, option, node, conf);
	if (option->type == OW_T_TREE)
		return set_tree(check, option, node, conf);
	if (option->type == CONF_T_TREE) {
		put(option, conf, &node, sizeof(node));
		return true;
	}
	if (node->type != CONF_SCALAR)
		return must_be(check, option, node, expected_scalar(option->type), NULL);
	switch (option->type) {
	case OW_T_INT:
	case OW_T_DURATION:
	case OW_T_SIZE:
		return set_number(check, option, node, conf);
	case OW_T_BOOL:
		return set_bool(check, option, node, conf);
	case OW_T_ENUM:
		return set_enum(check, option, node, conf);
	default:
		return set_text(check, option, node, conf);
	}
}

bool conf_value_set_default(
    const struct conf_check *check, const struct ow_option *option, void *conf)
{
	static const char name[] = "default";
	struct conf_node scalar = {
	    .type = CONF_SCALAR, .mark = {.file = name}, .text = option->dflt};
	const struct conf_node *node = &scalar;
	if (!option->dflt)
		return true;
	if (option->type == OW_T_LIST || option->type == OW_T_PAIRS ||
	    option->type == OW_T_TREE) {
		/* A tree's root is a mapping. */
		char *text = arena_printf(check->arena, "default: %s", option->dflt);
		node = conf_get(
		    conf_tree_parse(name, text, strlen(text), check->arena, check->report),
		    "default");
		if (!node)
			return false;
	}
	return conf_value_set(check, option, node, conf);
}
