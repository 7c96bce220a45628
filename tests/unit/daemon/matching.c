#include "tests/unit/daemon/matching.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/check.h"
#include "daemon/match_options.h"
#include "plugin/event.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static char *complaints;

void matching_start(void)
{
	rig_start(rig_usual());
}

void matching_stop(void)
{
	rig_stop();
	free(complaints);
	complaints = NULL;
}

static struct match *compile(const char *match, struct conf_report *report)
{
	struct arena arena = ARENA_INIT;
	char *yaml = arena_printf(&arena, "match: %s\n", match);
	const struct conf_node *root =
	    conf_tree_parse("m.yaml", yaml, strlen(yaml), &arena, report);
	struct match_options options = {conf_option_node(root, "match.path"),
	    conf_option_node(root, "match.headers"), conf_option_node(root, "match.event")};
	struct match *m = match_options_read(&options, "route `r`", report);
	/* What was read is gone: the match must have copied all that it needs. */
	arena_free(&arena);
	return m;
}

const char *matching_complaints(const char *match)
{
	struct conf_report report;
	size_t len;
	free(complaints);
	conf_report_init(&report);
	match_free(compile(match, &report));
	FILE *out = open_memstream(&complaints, &len);
	ck_assert_ptr_nonnull(out);
	conf_report_print(&report, out);
	fclose(out);
	conf_report_free(&report);
	return complaints;
}

static struct ow_event *make_event(const struct matched *from)
{
	struct ow_event *event = event_create(rig.source);
	event_put_body(
	    event, from->body ? from->body : "", from->body ? strlen(from->body) : 0);
	if (from->path)
		event_put_path(event, text_of(from->path));
	for (size_t i = 0; from->headers && from->headers[i]; i++) {
		const char *colon = strchr(from->headers[i], ':');
		char *name =
		    mem_string_of(from->headers[i], (size_t)(colon - from->headers[i]));
		event_put_header(event, name, colon + 2);
		free(name);
	}
	return event;
}

enum match_answer matching_ask(const char *match, const struct matched *from)
{
	struct conf_report report;
	conf_report_init(&report);
	struct match *m = compile(match, &report);
	ck_assert_msg(report.errors == 0, "%s: %s", match, conf_report_text(&report));
	ck_assert_ptr_nonnull(m);
	struct matcher *matcher = matcher_new(m, worker_pointers(rig.worker));
	struct ow_event *event = make_event(from);
	enum match_answer answer = matcher_ask(matcher, event);
	event_release(event);
	matcher_free(matcher);
	match_free(m);
	conf_report_free(&report);
	return answer;
}

bool matching_event(const char *pattern, const char *body)
{
	struct arena arena = ARENA_INIT;
	const char *match = arena_printf(&arena, "{event: %s}", pattern);
	enum match_answer answer = matching_ask(match, &(struct matched){.body = body});
	ck_assert_msg(answer != MATCH_UNREADABLE, "%s", body);
	arena_free(&arena);
	return answer == MATCH_YES;
}
