#include "daemon/cli.h"

#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <onceway/abi.h>

#include "daemon/dead_command.h"
#include "daemon/key_command.h"
#include "daemon/plugins_command.h"
#include "daemon/run.h"
#include "daemon/settings.h"
#include "daemon/version.h"
#include "io/tls_files.h"
#include "spool/spool.h"

#define PLUGIN_DIRS_MAX 16

/* What the options of all commands together can say. */
struct arguments {
	const char *config;
	struct key_question key;
	const char *format;
	const char *plugin_dirs[PLUGIN_DIRS_MAX + 1];
	size_t plugin_dir_count;
	struct dead_question dead;
	const char *const *operands;
	size_t operand_count;
};

struct command {
	const char *name, *usage, *help;
	const char *takes; /* letters of the options it knows */
	size_t operands;   /* takes at most so many more words */
	int (*run)(const struct arguments *args);
	void (*help_page)(FILE *out); /* NULL: it is in the common one */
};

static struct settings *load(const struct arguments *args, const char *consequence)
{
	struct conf_report report;
	conf_report_init(&report);
	struct settings *s = settings_load(args->config, args->plugin_dirs, &report);
	conf_report_print(&report, stderr);
	if (!s)
		fprintf(stderr, "onceway: %s: %d error%s%s\n", args->config, report.errors,
		    report.errors == 1 ? "" : "s", consequence);
	conf_report_free(&report);
	return s;
}

static int command_run(const struct arguments *args)
{
	struct settings *s = load(args, ", nothing started");
	if (!s)
		return EXIT_FAILURE;
	int status = run_daemon(s);
	settings_free(s);
	return status;
}

static int command_check(const struct arguments *args)
{
	struct settings *s = load(args, "");
	if (!s)
		return EXIT_FAILURE;
	size_t routes = 0;
	for (const struct route_settings *r = s->routes; r; r = r->next)
		routes++;
	printf("%s: ok, %zu route%s\n", args->config, routes, routes == 1 ? "" : "s");
	settings_free(s);
	return EXIT_SUCCESS;
}

static int command_key(const struct arguments *args)
{
	struct settings *s = load(args, "");
	if (!s)
		return EXIT_FAILURE;
	int status = key_command(s, &args->key, stdin, stdout);
	settings_free(s);
	return status;
}

static int command_plugins(const struct arguments *args)
{
	const char *name = args->operand_count > 0 ? args->operands[0] : NULL;
	return plugins_command(args->plugin_dirs, name, args->format, stdout);
}

static int command_dead(const struct arguments *args)
{
	struct dead_question q = args->dead;
	q.words = args->operands;
	q.word_count = args->operand_count;
	q.route = args->key.route;
	q.format = args->format;
	int status = dead_command_check(&q);
	if (status != 0)
		return status;
	struct settings *s = q.state_dir ? NULL : load(args, "");
	if (!s && !q.state_dir) {
		fputs("onceway: with --state-dir DIR no configuration is needed\n", stderr);
		return EXIT_FAILURE;
	}
	status = dead_command(s, &q, stdout);
	settings_free(s);
	return status;
}

static const struct command commands[] = {
    {"run", "run -c FILE", "run in the foreground until SIGTERM", "cP", 0, command_run, NULL},
    {"check", "check -c FILE", "check a configuration and report all of its errors", "cP", 0,
	command_check, NULL},
    {"key", "key -c FILE [-r ROUTE] [--explain]",
	"print the keys of events on standard input, one JSON document a line", "crPepH", 0,
	command_key, NULL},
    {"dead", "dead list|show|replay|drop [ID...] -c FILE",
	"look after events that could not be delivered; see dead --help", "cPrfDKRsuNoa",
	SIZE_MAX, command_dead, dead_command_help},
    {"plugins", "plugins [NAME] [--format text|json|markdown|man]",
	"list the plugins, or describe one", "fP", 1, command_plugins, NULL},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: onceway COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-52s %s\n", commands[i].usage, commands[i].help);
	fprintf(out, "  %-52s %s\n\n", "--version", "print versions");
	fprintf(out,
	    "Options:\n"
	    "  -c, --config FILE       configuration\n"
	    "  -r, --route NAME        route whose keyer is used (may be left out if there is "
	    "one\n"
	    "                          source: then each event goes to the route that takes "
	    "it)\n"
	    "      --path PATH         path that the events were posted to\n"
	    "      --header 'N: V'     header that they came with; may be repeated\n"
	    "      --explain           show the fields taken, the canonical bytes and the key\n"
	    "      --format FORMAT     text, json, markdown or man\n"
	    "      --plugin-dir DIR    look for plugins here first; may be repeated\n"
	    "  -h, --help              this text\n");
}

static int print_version(void)
{
	printf("onceway %s\nplugin ABI %d.%d\n"
	       "libevent %s, jansson %s, libyaml %s, OpenSSL %s, SQLite %s\n",
	    ONCEWAY_VERSION, OW_ABI_MAJOR, OW_ABI_MINOR, event_get_version(), JANSSON_VERSION,
	    yaml_get_version_string(), tls_library_version(), spool_library_version());
	return EXIT_SUCCESS;
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "onceway: %s%s%s%s; see `onceway --help`\n", what, which ? " `" : "",
	    which ? which : "", which ? "`" : "");
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int take_header(struct arguments *args)
{
	if (!key_header_is_good(optarg))
		return usage_error("--header must be of the form 'Name: value', not", optarg);
	if (args->key.header_count == KEY_HEADERS_MAX)
		return usage_error("too many --header", NULL);
	args->key.headers[args->key.header_count++] = optarg;
	return 0;
}

static void take_dead_option(struct dead_question *dead, int letter)
{
	switch (letter) {
	case 'D':
		dead->state_dir = optarg;
		break;
	case 'K':
		dead->key = optarg;
		break;
	case 'R':
		dead->reason = optarg;
		break;
	case 's':
		dead->since = optarg;
		break;
	case 'u':
		dead->until = optarg;
		break;
	case 'N':
		dead->rate = optarg;
		break;
	case 'o':
		dead->honour = true;
		break;
	default:
		dead->all = true;
	}
}

/* Takes one option. Returns 0 or EXIT_USAGE. */
static int take_option(struct arguments *args, int letter)
{
	switch (letter) {
	case 'c':
		args->config = optarg;
		return 0;
	case 'r':
		args->key.route = optarg;
		return 0;
	case 'f':
		args->format = optarg;
		return 0;
	case 'e':
		args->key.explain = true;
		return 0;
	case 'p':
		args->key.path = optarg;
		return 0;
	case 'H':
		return take_header(args);
	case 'P':
		if (args->plugin_dir_count == PLUGIN_DIRS_MAX)
			return usage_error("too many --plugin-dir", NULL);
		args->plugin_dirs[args->plugin_dir_count++] = optarg;
		return 0;
	default:
		take_dead_option(&args->dead, letter);
		return 0;
	}
}

static int run_command(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	    {"route", required_argument, NULL, 'r'}, {"explain", no_argument, NULL, 'e'},
	    {"path", required_argument, NULL, 'p'}, {"header", required_argument, NULL, 'H'},
	    {"format", required_argument, NULL, 'f'},
	    {"plugin-dir", required_argument, NULL, 'P'}, {"help", no_argument, NULL, 'h'},
	    {"state-dir", required_argument, NULL, 'D'}, {"key", required_argument, NULL, 'K'},
	    {"reason", required_argument, NULL, 'R'}, {"since", required_argument, NULL, 's'},
	    {"until", required_argument, NULL, 'u'}, {"rate", required_argument, NULL, 'N'},
	    {"honour", no_argument, NULL, 'o'}, {"all", no_argument, NULL, 'a'},
	    {NULL, 0, NULL, 0}};
	struct arguments args = {.format = "text"};
	int letter;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":c:r:h", options, NULL)) != -1) {
		const char *word = argv[optind - 1];
		if (letter == 'h') {
			(command->help_page ? command->help_page : print_usage)(stdout);
			return EXIT_SUCCESS;
		}
		if (letter == ':')
			return usage_error("a value is missing after", word);
		if (letter == '?' || !strchr(command->takes, letter))
			return usage_error("unknown option", word);
		if (take_option(&args, letter) != 0)
			return EXIT_USAGE;
	}
	args.operands = (const char *const *)&argv[optind];
	args.operand_count = (size_t)(argc - optind);
	if (args.operand_count > command->operands)
		return usage_error("one word too many:", args.operands[command->operands]);
	if (strchr(command->takes, 'c') && !args.config && !args.dead.state_dir)
		return usage_error("say which configuration: -c FILE is missing", NULL);
	return command->run(&args);
}

static int carry_out(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return print_version();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_SUCCESS;
	}
	const struct command *command = find_command(argv[1]);
	if (!command)
		return usage_error("unknown command", argv[1]);
	return run_command(command, argc - 1, argv + 1);
}

/* Who saves what is printed, and then drops it, relies on its being there. */
int cli_main(int argc, char **argv)
{
	int status = carry_out(argc, argv);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "onceway: cannot write to standard output\n");
	return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}
