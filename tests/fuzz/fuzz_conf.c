/*
 * Any bytes as a configuration: the file becomes a tree, and each member of
 * its root is checked against a table with an option of every type.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "tests/unit/conf/sample.h"

#define SECRET "0nly-in-the-environment"

/* Not assert(): this must hold with NDEBUG too. */
static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void walk(const struct conf_node *node, int depth)
{
	size_t count = 0;
	require(depth <= CONF_DEPTH_MAX + 1, "depth is bounded");
	require(node->mark.line > 0 && node->mark.column > 0, "every node has a mark");
	require((node->type == CONF_SCALAR) == (node->text != NULL), "scalars have text");
	require(!node->broken || node->text[0] == '\0', "a broken node has no text");
	conf_each(node, child)
	{
		bool named = child->key && child->key[0] && child->key_mark.line > 0;
		require((node->type == CONF_MAPPING) == named, "members have keys");
		walk(child, depth + 1);
		count++;
	}
	require(count == node->count, "children are counted");
}

static void check_values(const struct sample *s)
{
	require(s->url && s->name && s->label, "texts are there");
	require(s->attempts >= 1 && s->attempts <= 100, "a number is in its range");
	require(s->timeout_ms >= 1 && s->timeout_ms <= 90000, "a duration is in its range");
	require(s->max_body >= 1024 && s->max_body <= 1 << 30, "a size is in its range");
	require(s->jitter >= 0 && s->jitter <= 2, "a choice is one of the choices");
	require(s->on.count >= 1 && s->on.count <= 4, "a list is in its range");
	for (size_t i = 0; i < s->on.count; i++)
		require(s->on.items[i] != NULL, "items are there");
	for (size_t i = 0; i < s->headers.count; i++)
		require(s->headers.names[i] && s->headers.values[i], "pairs are there");
	require(!s->token || s->token[0], "a secret is not empty");
}

static void check_section(
    struct conf_report *report, struct arena *arena, const struct conf_node *node)
{
	static const char *const also[] = {"plugin", NULL};
	struct sample sample;
	struct conf_check check = {sample_table, "section", also, arena, report};
	memset(&sample, 0, sizeof(sample));
	if (conf_check_options(&check, node, node->mark, &sample))
		check_values(&sample);
	else
		require(report->errors > 0, "a refusal has a reason");
}

static void check_output(const struct conf_report *report, bool secret_in_file)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	require(out != NULL, "memory");
	conf_report_print(report, out);
	fclose(out);
	require(secret_in_file || !strstr(text, SECRET), "a variable's value is never shown");
	int lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	int shown =
	    report->errors + report->warnings - report->left_out + (report->left_out > 0);
	require(lines == shown, "a complaint is one line");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct conf_report report;
	/* Files outside are not the fuzzer's to read. */
	if (memmem(data, size, "file:", 5))
		return 0;
	conf_report_init(&report);
	setenv("S", SECRET, 1);
	const struct conf_node *root =
	    conf_tree_parse("fuzz.yaml", (const char *)data, size, &arena, &report);
	require(root || report.errors > 0, "a refusal has a reason");
	if (root)
		walk(root, 1);
	conf_each(root, section) check_section(&report, &arena, section);
	check_output(&report, memmem(data, size, SECRET, strlen(SECRET)) != NULL);
	conf_report_free(&report);
	arena_free(&arena);
	return 0;
}
