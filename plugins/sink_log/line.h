/* A line that is being put together. */
#ifndef SINK_LOG_LINE_H
#define SINK_LOG_LINE_H

#include <onceway/plugin.h>

struct line {
	char *data; /* owned */
	size_t len, size;
};

void line_add(struct line *line, const char *data, size_t len);
void line_add_string(struct line *line, const char *text);
/* In decimal, with zeros before it to have that many digits. digits <= 20. */
void line_add_number(struct line *line, uint64_t number, unsigned digits);

/* As it is, but for spaces, backslashes and control characters, which become \xNN. */
void line_add_word(struct line *line, struct ow_text text);

/* As a JSON string with quotes; what is not UTF-8 becomes U+FFFD. */
void line_add_json(struct line *line, struct ow_text text);

void line_free(struct line *line);

#endif
