#include "daemon/visible.h"

#include <stdbool.h>

static void print(FILE *out, struct ow_text text, bool lines)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool control = c < 0x20 || c == 0x7f;
		if (control && !(lines && (c == '\n' || c == '\t')))
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
}

void visible_print(FILE *out, struct ow_text text)
{
	print(out, text, false);
}

void visible_print_lines(FILE *out, struct ow_text text)
{
	print(out, text, true);
}
