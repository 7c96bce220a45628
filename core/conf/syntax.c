#include "conf/syntax.h"

#include <string.h>

#include "base/utf8.h"

#define TAG_DIRECTIVES_MAX 32

enum place {
	AT_PROBLEM,
	AT_CONTEXT
};

/* One of libyaml's complaints; context is a part of what it was doing. NULL: any. */
struct saying {
	const char *problem, *context, *plain;
	enum place place;
	bool names_context; /* plain ends in "the one that begins at": the place is added */
};

#define TAB	  "a tab cannot indent a line: use spaces"
#define QUOTE	  "the text that begins here has no closing quote"
#define TAG	  "tags are not used here: put a text that begins with `!` in quotes"
#define DIRECTIVE "directives are not used here: put a text that begins with `%` in quotes"

static const struct saying sayings[] = {
    {"found a tab character where an indentation space is expected", NULL, TAB, AT_PROBLEM,
	false},
    {"found a tab character that violates indentation", NULL, TAB, AT_PROBLEM, false},
    {"mapping values are not allowed in this context", NULL,
	"a `:` cannot stand here: check the indentation, or put the text in quotes", AT_PROBLEM,
	false},
    {"could not find expected ':'", NULL, "expected `key: value`: a `:` is missing", AT_CONTEXT,
	false},
    {"did not find expected key", "while parsing a block mapping",
	"expected a key: check the quotes and the indentation of the mapping that begins at",
	AT_PROBLEM, true},
    {"did not find expected '-' indicator", NULL,
	"expected `- `: check the indentation of the list that begins at", AT_PROBLEM, true},
    {"did not find expected ',' or ']'", NULL,
	"expected `,` or the `]` of the list that begins at", AT_PROBLEM, true},
    {"did not find expected ',' or '}'", NULL,
	"expected `,` or the `}` of the mapping that begins at", AT_PROBLEM, true},
    {"found unexpected end of stream", "while scanning a quoted scalar", QUOTE, AT_CONTEXT,
	false},
    {"found unexpected document indicator", "while scanning a quoted scalar", QUOTE, AT_CONTEXT,
	false},
    {"found unknown escape character", NULL,
	"no such escape: write `\\\\` for a backslash, or use single quotes", AT_PROBLEM,
	false},
    {"did not find expected hexdecimal number", NULL,
	"expected hexadecimal digits after `\\x`, `\\u` or `\\U`", AT_PROBLEM, false},
    {"found invalid Unicode character escape code", NULL, "this escape is not a character",
	AT_PROBLEM, false},
    {"did not find expected node content", NULL,
	"expected a value: a text that begins with a punctuation mark needs quotes", AT_PROBLEM,
	false},
    {"block sequence entries are not allowed in this context", NULL,
	"a list cannot begin here: begin it on a line of its own", AT_PROBLEM, false},
    {"mapping keys are not allowed in this context", NULL,
	"a `?` cannot stand here: put the text in quotes", AT_PROBLEM, false},
    {"did not find expected alphabetic or numeric character", NULL,
	"expected a name after `&` or `*`: a text that begins with one of them needs quotes",
	AT_PROBLEM, false},
    {"found undefined tag handle", NULL, TAG, AT_PROBLEM, false},
    {NULL, "directive", DIRECTIVE, AT_CONTEXT, false},
    {NULL, "a tag", TAG, AT_CONTEXT, false},
    {"did not find expected comment or line break", "while scanning a block scalar",
	"nothing can follow `|` or `>` on its line", AT_PROBLEM, false},
    {"found incompatible YAML document", NULL, "the YAML version must be 1.1 or 1.2",
	AT_PROBLEM, false},
    {"did not find expected <document start>", NULL,
	"expected the end of the file: check the indentation of this line", AT_PROBLEM, false},
};

#undef TAB
#undef QUOTE
#undef TAG
#undef DIRECTIVE

static struct conf_mark mark_of(const char *file, yaml_mark_t mark)
{
	return (struct conf_mark){file, (int)mark.line + 1, (int)mark.column + 1};
}

static struct conf_mark mark_of_byte(const char *file, const char *text, size_t offset)
{
	struct conf_mark mark = {file, 1, 1};
	for (size_t at = 0; at < offset;) {
		size_t n = utf8_char(text + at, offset - at);
		mark.column++;
		if (text[at] == '\n') {
			mark.line++;
			mark.column = 1;
		}
		at += n ? n : 1;
	}
	return mark;
}

/* The rest of the text from the character with that index; at most len bytes. */
static const char *text_at(const char *text, size_t len, size_t index)
{
	size_t at = 0;
	for (; index > 0 && at < len; index--) {
		size_t n = utf8_char(text + at, len - at);
		at += n ? n : 1;
	}
	return text + at;
}

static void unreadable(const yaml_parser_t *parser, const char *file, const char *text,
    size_t len, struct conf_report *report)
{
	size_t offset = parser->problem_offset < len ? parser->problem_offset : len;
	struct conf_mark at = mark_of_byte(file, text, offset);
	if (parser->problem_value >= 0 && strstr(parser->problem, "control"))
		conf_error(report, at,
		    "the character U+%04X is not allowed: write it as an escape in double "
		    "quotes",
		    (unsigned)parser->problem_value);
	else
		conf_error(report, at, "the file is not UTF-8 from this byte on");
}

/* Characters that YAML keeps for itself, and `${` where braces mean a mapping. */
static bool special(const yaml_parser_t *parser, struct conf_mark at, const char *text,
    size_t len, struct conf_report *report)
{
	const char *p = text_at(text, len, parser->problem_mark.index);
	if (p == text + len)
		return false;
	if (strcmp(parser->problem, "found character that cannot start any token") == 0) {
		if (*p == '\t')
			conf_error(report, at, "a tab cannot indent a line: use spaces");
		else
			conf_error(
			    report, at, "a text cannot begin with `%c`: put it in quotes", *p);
		return true;
	}
	if (*p == '{' && p > text && p[-1] == '$' && strstr(parser->problem, "expected ','")) {
		at.column--;
		conf_error(report, at,
		    "put the text with `${...}` in quotes: between `{ }` and `[ ]` YAML takes "
		    "its braces "
		    "for a mapping");
		return true;
	}
	return false;
}

static const struct saying *find_saying(const yaml_parser_t *parser)
{
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
		const struct saying *s = &sayings[i];
		bool same_context =
		    !s->context || (parser->context && strstr(parser->context, s->context));
		if (same_context && (!s->problem || strcmp(s->problem, parser->problem) == 0))
			return s;
	}
	return NULL;
}

void conf_syntax_error(const yaml_parser_t *parser, const char *file, const char *text,
    size_t len, struct conf_report *report)
{
	if (parser->error == YAML_READER_ERROR) {
		unreadable(parser, file, text, len, report);
		return;
	}
	struct conf_mark at = mark_of(file, parser->problem_mark);
	struct conf_mark context = mark_of(file, parser->context_mark);
	if (!parser->problem || special(parser, at, text, len, report))
		return;
	const struct saying *s = find_saying(parser);
	if (!s)
		conf_error(report, at, "YAML: %s%s%s", parser->problem,
		    parser->context ? " " : "", parser->context ? parser->context : "");
	else if (s->names_context)
		conf_error(report, at, "%s %d:%d", s->plain, context.line, context.column);
	else
		conf_error(report, s->place == AT_CONTEXT ? context : at, "%s", s->plain);
}

bool conf_syntax_precheck(
    const char *file, const char *text, size_t len, struct conf_report *report)
{
	const char *at = text;
	for (int count = 0; (at = memmem(at, len - (size_t)(at - text), "%TAG", 4)); at += 4) {
		if (++count > TAG_DIRECTIVES_MAX) {
			conf_error(report, mark_of_byte(file, text, (size_t)(at - text)),
			    "too many `%%TAG`: directives are not used here");
			return false;
		}
	}
	return true;
}
