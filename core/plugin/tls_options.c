#include "plugin/tls_options.h"

#include <string.h>

#include "base/clock.h"

struct complaints {
	const struct option_report *report;
	const char *const *names;
};

static void complain(void *arg, enum tls_part part, bool error, const char *text)
{
	const struct complaints *c = arg;
	const struct option_report *r = c->report;
	const struct conf_node *at = conf_option_node(r->node, c->names[part]);
	if (error || !at)
		r->base.complain(&r->base, c->names[part], "%s", text);
	else if (at->secret)
		conf_warning(r->report, at->mark,
		    "%s: option `%s`: the certificate expires soon, has expired or is not "
		    "valid yet",
		    r->what, c->names[part]);
	else
		conf_warning(
		    r->report, at->mark, "%s: option `%s`: %s", r->what, c->names[part], text);
}

void tls_options_look(const struct tls_config *config, const char *const names[TLS_PARTS],
    const struct option_report *report)
{
	struct complaints complaints = {report, names};
	struct clock clock;
	clock_init_system(&clock);
	tls_check(config, clock_wall(&clock), (struct tls_report){complain, &complaints});
}

/* NULL: there is no such option, or it is not given. */
static const char *text_of_option(const struct component *c, const void *conf, const char *name)
{
	const char *text = NULL;
	struct ow_option o;
	for (size_t i = 0; conf_table_at(c->table, i, &o); i++)
		if (o.type == OW_T_STRING && strcmp(o.name, name) == 0)
			memcpy(&text, (const char *)conf + o.offset, sizeof(text));
	return text;
}

void tls_options_look_all(
    const struct component *c, const void *conf, const struct option_report *report)
{
	static const char *const names[TLS_PARTS] = {"tls.certificate", "tls.key", "tls.ca"};
	const struct tls_config config = {.side = TLS_CLIENT,
	    .certificate = text_of_option(c, conf, names[TLS_PART_CERTIFICATE]),
	    .key = text_of_option(c, conf, names[TLS_PART_KEY]),
	    .ca = text_of_option(c, conf, names[TLS_PART_CA])};
	/* The system's CAs are not the configuration's to answer for. */
	if (config.certificate || config.key || config.ca)
		tls_options_look(&config, names, report);
}
