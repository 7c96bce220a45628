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
#define TOO_LARGE_EXPONENT ((int64_t)sizeof(too_large) - 1)

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

/* A number taken apart: 0.DIGITS times ten to the exponent, the point in DIGITS ignored. */
struct decimal {
	const char *digits; /* the first that is not zero; NULL: the number is zero */
	const char *end;
	int64_t exponent;
	bool negative;
};

static struct decimal take_apart(struct ow_text raw)
{
	const char *p = raw.data, *end = raw.data + raw.len;
	struct decimal d = {.end = end, .negative = raw.len > 0 && *p == '-'};
	bool fraction = false;
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.')
			fraction = true;
		else if (!d.digits && *p >= '1' && *p <= '9')
			d.digits = p;
		/* Before the point each digit that counts; behind it, zeros before the first.
		 */
		if (is_digit(*p))
			d.exponent += d.digits ? !fraction : -(int64_t)fraction;
	}
	if (p < end)
		d.exponent += read_exponent(p + 1, end);
	return d;
}

/* The next digit, zero where there is none. False at the end of them. */
static bool next_digit(const char **p, const char *end, char *digit)
{
	if (*p < end && **p == '.')
		(*p)++;
	bool more = *p < end && is_digit(**p);
	*digit = more ? *(*p)++ : '0';
	return more;
}

bool json_number_overflows(struct ow_text raw)
{
	struct decimal d = take_apart(raw);
	const char *p = d.digits;
	char digit;
	if (!p || d.exponent != TOO_LARGE_EXPONENT)
		return p && d.exponent > TOO_LARGE_EXPONENT;
	for (const char *limit = too_large; *limit; limit++) {
		next_digit(&p, d.end, &digit);
		if (digit != *limit)
			return digit > *limit;
	}
	return true;
}

/* Without their signs; neither is zero. */
static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
	const char *p = a->digits, *q = b->digits;
	char one, other;
	bool more = true;
	if (a->exponent != b->exponent)
		return a->exponent < b->exponent ? -1 : 1;
	while (more) {
		more = next_digit(&p, a->end, &one);
		more = next_digit(&q, b->end, &other) || more;
		if (one != other)
			return one < other ? -1 : 1;
	}
	return 0;
}

static int sign(const struct decimal *d)
{
	return !d->digits ? 0 : d->negative ? -1 : 1;
}

int json_number_compare(struct ow_text a, struct ow_text b)
{
	struct decimal one = take_apart(a), other = take_apart(b);
	int s = sign(&one);
	if (s != sign(&other))
		return s < sign(&other) ? -1 : 1;
	return s == 0 ? 0 : s * compare_sizes(&one, &other);
}
