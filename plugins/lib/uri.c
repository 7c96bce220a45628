#include "lib/uri.h"

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void uri_escape_char(struct draft *out, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	if (is_unreserved(c)) {
		draft_char(out, c);
		return;
	}
	draft_char(out, '%');
	draft_char(out, digits[(unsigned char)c >> 4]);
	draft_char(out, digits[(unsigned char)c & 15]);
}

void uri_escape(struct draft *out, struct ow_text text)
{
	for (size_t i = 0; i < text.len; i++)
		uri_escape_char(out, text.data[i]);
}
