#include "lib/http_date.h"

#include <string.h>
#include <time.h>

#define TEXT_SIZE 64

/* IMF-fixdate, RFC 850 and asctime, as every recipient must accept. */
static bool parse_date(const char *text, int64_t *out_ms)
{
	static const char *const formats[] = {
	    "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {.tm_isdst = 0};
		const char *end = strptime(text, formats[i], &tm);
		if (end && *end == '\0') {
			*out_ms = (int64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	return false;
}

static bool parse_seconds(const char *text, int64_t *out_ms)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits])
		return false;
	*out_ms = HTTP_RETRY_AFTER_MAX_MS;
	if (digits > 9)
		return true;
	int64_t seconds = 0;
	for (size_t i = 0; i < digits; i++)
		seconds = seconds * 10 + (text[i] - '0');
	*out_ms = seconds * 1000;
	return true;
}

/* False: too long for either form. */
static bool copy_text(struct ow_text value, char text[TEXT_SIZE])
{
	if (value.len == 0 || value.len >= TEXT_SIZE)
		return false;
	memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	return true;
}

bool http_date_ms(struct ow_text value, int64_t *ms)
{
	char text[TEXT_SIZE];
	return copy_text(value, text) && parse_date(text, ms);
}

int64_t http_retry_after_ms(struct ow_text value, int64_t now_ms)
{
	char text[TEXT_SIZE];
	int64_t wait;
	if (!copy_text(value, text))
		return 0;
	if (!parse_seconds(text, &wait)) {
		if (!parse_date(text, &wait))
			return 0;
		wait -= now_ms;
	}
	if (wait < 0)
		return 0;
	return wait < HTTP_RETRY_AFTER_MAX_MS ? wait : HTTP_RETRY_AFTER_MAX_MS;
}
