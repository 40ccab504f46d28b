/* SPDX-License-Identifier: Apache-2.0 */
/* The two conversions that C lacks: exact in both directions, shortest on the
 * way out, blind to the locale. */
#include "number.h"

#include <charconv>

size_t
expo__scientific(char *dst, double v)
{
	auto end = std::to_chars(dst, dst + EXPO_NUMBER_ROOM, v,
	    std::chars_format::scientific);

	return static_cast<size_t>(end.ptr - dst);
}

double
expo__nearest(uint64_t n, int exponent)
{
	char text[32]; /* 20 digits, e, -, 2 digits */
	char *p = std::to_chars(text, text + 20, n).ptr;
	double v = 0;

	*p++ = 'e';
	p = std::to_chars(p, p + 8, -exponent).ptr;
	std::from_chars(text, p, v);
	return v;
}
