#include "daemon/route_rules.h"

#include <string.h>

#include "conf/check.h"
#include "conf/scalar.h"

/*
 * A copy that waits for another worker or process asks the store again within
 * this time; a result whose window is over by then is one it never sees.
 */
#define LEAST_WINDOW_MS 2000

/* Where to point: at the option if it is written down, else at the route. */
static struct conf_mark mark_of(const struct route_settings *r, const char *option)
{
	const struct conf_node *node = conf_option_node(r->node, option);
	return node ? node->mark : r->node->key_mark;
}

static void check_fallback(const struct route_settings *r, struct conf_report *report)
{
	const struct conf_node *node = conf_option_node(r->node, "on_store_error");
	const struct conf_node *named = conf_option_node(r->node, "on_store_error.fallback");
	const char *name = r->fallback_name;
	/* Whatever else stands there was complained about. */
	if (!node)
		return;
	bool empty = node->type == CONF_MAPPING && !node->first;
	if (empty || (named && named->is_null && !named->broken))
		conf_error(report, node->mark,
		    "route `%s`: option `on_store_error.fallback` is missing: name a store, or "
		    "write `on_store_error: reject`",
		    r->name);
	if (named && name && r->store_name && strcmp(name, r->store_name) == 0)
		conf_error(report, named->mark,
		    "route `%s`: option `on_store_error.fallback` is the route's own store %s: "
		    "name another one",
		    r->name, conf_quote(report, name));
}

/* What is kept needs a place: said where it is asked for. */
static void check_state_dir(
    const struct settings *s, const struct route_settings *r, struct conf_report *report)
{
	const struct route_policy *p = &r->policy;
	const struct {
		const char *option;
		bool asks;
		const char *other;
	} wishes[] = {
	    {"ack", p->ack == ACK_ACCEPTED, "`ack: delivered`"},
	    {"answer_within", p->answer_within_ms > 0, "no `answer_within`"},
	    {"dead_letter", p->dead_letter == DEAD_LETTER_TRUE, "`dead_letter: false`"},
	    {"on_missing", p->on_missing == ON_MISSING_DEAD_LETTER, "`on_missing: reject`"},
	    {"on_unknown", p->on_unknown == ON_UNKNOWN_HOLD, "`on_unknown: release`"},
	};
	if (s->process.state_dir)
		return;
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		const struct conf_node *node = conf_option_node(r->node, wishes[i].option);
		if (wishes[i].asks && node)
			conf_error(report, node->mark,
			    "route `%s`: option `%s` keeps events on disk, and there is no "
			    "directory for them: set `onceway: {state_dir: DIRECTORY}`, or "
			    "write %s",
			    r->name, wishes[i].option, wishes[i].other);
	}
}

/* The source is told only once; what it is told must be known by then. */
static void check_ack(const struct route_settings *r, struct conf_report *report)
{
	if (r->policy.ack != ACK_ACCEPTED)
		return;
	if (r->policy.answer_within_ms > 0)
		conf_error(report, mark_of(r, "answer_within"),
		    "route `%s`: option `answer_within` is for `ack: delivered`: with `ack: "
		    "accepted` every event is answered as soon as it is on disk; leave one of "
		    "them out",
		    r->name);
	if (r->policy.respond == RESPOND_SINK)
		conf_error(report, mark_of(r, "respond"),
		    "route `%s`: option `respond` is `sink`, but with `ack: accepted` the "
		    "source is answered before the sink: use `vendor` or `plain`",
		    r->name);
}

static void check_dead_letter(const struct route_settings *r, struct conf_report *report)
{
	const char *option = r->policy.on_missing == ON_MISSING_DEAD_LETTER ? "on_missing"
			     : r->policy.on_unknown == ON_UNKNOWN_HOLD	    ? "on_unknown"
									    : NULL;
	if (r->policy.dead_letter != DEAD_LETTER_FALSE || !option ||
	    !conf_option_node(r->node, option))
		return;
	conf_error(report, mark_of(r, "dead_letter"),
	    "route `%s`: option `dead_letter` is `false`, but `%s` makes dead letters: change "
	    "one of them",
	    r->name, option);
}

/* Beyond either time there is nobody left to answer, or nothing left to wait for. */
static void check_answer_within(const struct route_settings *r, struct conf_report *report)
{
	int64_t within = r->policy.answer_within_ms;
	int64_t limit = settings_source_nature(r->source).answer_limit_ms;
	char text[32], other[32];
	conf_format_duration(within, text);
	if (within > 0 && limit > 0 && within >= limit) {
		conf_format_duration(limit, other);
		conf_error(report, mark_of(r, "answer_within"),
		    "route `%s`: option `answer_within` is %s, but who sends to source `%s` "
		    "hangs up after %s: make it less than that",
		    r->name, text, r->from, other);
	} else if (within >= r->policy.deadline_ms) {
		conf_format_duration(r->policy.deadline_ms, other);
		conf_error(report, mark_of(r, "answer_within"),
		    "route `%s`: option `answer_within` is %s, but delivery ends with "
		    "`deadline`, after %s: make it less than that, or raise `deadline`",
		    r->name, text, other);
	}
}

/*
 * An attempt may last that long under one claim. A claim that is shorter would
 * have to be renewed in time during each single attempt.
 */
static void check_lock(const struct route_settings *r, struct conf_report *report)
{
	int64_t deadline = r->policy.deadline_ms;
	int64_t attempt = settings_sink_policy(r->sink).attempt_ms;
	bool own_limit = attempt > 0 && attempt < deadline;
	char lock_text[32], text[32];
	if (!own_limit)
		attempt = deadline;
	if (r->policy.lock_ms >= attempt)
		return;
	conf_format_duration(r->policy.lock_ms, lock_text);
	conf_format_duration(attempt, text);
	if (own_limit)
		conf_error(report, mark_of(r, "lock"),
		    "route `%s`: option `lock` is %s, but one attempt of sink `%s` may last "
		    "%s: raise `lock` to at least that, or lower the sink's time limit or "
		    "`deadline`",
		    r->name, lock_text, r->to, text);
	else
		conf_error(report, mark_of(r, "lock"),
		    "route `%s`: option `lock` is %s, but one attempt of sink `%s` may last as "
		    "long as `deadline`, %s: raise `lock` to at least that, or lower "
		    "`deadline`",
		    r->name, lock_text, r->to, text);
}

static void check_mismatch(const struct route_settings *r, struct conf_report *report)
{
	if (r->policy.on_mismatch == ON_MISMATCH_IGNORE ||
	    r->policy.in_progress != IN_PROGRESS_ACK)
		return;
	conf_error(report, mark_of(r, "in_progress"),
	    "route `%s`: option `in_progress` is `ack`, so a copy that comes during delivery "
	    "is "
	    "acknowledged before `on_mismatch` can compare it: use `wait` or `reject`",
	    r->name);
}

static void check_window(const struct route_settings *r, struct conf_report *report)
{
	char text[32];
	if (r->policy.window_ms == 0 || r->policy.window_ms >= LEAST_WINDOW_MS ||
	    r->policy.in_progress != IN_PROGRESS_WAIT)
		return;
	conf_format_duration(r->policy.window_ms, text);
	conf_warning(report, mark_of(r, "window"),
	    "route `%s`: option `window` is %s: a copy that waits for another worker or "
	    "process "
	    "can miss the result, and is then delivered; make it at least 2s",
	    r->name, text);
}

/* What a keyer puts before its keys, by the option of that name; NULL: it has none. */
static const char *prefix_of(const struct component_settings *keyer)
{
	struct ow_option o;
	const char *prefix;
	for (size_t i = 0; conf_table_at(keyer->component->table, i, &o); i++) {
		if (strcmp(o.name, "prefix") != 0 || o.type != OW_T_STRING)
			continue;
		memcpy(&prefix, (const char *)keyer->conf + o.offset, sizeof(prefix));
		return prefix;
	}
	return NULL;
}

static bool share_keys(const struct route_settings *a, const struct route_settings *b)
{
	const char *one = prefix_of(a->keyer), *other = prefix_of(b->keyer);
	return a->store == b->store && a->keyer->component == b->keyer->component &&
	       strcmp(one ? one : "", other ? other : "") == 0;
}

/*
 * The same event on two ways to one sink may well be meant; to two sinks it hardly
 * is. Of one source's routes only one gets it.
 */
static void check_shared_keys(
    const struct settings *s, const struct route_settings *r, struct conf_report *report)
{
	for (const struct route_settings *o = s->routes; o != r; o = o->next) {
		if (!share_keys(o, r) || o->sink == r->sink || o->source == r->source)
			continue;
		conf_warning(report, r->node->key_mark,
		    "route `%s` and route `%s` (line %d) share their keys in store `%s`, but "
		    "not their sink: what one has delivered is a duplicate to the other, whose "
		    "sink never gets it; give one's keyer another `prefix`, or one another "
		    "store (for a copy to a second sink there is `also`)",
		    r->name, o->name, o->node->key_mark.line, r->store_name);
		return;
	}
}

void route_rules_check(const struct settings *s, struct conf_report *report)
{
	for (const struct route_settings *r = s->routes; r; r = r->next) {
		check_fallback(r, report);
		check_mismatch(r, report);
		check_state_dir(s, r, report);
		check_ack(r, report);
		check_dead_letter(r, report);
	}
	/* What was misspelt has its default, and could complain of a time nobody wrote. */
	if (report->errors > 0)
		return;
	for (const struct route_settings *r = s->routes; r; r = r->next) {
		check_lock(r, report);
		check_window(r, report);
		check_answer_within(r, report);
	}
	for (const struct route_settings *r = s->routes; r && report->errors == 0; r = r->next)
		check_shared_keys(s, r, report);
}
