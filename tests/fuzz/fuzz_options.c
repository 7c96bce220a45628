/*
 * Option tables nobody would write, and values for them. Input: one line for
 * each option (type, flags, offset, name, default, range, choices), an empty
 * line, and a YAML mapping.
 *
 * A table is refused by the lint, or works: it is described in every format,
 * and whatever the mapping holds, the struct is written only where the options
 * lie, with values in their range, or there is a complaint.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/check.h"
#include "conf/describe.h"
#include "conf/value.h"
#include "json/scan.h"

#define OPTIONS_MAX 8
#define CONF_SIZE   128
#define UNTOUCHED   0x00

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* ---- the table ---- */

static char *next_field(char **line)
{
	char *field = strsep(line, "|");
	return field && field[0] ? field : NULL;
}

static int64_t number_of(const char *text)
{
	return text ? strtoll(text, NULL, 0) : 0;
}

/* "a,b,c" as a list that ends with NULL. */
static const char *const *choices_of(char *text, struct arena *arena)
{
	const char **choices = arena_alloc(arena, 9 * sizeof(*choices));
	size_t count = 0;
	if (!text)
		return NULL;
	while (text && count < 8)
		choices[count++] = strsep(&text, ",");
	return choices;
}

static struct ow_option read_option(char *line, struct arena *arena)
{
	struct ow_option o = {.type = (uint16_t)number_of(next_field(&line))};
	o.flags = (uint16_t)number_of(next_field(&line));
	o.offset = (uint32_t)number_of(next_field(&line));
	o.name = next_field(&line);
	o.dflt = next_field(&line);
	o.min = number_of(next_field(&line));
	o.max = number_of(next_field(&line));
	o.choices = choices_of(next_field(&line), arena);
	o.help = line && line[0] ? line : "What it is.";
	return o;
}

/* Reads the lines up to an empty one; returns what follows. */
static char *read_table(char *text, struct ow_option *options, struct arena *arena)
{
	size_t count = 0;
	while (text) {
		char *line = strsep(&text, "\n");
		if (!line[0])
			break;
		if (count < OPTIONS_MAX)
			options[count++] = read_option(line, arena);
	}
	return text ? text : arena_string(arena, "");
}

/* ---- what must hold ---- */

static size_t count_choices(const struct ow_option *o)
{
	size_t count = 0;
	while (o->choices && o->choices[count])
		count++;
	return count;
}

static void check_value(const struct ow_option *o, const char *conf)
{
	int64_t number;
	int choice;
	const char *text;
	int64_t words = (int64_t)count_choices(o);
	switch (o->type) {
	case OW_T_INT:
	case OW_T_DURATION:
	case OW_T_SIZE:
		memcpy(&number, conf + o->offset, sizeof(number));
		/* An option without a default that is not there stays zero. */
		require((o->min == 0 && o->max == 0) || (!o->dflt && number == 0) ||
			    (number >= o->min && number <= o->max) ||
			    (number <= OW_WORD(0) && number > OW_WORD(words)),
		    "a number is in its range, or a word");
		return;
	case OW_T_ENUM:
		memcpy(&choice, conf + o->offset, sizeof(choice));
		require(choice >= 0 && choice < words, "a choice is one of the choices");
		return;
	case OW_T_BOOL:
		require((unsigned char)conf[o->offset] <= 1, "a truth is true or false");
		return;
	case OW_T_LIST:
	case OW_T_PAIRS:
	case OW_T_TREE:
		return;
	default:
		memcpy(&text, conf + o->offset, sizeof(text));
		require(text || !(o->flags & OW_O_REQUIRED), "what is required is there");
		require(!text || strlen(text) < 1 << 21, "a text is one");
	}
}

static void check_untouched(const struct ow_option *options, const char *conf)
{
	bool covered[CONF_SIZE] = {false};
	for (const struct ow_option *o = options; o->name; o++)
		for (size_t i = 0; i < conf_value_size(o->type); i++)
			covered[o->offset + i] = true;
	for (size_t i = 0; i < CONF_SIZE; i++)
		require(covered[i] || conf[i] == UNTOUCHED, "only options are written");
}

static void check_mapping(struct conf_table table, char *yaml, struct arena *arena)
{
	struct conf_report report;
	conf_report_init(&report);
	const struct conf_node *root =
	    conf_tree_parse("fuzz.yaml", yaml, strlen(yaml), arena, &report);
	/* Just as long as it is, so that a sanitizer sees what goes beyond. */
	char *conf = mem_zero(CONF_SIZE);
	const struct conf_mark at = {.file = "fuzz.yaml"};
	struct conf_check check = {
	    .table = table, .what = "part `x`", .arena = arena, .report = &report};
	bool good = conf_check_options(&check, root, at, conf);
	require(good || report.errors > 0, "a refusal has a reason");
	check_untouched(table.options, conf);
	for (const struct ow_option *o = table.options; good && o->name; o++)
		check_value(o, conf);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	conf_report_print(&report, out);
	fclose(out);
	free(text);
	free(conf);
	conf_report_free(&report);
}

static void check_descriptions(struct conf_table table)
{
	static const enum conf_format formats[] = {CONF_TEXT, CONF_MARKDOWN, CONF_MAN};
	struct buf out = BUF_INIT;
	struct json_error error;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		buf_clear(&out);
		conf_describe(table, formats[i], &out);
		require(
		    !out.data || !memchr(out.data, 0x1b, out.len), "no terminal is steered");
	}
	buf_clear(&out);
	conf_describe(table, CONF_JSON, &out);
	require(json_scan(buf_text(&out), NULL, NULL, &error), "the JSON description is JSON");
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct ow_option options[OPTIONS_MAX + 1];
	/* Files outside are not the fuzzer's to read. */
	if (memmem(data, size, "file:", 5))
		return 0;
	memset(options, 0, sizeof(options));
	char *text = mem_string_of((const char *)data, size);
	char *yaml = read_table(text, options, &arena);
	const struct conf_table table = {options, sizeof(options[0])};
	if (!conf_table_lint(table, CONF_SIZE, &arena)) {
		check_descriptions(table);
		check_mapping(table, yaml, &arena);
	}
	free(text);
	arena_free(&arena);
	return 0;
}
