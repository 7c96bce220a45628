#include "json/number.h"

#include <limits.h>

/*
 * The least number that rounds to infinity: halfway between the largest double
 * and 2^1024, that is 2^1024 - 2^970. Compared as text, so that neither the
 * length of a number nor the locale of the process matters.
 */
static const char too_large[] = "17976931348623158079372897140530341507993413271003782693617377"
				"89804449682927647509466490179775872070963302864166928879109465"
				"55547851940402630657488671505820681908902000708383676273854845"
				"81771153176447573027006985557136695962284291481986083493647529"
				"2719074168444365510704342711559699508093042880177904174497792";
#define TOO_LARGE_EXPONENT ((int64_t)sizeof(too_large) - 2)

/* Far beyond any exponent that matters and any length of a text. */
#define EXPONENT_LIMIT ((int64_t)1 << 60)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* p is behind the 'e'. */
static int64_t read_exponent(const char *p, const char *end)
{
	bool negative = *p == '-';
	int64_t n = 0;
	if (*p == '-' || *p == '+')
		p++;
	for (; p < end; p++)
		n = n < EXPONENT_LIMIT / 10 ? n * 10 + (*p - '0') : EXPONENT_LIMIT;
	return negative ? -n : n;
}

/* p is at the first digit that counts. Is it at least 1.7976931348623158079...e308? */
static bool digits_too_large(const char *p, const char *end)
{
	for (const char *limit = too_large; *limit; limit++) {
		if (p < end && *p == '.')
			p++;
		char digit = p < end && is_digit(*p) ? *p++ : '0';
		if (digit != *limit)
			return digit > *limit;
	}
	return true;
}

bool json_number_overflows(struct ow_text raw)
{
	const char *p = raw.data, *end = raw.data + raw.len;
	const char *first = NULL; /* digit that is not zero */
	int64_t before =
	    0; /* digits from there to the point; behind it, minus the zeros between */
	bool fraction = false;
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.')
			fraction = true;
		else if (!first && *p >= '1' && *p <= '9')
			first = p;
		if (is_digit(*p))
			before += first ? !fraction : -(int64_t)fraction;
	}
	if (!first)
		return false;
	int64_t exponent = before - 1 + (p < end ? read_exponent(p + 1, end) : 0);
	if (exponent != TOO_LARGE_EXPONENT)
		return exponent > TOO_LARGE_EXPONENT;
	return digits_too_large(first, end);
}
