/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "figure.h"

/* Three digits, whatever stands before the point. */
static void
put(char to[FIGURE], double value, const char *unit)
{
	double size = fabs(value);
	int places = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;

	if (value == floor(value) && *unit == '\0')
		places = 0;
	snprintf(to, FIGURE, "%.*f%s", places, value, unit);
}

void
figure_number(char to[FIGURE], double value)
{
	static const char *const letters[] = { "", "k", "M", "G", "T", "P",
		"E" };
	size_t i = 0;

	if (value != 0 && fabs(value) < 0.01) {
		snprintf(to, FIGURE, "%.3g", value);
		return;
	}
	for (; fabs(value) >= 999.5 && i < 6; i++)
		value /= 1000;
	put(to, value, letters[i]);
}

void
figure_seconds(char to[FIGURE], double value)
{
	double size = fabs(value);

	if (size == 0)
		put(to, value, "");
	else if (size >= 0.9995 && size < 60)
		put(to, value, "s");
	else if (size >= 360000)
		put(to, value / 86400, "d");
	else if (size >= 60)
		snprintf(to, FIGURE, "%dm%02ds", (int)(value / 60),
		    (int)fmod(size, 60));
	else if (size >= 0.9995e-3)
		put(to, value * 1e3, "ms");
	else if (size >= 0.9995e-6)
		put(to, value * 1e6, "us");
	else
		put(to, value * 1e9, "ns");
}

void
figure_of(char to[FIGURE], double value, const char *unit)
{
	if (isnan(value))
		snprintf(to, FIGURE, "-");
	else if (isinf(value))
		snprintf(to, FIGURE, value > 0 ? "+Inf" : "-Inf");
	else if (strcmp(unit, "seconds") == 0)
		figure_seconds(to, value);
	else
		figure_number(to, value);
}

const wchar_t *
figure_bar(unsigned level, int wide)
{
	static const wchar_t *const glyphs[] = { L" ", L"\u2581", L"\u2582",
		L"\u2583", L"\u2584", L"\u2585", L"\u2586", L"\u2587",
		L"\u2588" };
	static const wchar_t *const letters[] = { L" ", L"_", L".", L"-", L"=",
		L"+", L"*", L"%", L"#" };

	return (wide ? glyphs : letters)[level > 8 ? 8 : level];
}

const wchar_t *
figure_shade(unsigned level, int wide)
{
	static const wchar_t *const glyphs[] = { L" ", L"\u2591", L"\u2592",
		L"\u2593", L"\u2588" };
	static const wchar_t *const letters[] = { L" ", L".", L"+", L"%",
		L"#" };

	return (wide ? glyphs : letters)[level > 4 ? 4 : level];
}
