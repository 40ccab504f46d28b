/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_NUMBER_H
#define EXPO_NUMBER_H
/*
 * number -- numbers as Go prints them (strconv 'g', -1): the shortest decimal
 * that reads back as the same double; with an exponent of at least two digits
 * below 1e-04 and from 1e+06 on; +Inf, -Inf, NaN.
 *
 * Output   not NUL-terminated.  Each call returns the length, at most
 *          EXPO_NUMBER_LEN, and may write anything to the rest of
 *          EXPO_NUMBER_ROOM bytes.
 * Thread   any; no locale, no allocation.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXPO_NUMBER_LEN	 24u /* "-2.2250738585072014e-308" */
#define EXPO_NUMBER_ROOM 40u

/* expo_u64 -- plain digits, however many: OpenMetrics counts. */
size_t expo_u64(char *dst, uint64_t v);

/*
 * expo_decimal -- n x 10^-exponent, |exponent| <= 22.
 *
 * The division is done on the digits: 3 cells of 1e-9 are "3e-09".  Up to 15
 * significant digits, the decimal itself is what Go prints, for no two such
 * decimals share a double.  With more digits, what is printed is the shortest
 * decimal of the nearest double: the one that Prometheus will store anyway.
 */
size_t expo_decimal(char *dst, uint64_t n, int exponent);

/*
 * expo_exact -- the same with every digit and without an exponent, trailing
 * zeros left out: 0.000000003, 18446744073.709551615.  |exponent| <= 18.
 *
 * Return   at most 39 bytes.
 */
size_t expo_exact(char *dst, uint64_t n, int exponent);

double expo__value(uint64_t n, int exponent);

/* expo_value -- the double nearest to n x 10^-exponent, |exponent| <= 22. */
static inline double
expo_value(uint64_t n, int exponent)
{
	if (exponent == 0 && n <= UINT64_C(1) << 53)
		return (double)n;
	return expo__value(n, exponent);
}

/* expo_time -- nanoseconds since 1970 as seconds, to the millisecond:
 * 1700000000.123. */
size_t expo_time(char *dst, uint64_t ns);

/* expo_double -- any double. */
size_t expo_double(char *dst, double v);

/*
 * expo_canonical -- make the n bytes of a number at dst the canonical value
 * of an `le` label: "1" becomes "1.0", "0.005" and "1e+06" stay.
 */
size_t expo_canonical(char *dst, size_t n);

/* number.cc: the standard library's exact conversions.
 * v finite and > 0, as d.ddde+xx; at most EXPO_NUMBER_LEN bytes. */
size_t expo__scientific(char *dst, double v);
/* As expo_value(), without its short cuts. */
double expo__nearest(uint64_t n, int exponent);

#ifdef __cplusplus
}
#endif

#endif
