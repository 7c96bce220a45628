#include "lib/timestamp.h"

#include <string.h>

#include "lib/float_text.h"

#define MS_PER_DAY ((int64_t)86400000)
/* From this many on a number counts milliseconds. */
#define SECONDS_END ((int64_t)100000000000)
/* Digits before the point: beyond, it is no time. */
#define NUMBER_DIGITS 16

/* Reads from the front of text what it is asked for; once something fails, all fails. */
struct reader {
	const char *p, *end;
	bool good;
};

static int64_t digits(struct reader *r, size_t count)
{
	int64_t value = 0;
	for (size_t i = 0; i < count; i++) {
		if (r->p == r->end || *r->p < '0' || *r->p > '9') {
			r->good = false;
			return 0;
		}
		value = value * 10 + (*r->p++ - '0');
	}
	return value;
}

static bool take(struct reader *r, const char *one_of)
{
	if (r->p == r->end || !*r->p || !strchr(one_of, *r->p))
		return false;
	r->p++;
	return true;
}

static void expect(struct reader *r, const char *one_of)
{
	if (!take(r, one_of))
		r->good = false;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_days(int64_t year, int64_t month)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* From 1970-01-01; year >= 0. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
	/* Years begin in March here, so that the leap day is the last one. */
	int64_t y = year - (month <= 2);
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t leap_days = y >= 0 ? y / 4 - y / 100 + y / 400 : -1;
	return 365 * y + leap_days + of_year - 719468;
}

static int64_t read_date(struct reader *r)
{
	int64_t year = digits(r, 4);
	expect(r, "-");
	int64_t month = digits(r, 2);
	expect(r, "-");
	int64_t day = digits(r, 2);
	if (!r->good || month < 1 || month > 12 || day < 1 || day > month_days(year, month)) {
		r->good = false;
		return 0;
	}
	return days_since_1970(year, month, day) * MS_PER_DAY;
}

/* ".123456": 123 */
static int64_t read_fraction(struct reader *r)
{
	int64_t ms = 0, weight = 100;
	if (!take(r, "."))
		return 0;
	do {
		ms += digits(r, 1) * weight;
		weight /= 10;
	} while (r->good && r->p < r->end && *r->p >= '0' && *r->p <= '9');
	return ms;
}

static int64_t read_time(struct reader *r)
{
	int64_t hour = digits(r, 2);
	expect(r, ":");
	int64_t minute = digits(r, 2);
	expect(r, ":");
	int64_t second = digits(r, 2); /* 60: a leap second, the first of the next minute */
	if (hour > 23 || minute > 59 || second > 60)
		r->good = false;
	return ((hour * 60 + minute) * 60 + second) * 1000 + read_fraction(r);
}

static int64_t read_offset(struct reader *r)
{
	if (r->p == r->end || take(r, "Zz"))
		return 0;
	int64_t sign = take(r, "-") ? -1 : 1;
	if (sign > 0)
		expect(r, "+");
	int64_t hour = digits(r, 2);
	expect(r, ":");
	int64_t minute = digits(r, 2);
	if (hour > 23 || minute > 59)
		r->good = false;
	return sign * (hour * 60 + minute) * 60000;
}

bool timestamp_of_text(struct ow_text text, int64_t *ms)
{
	struct reader r = {text.data, text.data + text.len, true};
	int64_t value = read_date(&r);
	expect(&r, "Tt ");
	value += read_time(&r);
	value -= read_offset(&r);
	*ms = value;
	return r.good && r.p == r.end;
}

bool timestamp_of_number(struct ow_text raw, bool real, int64_t *ms)
{
	char text[FLOAT_TEXT_MAX];
	struct ow_text number = raw;
	if (real)
		number = (struct ow_text){text, float_text(raw, text)};
	struct reader r = {number.data, number.data + number.len, true};
	bool negative = take(&r, "-");
	size_t count = 0;
	while (r.p + count < r.end && r.p[count] >= '0' && r.p[count] <= '9')
		count++;
	if (count > NUMBER_DIGITS)
		return false;
	int64_t whole = digits(&r, count);
	bool seconds = whole < SECONDS_END;
	int64_t fraction = read_fraction(&r);
	if (!r.good || r.p != r.end)
		return false;
	*ms = seconds ? whole * 1000 + fraction : whole;
	if (negative)
		*ms = -*ms;
	return true;
}

int64_t timestamp_round(int64_t ms, int64_t step_ms)
{
	int64_t rest = ms % step_ms;
	return ms - (rest < 0 ? rest + step_ms : rest);
}
