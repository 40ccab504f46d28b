/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

size_t
expo_escape(char *dst, const char *src, bool quotes)
{
	char *p = dst;

	for (; *src != '\0'; src++) {
		char c = *src;

		if (c == '\\' || c == '\n' || (quotes && c == '"'))
			*p++ = '\\';
		*p++ = c == '\n' ? 'n' : c;
	}
	return (size_t)(p - dst);
}
