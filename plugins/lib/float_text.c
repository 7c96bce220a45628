#include "lib/float_text.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Digits that can decide how a decimal rounds: the halfway point between two
 * doubles has at most 767 of them. Of further ones it only matters whether any
 * is not zero.
 */
#define DIGITS_MAX 770

/* Decimals of up to so many digits and doubles of normal size are one to one. */
#define DIGITS_EXACT	DBL_DIG
#define EXPONENT_NORMAL 307

/* Far outside of a double's range, and no sum of two overflows. */
#define EXPONENT_LIMIT ((int64_t)1 << 60)

/* d.ddd * 10^exponent, without zeros at either end; count 0 is zero. */
struct decimal {
	bool negative;
	size_t count;
	int64_t exponent;
	char digits[DIGITS_MAX + 1];
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

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

static void add_digit(struct decimal *d, char digit)
{
	if (d->count < DIGITS_MAX)
		d->digits[d->count++] = digit;
	else if (digit != '0')
		d->digits[DIGITS_MAX] = '1';
}

static void strip_zeros(struct decimal *d)
{
	while (d->count > 0 && d->digits[d->count - 1] == '0')
		d->count--;
}

/* Reads digits, an optional point among them, and an optional exponent. */
static void read_decimal(struct decimal *d, const char *p, const char *end)
{
	bool fraction = false;
	d->negative = *p == '-';
	d->count = 0;
	d->exponent = -1;
	d->digits[DIGITS_MAX] = '0';
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (!is_digit(*p)) {
			fraction = fraction || *p == '.';
			continue;
		}
		bool counts = d->count > 0 || *p != '0';
		if (counts)
			add_digit(d, *p);
		d->exponent += counts ? !fraction : -(int64_t)fraction;
	}
	if (p < end)
		d->exponent += read_exponent(p + 1, end);
	if (d->digits[DIGITS_MAX] != '0')
		d->count = DIGITS_MAX + 1;
	strip_zeros(d);
}

/* The double nearest to |d|, read as digits and an exponent alone. */
static double to_double(const struct decimal *d)
{
	char text[DIGITS_MAX + 32];
	int64_t exponent = d->exponent - (int64_t)(d->count - 1);
	/* The C library's own exponent may be a mere long. */
	if (exponent < -100000)
		return 0;
	snprintf(text, sizeof(text), "%.*se%d", (int)d->count, d->digits, (int)exponent);
	return strtod(text, NULL);
}

/* Sets d to the next larger decimal of as many digits. */
static void increment(struct decimal *d, size_t digits)
{
	while (d->count < digits)
		d->digits[d->count++] = '0';
	size_t i = digits;
	while (i > 0 && d->digits[i - 1] == '9')
		d->digits[--i] = '0';
	if (i > 0) {
		d->digits[i - 1]++;
	} else {
		d->digits[0] = '1';
		d->exponent++;
	}
	strip_zeros(d);
}

/* Sets d, but for its sign, to value rounded to so many digits. */
static void round_to(struct decimal *d, double value, int digits)
{
	char text[64];
	bool negative = d->negative;
	snprintf(text, sizeof(text), "%.*e", digits - 1, value);
	char *e = strchr(text, 'e');
	/* Whatever stands for the point in this locale is no digit. */
	read_decimal(d, text, e);
	d->exponent = strtol(e + 1, NULL, 10);
	d->negative = negative;
}

/*
 * Sets d to the shortest decimal that reads back as the same double.
 *
 * While decimals of so many digits are further apart than doubles, at most one
 * of them reads back, and rounding finds it; a shorter one is the same with
 * zeros at the end. So the search begins with that many digits, 15 for normal
 * doubles, fewer below, and is over after two more.
 *
 * It is tempting to look only at the nearest decimal of each length. But just
 * below a power of two doubles are twice as dense as above it, so the nearest
 * decimal, if it is the smaller neighbour, may read back as another double
 * while the larger neighbour reads back as this one.
 */
static void shorten(struct decimal *d)
{
	double value = to_double(d);
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	uint64_t mantissa = bits & ((UINT64_C(1) << (DBL_MANT_DIG - 1)) - 1);
	if (bits == 0) {
		d->count = 0;
		return;
	}
	int precision = value < DBL_MIN ? 64 - __builtin_clzll(mantissa) : DBL_MANT_DIG;
	int digits = (int)((precision - 1) * 0.30102999566398120); /* log10(2) */
	for (digits = digits > 0 ? digits : 1;; digits++) {
		round_to(d, value, digits);
		if (to_double(d) == value)
			return;
		if (mantissa == 0) {
			increment(d, (size_t)digits);
			if (to_double(d) == value)
				return;
		}
	}
}

static size_t put(char *out, const char *data, size_t len)
{
	memcpy(out, data, len);
	return len;
}

static size_t put_zeros(char *out, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		out[i] = '0';
	return count > 0 ? (size_t)count : 0;
}

/* 12.5, 100.0, 0.00012 */
static size_t write_fixed(const struct decimal *d, char *out)
{
	size_t n = 0;
	if (d->exponent < 0) {
		n += put(out, "0.", 2);
		n += put_zeros(out + n, -d->exponent - 1);
		return n + put(out + n, d->digits, d->count);
	}
	size_t whole = (size_t)d->exponent + 1;
	if (whole >= d->count) {
		n += put(out, d->digits, d->count);
		n += put_zeros(out + n, (int64_t)(whole - d->count));
		return n + put(out + n, ".0", 2);
	}
	n += put(out, d->digits, whole);
	out[n++] = '.';
	return n + put(out + n, d->digits + whole, d->count - whole);
}

/* 1e+16, 1.5e-07: at least two digits of exponent, always a sign. */
static size_t write_scientific(const struct decimal *d, char *out)
{
	size_t n = 0;
	out[n++] = d->digits[0];
	if (d->count > 1) {
		out[n++] = '.';
		n += put(out + n, d->digits + 1, d->count - 1);
	}
	char exponent[24];
	int len = snprintf(exponent, sizeof(exponent), "e%+03d", (int)d->exponent);
	return n + put(out + n, exponent, (size_t)len);
}

size_t float_text(struct ow_text raw, char out[FLOAT_TEXT_MAX])
{
	struct decimal d;
	read_decimal(&d, raw.data, raw.data + raw.len);
	/* What people write is short enough to be its own shortest text. */
	if (d.count > DIGITS_EXACT || d.exponent > EXPONENT_NORMAL ||
	    d.exponent < -EXPONENT_NORMAL)
		if (d.count > 0)
			shorten(&d);
	size_t n = 0;
	if (d.negative)
		out[n++] = '-';
	if (d.count == 0)
		return n + put(out + n, "0.0", 3);
	if (d.exponent >= -4 && d.exponent < 16)
		return n + write_fixed(&d, out + n);
	return n + write_scientific(&d, out + n);
}
