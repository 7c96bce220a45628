#include "source_poll/records.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the string that begins there. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : end;
}

/* Behind the value that begins there. */
static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;
	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '[' || *at == '{')
			depth++;
		else if (*at == ']' || *at == '}' || *at == ',') {
			if (depth == 0)
				return at;
			depth -= *at != ',';
		}
		at++;
	}
	return at;
}

void records_begin(struct records *r, struct ow_text array)
{
	r->at = array.data + 1;
	r->end = array.data + array.len - 1;
}

bool records_next(struct records *r, struct ow_text *element)
{
	while (r->at < r->end && (is_space(*r->at) || *r->at == ','))
		r->at++;
	if (r->at >= r->end)
		return false;
	const char *begin = r->at;
	r->at = skip_value(begin, r->end);
	const char *last = r->at;
	while (last > begin && is_space(last[-1]))
		last--;
	*element = (struct ow_text){begin, (size_t)(last - begin)};
	return true;
}

size_t records_count(struct ow_text array)
{
	struct records r;
	struct ow_text element;
	size_t count = 0;
	for (records_begin(&r, array); records_next(&r, &element);)
		count++;
	return count;
}
