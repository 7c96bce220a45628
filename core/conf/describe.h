/* Prints option tables for people and programs: text, Markdown, man (roff), JSON. */
#ifndef CONF_DESCRIBE_H
#define CONF_DESCRIBE_H

#include "base/buf.h"
#include "conf/check.h"

enum conf_format {
	CONF_TEXT = 1,
	CONF_MARKDOWN,
	CONF_MAN,
	CONF_JSON
};

/* Adds a description of all options of the table to out. JSON: an array of objects. */
void conf_describe(struct conf_table table, enum conf_format format, struct buf *out);

#endif
