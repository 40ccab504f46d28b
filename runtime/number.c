/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
number_parse(const char *text, int64_t min, int64_t max, int64_t *out)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	char *end;
	long long v;

	/* strtoll alone would take blanks and a plus sign */
	if (!isdigit((unsigned char)digits[0]))
		return -EINVAL;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE || v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int
duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ms", 1000000 }, { "s", UINT64_C(1000000000) },
		{ "m", UINT64_C(60000000000) }, { "h", UINT64_C(3600000000000) },
		{ "d", UINT64_C(86400000000000) },
	};
	const uint64_t most = units[4].ns * 36525;
	size_t n = strspn(text, "0123456789");
	char digits[20];
	int64_t v;

	if (n == 0 || n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (number_parse(digits, 0, INT64_MAX, &v) < 0)
		return -ERANGE;
	if (v == 0 && text[n] == '\0') {
		*ns = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + n, units[i].unit) != 0)
			continue;
		if ((uint64_t)v > most / units[i].ns)
			return -ERANGE;
		*ns = (uint64_t)v * units[i].ns;
		return 0;
	}
	return -EINVAL;
}
