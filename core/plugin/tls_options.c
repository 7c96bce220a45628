#include "plugin/tls_options.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

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

/* What one peer's options say: those whose names begin with that and go on with "tls.". */
static void look_at(const struct component *c, const void *conf, struct ow_text prefix,
    const struct option_report *report)
{
	static const char *const parts[TLS_PARTS] = {"tls.certificate", "tls.key", "tls.ca"};
	struct buf names[TLS_PARTS] = {BUF_INIT, BUF_INIT, BUF_INIT};
	const char *texts[TLS_PARTS] = {NULL}, *named[TLS_PARTS];
	struct ow_option o;
	for (int part = 0; part < TLS_PARTS; part++) {
		buf_add_text(&names[part], prefix);
		buf_add_string(&names[part], parts[part]);
		named[part] = names[part].data;
		for (size_t i = 0; conf_table_at(c->table, i, &o); i++)
			if (o.type == OW_T_STRING && strcmp(o.name, named[part]) == 0)
				memcpy(&texts[part], (const char *)conf + o.offset,
				    sizeof(texts[part]));
	}
	const struct tls_config config = {.side = TLS_CLIENT,
	    .certificate = texts[TLS_PART_CERTIFICATE],
	    .key = texts[TLS_PART_KEY],
	    .ca = texts[TLS_PART_CA]};
	/* The system's CAs are not the configuration's to answer for. */
	if (config.certificate || config.key || config.ca)
		tls_options_look(&config, named, report);
	for (int part = 0; part < TLS_PARTS; part++)
		buf_free(&names[part]);
}

void tls_options_look_all(
    const struct component *c, const void *conf, const struct option_report *report)
{
	struct ow_option o;
	for (size_t i = 0; conf_table_at(c->table, i, &o); i++) {
		struct ow_text name = text_of(o.name), end = text_of("tls.ca");
		if (text_ends_with(name, end) &&
		    (name.len == end.len || name.data[name.len - end.len - 1] == '.'))
			look_at(c, conf, text_span(name.data, name.len - end.len), report);
	}
}
