#include "lib/aws/xml_leaves.h"

#include <string.h>

#define DEPTH_MAX 16

struct reader {
	const char *at, *end;
	struct ow_text open[DEPTH_MAX]; /* names of the elements around */
	size_t depth;
	const char
	    *text; /* behind the last tag, if that opened an element; NULL: it closed one */
	xml_leaf *leaf;
	void *arg;
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.' || c == ':';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct ow_text take_name(struct reader *r)
{
	const char *begin = r->at;
	while (r->at < r->end && is_name(*r->at))
		r->at++;
	return (struct ow_text){begin, (size_t)(r->at - begin)};
}

static bool same(struct ow_text a, struct ow_text b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Up to and with the tag's `>`; attributes say nothing to us. */
static bool skip_attributes(struct reader *r, bool *closed)
{
	char quote = 0;
	for (; r->at < r->end; r->at++) {
		char c = *r->at;
		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '<') {
			return false;
		} else if (c == '>') {
			*closed = r->at[-1] == '/';
			r->at++;
			return true;
		}
	}
	return false;
}

static bool close_element(struct reader *r, struct ow_text name, struct ow_text text)
{
	static const struct ow_text nobody = {"", 0};
	if (r->depth == 0 || !same(r->open[r->depth - 1], name))
		return false;
	r->depth--;
	if (r->text)
		r->leaf(r->depth ? r->open[r->depth - 1] : nobody, name, text, r->arg);
	r->text = NULL;
	return true;
}

static bool read_open_tag(struct reader *r)
{
	bool closed;
	struct ow_text name = take_name(r);
	if (name.len == 0 || r->depth == DEPTH_MAX || !skip_attributes(r, &closed))
		return false;
	r->open[r->depth++] = name;
	r->text = r->at;
	return !closed || close_element(r, name, (struct ow_text){r->at, 0});
}

static bool read_close_tag(struct reader *r, const char *tag)
{
	struct ow_text name = take_name(r);
	while (r->at < r->end && is_space(*r->at))
		r->at++;
	if (r->at == r->end || *r->at++ != '>')
		return false;
	const char *begin = r->text ? r->text : tag;
	return close_element(r, name, (struct ow_text){begin, (size_t)(tag - begin)});
}

static void skip_space(struct reader *r)
{
	while (r->at < r->end && is_space(*r->at))
		r->at++;
}

/* <?xml ... ?> */
static bool skip_declaration(struct reader *r)
{
	skip_space(r);
	if (r->end - r->at < 2 || memcmp(r->at, "<?", 2) != 0)
		return true;
	const char *close = memmem(r->at, (size_t)(r->end - r->at), "?>", 2);
	r->at = close ? close + 2 : r->end;
	skip_space(r);
	return close != NULL;
}

static bool read_tag(struct reader *r)
{
	const char *tag = memchr(r->at, '<', (size_t)(r->end - r->at));
	if (!tag || memchr(r->at, '&', (size_t)(tag - r->at)))
		return false;
	r->at = tag + 1;
	if (r->at == r->end || *r->at != '/')
		return read_open_tag(r);
	r->at++;
	return read_close_tag(r, tag);
}

bool xml_leaves(struct ow_text document, xml_leaf *leaf, void *arg)
{
	struct reader r = {
	    .at = document.data, .end = document.data + document.len, .leaf = leaf, .arg = arg};
	if (!skip_declaration(&r) || r.at == r.end || *r.at != '<')
		return false;
	do {
		if (!read_tag(&r))
			return false;
	} while (r.depth > 0);
	skip_space(&r);
	return r.at == r.end;
}
