/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

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
