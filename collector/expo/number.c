/* SPDX-License-Identifier: Apache-2.0 */
#include "number.h"

#include <math.h>
#include <string.h>

#define E8  UINT64_C(100000000)
#define E15 UINT64_C(1000000000000000)
__extension__ typedef unsigned __int128 u128;

/* A positive number: d.ddd x 10^exp10.  The first and the last digit are not
 * zero.  Digits live in a register, the first in the lowest byte; storing
 * them and loading them again at another offset would cost more than all the
 * arithmetic.  What is past the n-th byte is of no meaning. */
struct digits {
	u128 text; /* the first 16, ASCII */
	char last; /* the 17th */
	size_t n;
	int exp10;
};

static const char two_digits[] = "0001020304050607080910111213141516171819"
				 "2021222324252627282930313233343536373839"
				 "4041424344454647484950515253545556575859"
				 "6061626364656667686970717273747576777879"
				 "8081828384858687888990919293949596979899";

static uint64_t
little_endian(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return v;
#else
	return __builtin_bswap64(v);
#endif
}

/* The eight decimal digits of v < 10^8, one a byte, the first in the lowest:
 * two halves of four, four of two, eight of one.  Each step divides all of
 * its lanes by one multiplication (q), and puts the remainder beside it:
 * q + ((x - q * 100) << 16), which is (x << 16) - q * ((100 << 16) - 1). */
static uint64_t
eight_digits(uint64_t v)
{
	uint64_t x, q;

	q = v / 10000;
	x = (v << 32) - q * ((UINT64_C(10000) << 32) - 1);
	q = ((x * 10486) >> 20) & UINT64_C(0x0000007f0000007f);
	x = (x << 16) - q * ((UINT64_C(100) << 16) - 1);
	q = ((x * 103) >> 10) & UINT64_C(0x000f000f000f000f);
	return (x << 8) - q * ((UINT64_C(10) << 8) - 1);
}

/* Index of the first and past the last byte that is not zero; x != 0. */
static unsigned
first_byte(uint64_t x)
{
	return (unsigned)__builtin_ctzll(x) / 8;
}

static unsigned
end_byte(uint64_t x)
{
	return 8 - (unsigned)__builtin_clzll(x) / 8;
}

static uint64_t
ascii(uint64_t bytes)
{
	return bytes | UINT64_C(0x3030303030303030);
}

static void
put_8(char *dst, uint64_t text)
{
	text = little_endian(text);
	memcpy(dst, &text, 8);
}

/* The digits from the index `from` (< 16) on: 17 bytes. */
static void
put_from(char *dst, const struct digits *d, size_t from)
{
	u128 text = d->text >> (8 * from);

	put_8(dst, (uint64_t)text);
	put_8(dst + 8, (uint64_t)(text >> 64));
	dst[16 - from] = d->last;
}

/* v in [1, 10^8). */
static size_t
put_small(char *dst, uint64_t v)
{
	uint64_t x = eight_digits(v);
	unsigned skip = first_byte(x);

	put_8(dst, ascii(x) >> (8 * skip));
	return 8 - skip;
}

size_t
expo_u64(char *dst, uint64_t v)
{
	uint64_t high = v / E8;
	size_t n;

	if (v == 0) {
		dst[0] = '0';
		return 1;
	}
	if (high == 0)
		return put_small(dst, v);
	n = expo_u64(dst, high); /* at most twice */
	put_8(dst + n, ascii(eight_digits(v - high * E8)));
	return n + 8;
}

/* The digits of n in [1, 10^8), without zeros at either end. */
static void
digits_of_half(struct digits *d, uint64_t n, int exponent)
{
	uint64_t x = eight_digits(n);
	unsigned first = first_byte(x);

	d->text = ascii(x) >> (8 * first);
	d->last = '0';
	d->n = end_byte(x) - first;
	d->exp10 = 7 - (int)first - exponent;
}

/* The same of n in [10^8, 10^16). */
static void
digits_of_both(struct digits *d, uint64_t n, int exponent)
{
	uint64_t high = n / E8;
	uint64_t low = n - high * E8;
	uint64_t a = eight_digits(high), b = eight_digits(low);
	unsigned first = first_byte(a);
	unsigned end = low != 0 ? 8 + end_byte(b) : end_byte(a);

	d->text = ((u128)ascii(b) << 64 | ascii(a)) >> (8 * first);
	d->last = '0';
	d->n = end - first;
	d->exp10 = 15 - (int)first - exponent;
}

/* "e+06" */
static size_t
put_exponent(char *dst, int exp10)
{
	size_t x = (size_t)(exp10 < 0 ? -exp10 : exp10);

	memcpy(dst, exp10 < 0 ? "e-" : "e+", 2);
	if (x < 100) {
		memcpy(dst + 2, two_digits + 2 * x, 2);
		return 4;
	}
	dst[2] = (char)('0' + x / 100);
	memcpy(dst + 3, two_digits + 2 * (x % 100), 2);
	return 5;
}

/* d.ddde+xx */
static size_t
put_scientific(char *dst, const struct digits *d)
{
	size_t n = d->n > 1 ? d->n + 1 : 1;

	dst[0] = (char)d->text;
	dst[1] = '.';
	put_from(dst + 2, d, 1);
	return n + put_exponent(dst + n, d->exp10);
}

/* dddddd, ddd.ddd or 0.00ddd; -4 <= exp10 < 6. */
static size_t
put_plain(char *dst, const struct digits *d)
{
	size_t whole;

	if (d->exp10 < 0) {
		size_t zeros = (size_t)(1 - d->exp10);

		memcpy(dst, "0.000", 5);
		put_from(dst + zeros, d, 0);
		return zeros + d->n;
	}
	whole = (size_t)d->exp10 + 1;
	put_8(dst, (uint64_t)d->text);
	if (d->n <= whole) {
		put_8(dst + d->n, ascii(0));
		return whole;
	}
	dst[whole] = '.';
	put_from(dst + whole + 1, d, whole);
	return d->n + 1;
}

/* Go's rule for %g of a shortest number. */
static size_t
put_digits(char *dst, const struct digits *d)
{
	if (d->exp10 < -4 || d->exp10 >= 6)
		return put_scientific(dst, d);
	return put_plain(dst, d);
}

static void
add_digit(struct digits *d, char c)
{
	if (d->n < 16)
		d->text |= (u128)(unsigned char)c << (8 * d->n);
	else
		d->last = c;
	d->n++;
}

/* v finite and > 0: takes the standard library's d.ddde+xx apart. */
static size_t
put_shortest(char *dst, double v)
{
	struct digits d = { .last = '0' };
	char s[EXPO_NUMBER_ROOM];
	size_t len = expo__scientific(s, v);
	size_t i;
	int x = 0;

	for (i = 0; s[i] != 'e'; i++)
		if (s[i] != '.')
			add_digit(&d, s[i]);
	for (size_t k = i + 2; k < len; k++)
		x = x * 10 + (s[k] - '0');
	d.exp10 = s[i + 1] == '-' ? -x : x;
	return put_digits(dst, &d);
}

size_t
expo_decimal(char *dst, uint64_t n, int exponent)
{
	struct digits d;

	if (n < 1000000 && exponent == 0)
		return expo_u64(dst, n);
	if (n == 0) {
		dst[0] = '0';
		return 1;
	}
	if (n >= E15)
		return put_shortest(dst, expo__nearest(n, exponent));
	if (n < E8)
		digits_of_half(&d, n, exponent);
	else
		digits_of_both(&d, n, exponent);
	return put_digits(dst, &d);
}

size_t
expo_exact(char *dst, uint64_t n, int exponent)
{
	char digits[EXPO_NUMBER_ROOM];
	size_t len, whole, zeros;

	for (; exponent > 0 && n % 10 == 0 && n > 0; exponent--)
		n /= 10;
	len = expo_u64(digits, n);
	if (exponent <= 0 || n == 0) {
		zeros = n == 0 ? 0 : (size_t)-exponent;
		memcpy(dst, digits, len);
		memset(dst + len, '0', zeros);
		return len + zeros;
	}
	/* at least one digit before the point */
	zeros = len > (size_t)exponent ? 0 : (size_t)exponent + 1 - len;
	memmove(digits + zeros, digits, len);
	memset(digits, '0', zeros);
	len += zeros;
	whole = len - (size_t)exponent;
	memcpy(dst, digits, whole);
	dst[whole] = '.';
	memcpy(dst + whole + 1, digits + whole, (size_t)exponent);
	return len + 1;
}

double
expo__value(uint64_t n, int exponent)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
		1e19, 1e20, 1e21, 1e22 };

	/* both sides exact, so one rounding: the right one */
	if (n > UINT64_C(1) << 53)
		return expo__nearest(n, exponent);
	if (exponent >= 0)
		return (double)n / powers[exponent];
	return (double)n * powers[-exponent];
}

size_t
expo_time(char *dst, uint64_t ns)
{
	uint64_t ms = ns / 1000000;
	size_t n = expo_u64(dst, ms / 1000);

	dst[n++] = '.';
	dst[n++] = (char)('0' + ms / 100 % 10);
	dst[n++] = (char)('0' + ms / 10 % 10);
	dst[n++] = (char)('0' + ms % 10);
	return n;
}

static size_t
put_words(char *dst, const char *word)
{
	size_t n = strlen(word);

	memcpy(dst, word, n);
	return n;
}

size_t
expo_double(char *dst, double v)
{
	size_t sign = 0;

	if (isnan(v))
		return put_words(dst, "NaN");
	if (isinf(v))
		return put_words(dst, v > 0 ? "+Inf" : "-Inf");
	if (signbit(v)) {
		*dst++ = '-';
		sign = 1;
		v = -v;
	}
	if (v < 1e15 && v == (double)(uint64_t)v)
		return sign + expo_decimal(dst, (uint64_t)v, 0);
	return sign + put_shortest(dst, v);
}

size_t
expo_canonical(char *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(".eIN", dst[i]) != NULL)
			return n;
	memcpy(dst + n, ".0", 2);
	return n + 2;
}
