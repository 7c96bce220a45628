#include "daemon/dead_command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "conf/scalar.h"
#include "daemon/cli.h"
#include "daemon/dead_print.h"
#include "spool/state_lock.h"

/* A question, understood. */
struct request {
	const struct dead_question *question;
	struct dead_filter filter; /* but for the id */
	struct dead_replay replay;
	bool json;
	FILE *out;
	const struct settings *settings; /* NULL: without a configuration */
	json_t *strays;			 /* {route: how many}: replayed, and not configured */
};

/* What was changed, and which ids were no dead letters. */
struct answer {
	int64_t count;
	json_t *missing;
};

struct verb {
	const char *name;
	const char *done; /* NULL: it prints what it finds */
	bool whole;	  /* prints the contents, too */
	bool all;	  /* also without saying which */
	bool (*change)(struct dead_letters *d, const struct dead_filter *f,
	    const struct request *r, int64_t *count);
};

static bool replay(struct dead_letters *d, const struct dead_filter *f, const struct request *r,
    int64_t *count)
{
	return dead_replay(d, f, &r->replay, count);
}

static bool drop(struct dead_letters *d, const struct dead_filter *f, const struct request *r,
    int64_t *count)
{
	(void)r;
	return dead_drop(d, f, count);
}

static const struct verb verbs[] = {
    {.name = "list", .all = true},
    {.name = "show", .whole = true},
    {.name = "replay", .done = "replayed", .change = replay},
    {.name = "drop", .done = "dropped", .change = drop},
};

void dead_command_help(FILE *out)
{
	fputs(
	    "Usage: onceway dead list|show|replay|drop [ID...] -c FILE | --state-dir DIR "
	    "[OPTIONS]\n\n"
	    "  list      one line for each dead letter, without what it holds\n"
	    "  show      all there is: attempts, the last answer, headers, body\n"
	    "  replay    put them back, to be delivered by the daemon\n"
	    "  drop      delete them\n\n"
	    "Which: IDs, or all that the following options leave. show, replay and drop want\n"
	    "at least one of these.\n"
	    "      --route NAME        of that route\n"
	    "      --key TEXT          whose key, with its prefix, begins with that\n"
	    "      --reason TEXT       whose reason has that in it\n"
	    "      --since TIME        that died then or later\n"
	    "      --until TIME        that died before\n"
	    "      --all               all\n"
	    "TIME is 2026-11-21, 2026-11-21T08:00:00Z (UTC), or a duration ago: 2h.\n\n"
	    "  -c, --config FILE       configuration, which says where state_dir is\n"
	    "      --state-dir DIR     the same, without a configuration\n"
	    "      --format FORMAT     text or json\n"
	    "      --rate N/s          replay: so many in a second (/m: a minute, /h: an "
	    "hour)\n"
	    "      --honour            replay: not if the key is known, as a duplicate would "
	    "be\n"
	    "      --plugin-dir DIR    look for plugins here first; may be repeated\n\n"
	    "Ends with 0; with 1 if the file cannot be used, or an ID is no dead letter.\n",
	    out);
}

/* ---- the question ---- */

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "onceway: %s%s%s%s; see `onceway dead --help`\n", what,
	    which ? " `" : "", which ? which : "", which ? "`" : "");
	return EXIT_USAGE;
}

static const struct verb *find_verb(const struct dead_question *q)
{
	for (size_t i = 0; q->word_count > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, q->words[0]) == 0)
			return &verbs[i];
	return NULL;
}

static bool parse_id(const char *text, int64_t *id)
{
	return text_number(text_of(text), INT64_MAX, id) && *id > 0;
}

/* "", "Z" or a fraction of a second. */
static bool ends_time(const char *text)
{
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	return strcmp(text, "") == 0 || strcmp(text, "Z") == 0;
}

static bool parse_time(const char *text, int64_t now_ms, int64_t *out)
{
	static const char *const formats[] = {
	    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
	int64_t ago;
	if (!conf_parse_duration(text, &ago)) {
		*out = now_ms - ago;
		return true;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {.tm_sec = 0};
		const char *rest = strptime(text, formats[i], &tm);
		if (rest && ends_time(rest)) {
			*out = (int64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	return false;
}

/* 5/s, 100/m */
static bool parse_rate(const char *text, struct dead_replay *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : 0;
	if (!slash || !text_number(text_span(text, len), 1000000, &out->count) ||
	    out->count == 0 || strlen(slash) != 2)
		return false;
	out->each_ms = slash[1] == 's' ? 1000 : slash[1] == 'm' ? 60000 : 3600000;
	return strchr("smh", slash[1]) != NULL;
}

static bool says_which(const struct dead_question *q)
{
	return q->word_count > 1 || q->all || q->route || q->key || q->reason || q->since ||
	       q->until;
}

/* 0, or EXIT_USAGE after saying what is wrong. */
static int understand(const struct dead_question *q, struct request *r)
{
	struct clock clock;
	int64_t id;
	const struct verb *verb = find_verb(q);
	clock_init_system(&clock);
	int64_t now = clock_wall(&clock);
	*r = (struct request){.question = q,
	    .filter = {.route = q->route,
		.key = q->key,
		.reason = q->reason,
		.until_ms = INT64_MAX},
	    .replay = {.mode = q->honour ? SPOOL_REPLAY_HONOUR : SPOOL_REPLAY_PAST,
		.now_ms = now},
	    .json = strcmp(q->format, "json") == 0};
	/* What dies from now on is not meant: a replay that fails at once would be found again,
	 * and again. All others may have died in the future, of a clock that was ahead. */
	if (verb && verb->change == replay && q->word_count < 2)
		r->filter.until_ms = now + 1;
	if (!verb)
		return wrong("say what: list, show, replay or drop, not",
		    q->word_count > 0 ? q->words[0] : "");
	for (size_t i = 1; i < q->word_count; i++)
		if (!parse_id(q->words[i], &id))
			return wrong("an ID is a number, not", q->words[i]);
	if (!r->json && strcmp(q->format, "text") != 0)
		return wrong("--format must be text or json, not", q->format);
	if (q->since && !parse_time(q->since, now, &r->filter.since_ms))
		return wrong("--since must be a time or a duration, not", q->since);
	if (q->until && !parse_time(q->until, now, &r->filter.until_ms))
		return wrong("--until must be a time or a duration, not", q->until);
	if ((q->rate || q->honour) && verb->change != replay)
		return wrong("--rate and --honour are for replay", NULL);
	if (q->rate && !parse_rate(q->rate, &r->replay))
		return wrong("--rate must be such as 5/s or 100/m, not", q->rate);
	if (!verb->all && !says_which(q))
		return wrong("say which: IDs, a filter, or --all", NULL);
	return 0;
}

int dead_command_check(const struct dead_question *question)
{
	struct request r;
	return understand(question, &r);
}

/* ---- the answer ---- */

/* Was it said before that word? A letter replayed twice would be missing the second time. */
static bool is_repeated(const struct dead_question *q, size_t word, int64_t id)
{
	int64_t other;
	for (size_t i = 1; i < word; i++)
		if (parse_id(q->words[i], &other) && other == id)
			return true;
	return false;
}

/* For each id, or once. False: the file failed. */
static bool do_each(struct dead_letters *d, const struct verb *verb, const struct request *r,
    struct dead_printer *printer, struct answer *a)
{
	const struct dead_question *q = r->question;
	struct dead_filter f = r->filter;
	size_t rounds = q->word_count > 1 ? q->word_count - 1 : 1;
	for (size_t i = 0; i < rounds; i++) {
		int64_t before = a->count;
		if (q->word_count > 1 &&
		    (!parse_id(q->words[i + 1], &f.id) || is_repeated(q, i + 1, f.id)))
			continue;
		if (!(verb->change ? verb->change(d, &f, r, &a->count)
				   : dead_each(d, &f, dead_print, printer, &a->count))) {
			fprintf(stderr, "onceway: %s\n", dead_error(d));
			return false;
		}
		if (f.id == 0 || a->count > before)
			continue;
		json_array_append_new(a->missing, json_integer(f.id));
		fprintf(stderr, "onceway: there is no dead letter %" PRId64 "%s\n", f.id,
		    says_which(&(struct dead_question){.route = q->route,
			.key = q->key,
			.reason = q->reason,
			.since = q->since,
			.until = q->until})
			? " that the other options leave"
			: "");
	}
	return true;
}

/* When the last one is due. */
static void print_last(const struct request *r, int64_t count)
{
	char duration[32];
	const struct dead_replay *how = &r->replay;
	if (how->count == 0 || count < 2)
		return;
	int64_t ms = (count - 1) * how->each_ms / how->count;
	conf_format_duration(ms < 1000 ? 1000 : ms / 1000 * 1000, duration);
	fprintf(r->out, ", the last one after %s", duration);
}

/* Nobody takes it up before its route is back. */
static void note_stray(struct ow_text route, void *arg)
{
	struct request *r = arg;
	for (const struct route_settings *it = r->settings->routes; it; it = it->next)
		if (text_equal(text_of(it->name), route))
			return;
	json_t *before = json_object_getn(r->strays, route.data, route.len);
	json_object_setn_new(
	    r->strays, route.data, route.len, json_integer(json_integer_value(before) + 1));
}

static void print_strays(const struct request *r)
{
	const char *route;
	json_t *count;
	json_object_foreach(r->strays, route, count)
	{
		fprintf(stderr,
		    "onceway: %" JSON_INTEGER_FORMAT
		    " of them of route `%s`, which %s does not have: delivered once it has, "
		    "within onceway.spool.max_age\n",
		    json_integer_value(count), route, r->settings->file);
	}
}

static void print_change(const struct verb *verb, const struct request *r,
    const char *directory, const struct answer *a)
{
	long pid;
	bool running = state_lock_is_held(directory, &pid);
	if (r->json) {
		json_t *out = json_pack("{s:I, s:O, s:b}", verb->done, (json_int_t)a->count,
		    "missing", a->missing, "daemon", (int)running);
		if (verb->change == replay && r->settings)
			json_object_set(out, "strays", r->strays);
		json_dumpf(out, r->out, 0);
		fputc('\n', r->out);
		json_decref(out);
		return;
	}
	fprintf(r->out, "%s %" PRId64 " dead letter%s", verb->done, a->count,
	    a->count == 1 ? "" : "s");
	if (verb->change == replay && a->count > 0) {
		if (running)
			fprintf(
			    r->out, ": the daemon (pid %ld) takes them within a second", pid);
		else
			fprintf(r->out,
			    ": no daemon uses %s now; they are delivered when one starts",
			    directory);
		print_last(r, a->count);
	}
	fputc('\n', r->out);
}

static int answer(struct dead_letters *d, const struct request *r, const char *directory)
{
	const struct verb *verb = find_verb(r->question);
	struct dead_printer printer = {.out = r->out, .json = r->json, .whole = verb->whole};
	struct answer a = {.missing = json_array()};
	if (!verb->change)
		dead_print_begin(&printer);
	bool good = do_each(d, verb, r, &printer, &a);
	if (!verb->change)
		dead_print_end(&printer);
	else
		print_change(verb, r, directory, &a);
	if (!r->json)
		print_strays(r);
	good = good && json_array_size(a.missing) == 0;
	json_decref(a.missing);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int dead_command(
    const struct settings *settings, const struct dead_question *question, FILE *out)
{
	struct request r;
	char why[SPOOL_WHY_SIZE];
	const char *directory =
	    question->state_dir ? question->state_dir : settings->process.state_dir;
	int status = understand(question, &r);
	if (status != 0)
		return status;
	if (!directory) {
		fprintf(stderr,
		    "onceway: %s has no onceway.state_dir, and so no dead letters; set it, or "
		    "say --state-dir DIR\n",
		    settings->file);
		return EXIT_FAILURE;
	}
	r.out = out;
	r.settings = settings;
	r.strays = json_object();
	r.replay.replayed = settings ? note_stray : NULL;
	r.replay.arg = &r;
	struct dead_letters *d = dead_open(directory, why);
	status = EXIT_FAILURE;
	if (d)
		status = answer(d, &r, directory);
	else
		fprintf(stderr, "onceway: %s\n", why);
	dead_close(d);
	json_decref(r.strays);
	return status;
}
