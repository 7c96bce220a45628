/* What the tests of this room share: an arena, a report, and what it prints. */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "conf/tree.h"

struct fixture {
	struct arena arena;
	struct conf_report report;
};

static inline void fixture_open(struct fixture *f)
{
	f->arena = ARENA_INIT;
	conf_report_init(&f->report);
}

static inline void fixture_close(struct fixture *f)
{
	conf_report_free(&f->report);
	arena_free(&f->arena);
}

static inline struct conf_node *fixture_parse(struct fixture *f, const char *yaml)
{
	return conf_tree_parse("f.yaml", yaml, strlen(yaml), &f->arena, &f->report);
}

/* All that the report prints, from the arena. */
static inline const char *fixture_printed(struct fixture *f)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
	conf_report_print(&f->report, out);
	fclose(out);
	const char *copy = arena_string(&f->arena, text);
	free(text);
	return copy;
}

#endif
