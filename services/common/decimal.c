/* SPDX-License-Identifier: Apache-2.0 */
#include "decimal.h"

#include <errno.h>
#include <stdbool.h>

/* The digits of s[*i, len) below `places` added to *mag; -EINVAL for none. */
static int
digits_read(const char *s, size_t len, size_t *i, __uint128_t *mag)
{
	size_t start = *i;

	for (; *i < len && s[*i] >= '0' && s[*i] <= '9'; ++*i) {
		*mag = *mag * 10 + (unsigned)(s[*i] - '0');
		if (*mag >> 100)
			return -ERANGE;	/* never wraps: 2^100 * 10 < 2^128 */
	}
	return *i == start ? -EINVAL : 0;
}

/* The places after the point: eight of them count, later ones must be 0. */
static int
fraction_read(const char *s, size_t len, size_t *i, __uint128_t *mag)
{
	size_t start = *i;
	size_t end = len - start > CDB_DEC_DIGITS ? start + CDB_DEC_DIGITS
						   : len;
	int err = digits_read(s, end, i, mag);

	if (err < 0)
		return err;
	for (size_t n = *i - start; n < CDB_DEC_DIGITS; n++)
		*mag *= 10;
	if (*i < end)
		return 0;	/* a stranger's byte, refused by the caller */
	for (; *i < len && s[*i] >= '0' && s[*i] <= '9'; ++*i)
		if (s[*i] != '0')
			return -EDOM;
	return 0;
}

static int
sign_apply(__uint128_t mag, bool minus, int64_t *out)
{
	__uint128_t limit = (__uint128_t)INT64_MAX + (minus ? 1 : 0);

	if (mag > limit)
		return -ERANGE;
	*out = minus ? (int64_t)(0 - (uint64_t)mag) : (int64_t)mag;
	return 0;
}

int
cdb_dec_parse(const char *s, size_t len, int64_t *out_e8)
{
	bool minus = len > 0 && s[0] == '-';
	size_t i = minus ? 1 : 0;
	__uint128_t mag = 0;
	int err = digits_read(s, len, &i, &mag);

	if (err < 0)
		return err;
	if (i < len && s[i] == '.') {
		i++;
		err = fraction_read(s, len, &i, &mag);
		if (err < 0)
			return err;
	} else {
		mag *= (__uint128_t)CDB_DEC_ONE;
	}
	if (i != len)
		return -EINVAL;
	return sign_apply(mag, minus, out_e8);
}

/* v as digits ending before `end`; returns where they start. */
static char *
whole_write(uint64_t v, char *end)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return end;
}

/* ".05" without the zeros at its end, or nothing; returns its end. */
static char *
fraction_write(uint64_t frac, char *dst)
{
	size_t n = CDB_DEC_DIGITS;

	if (frac == 0)
		return dst;
	*dst++ = '.';
	for (; frac % 10 == 0; n--)
		frac /= 10;
	for (size_t i = n; i > 0; i--) {
		dst[i - 1] = (char)('0' + frac % 10);
		frac /= 10;
	}
	return dst + n;
}

size_t
cdb_dec_format(int64_t v_e8, char dst[CDB_DEC_TEXT])
{
	uint64_t mag = v_e8 < 0 ? 0 - (uint64_t)v_e8 : (uint64_t)v_e8;
	char whole[20];
	char *from = whole_write(mag / (uint64_t)CDB_DEC_ONE,
	    whole + sizeof(whole));
	char *to = dst;

	if (v_e8 < 0)
		*to++ = '-';
	while (from < whole + sizeof(whole))
		*to++ = *from++;
	to = fraction_write(mag % (uint64_t)CDB_DEC_ONE, to);
	*to = '\0';
	return (size_t)(to - dst);
}

static int
narrow(__int128_t v, int64_t *out)
{
	if (v > INT64_MAX || v < INT64_MIN)
		return -ERANGE;
	*out = (int64_t)v;
	return 0;
}

int
cdb_dec_mul(int64_t a_e8, int64_t b_e8, int64_t *out_e8)
{
	return narrow((__int128_t)a_e8 * b_e8 / CDB_DEC_ONE, out_e8);
}

int
cdb_dec_div(int64_t a_e8, int64_t b_e8, int64_t *out_e8)
{
	if (b_e8 == 0)
		return -EDOM;
	return narrow((__int128_t)a_e8 * CDB_DEC_ONE / b_e8, out_e8);
}
