/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdint.h>
#include <string.h>

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
ascii_valid(unsigned char c)
{
	return (c >= ' ' && c != 0x7f) || c == '\n' || c == '\t';
}

/* Bytes of the sequence that `lead` opens, and the range of its second byte;
 * 0 for what cannot open one.  Table 3-7 of the Unicode standard. */
static size_t
sequence(unsigned char lead, unsigned char *lo, unsigned char *hi)
{
	*lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Bytes of the valid sequence at `s`, else 0. */
static size_t
wide_valid(const unsigned char *s, size_t left)
{
	unsigned char lo, hi;
	size_t n = sequence(s[0], &lo, &hi);

	if (n == 0 || n > left || s[1] < lo || s[1] > hi)
		return 0;
	if (s[0] == 0xc2 && s[1] < 0xa0)
		return 0; /* U+0080..U+009F are controls as well */
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
smx__text_valid(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		if (s[i] < 0x80)
			n = ascii_valid(s[i]) ? 1 : 0;
		else
			n = wide_valid(s + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

bool
smx__unit_valid(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < len; i++)
		if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != ':')
			return false;
	return true;
}

bool
smx__name_valid(const char *text, size_t len)
{
	return len > 0 && !is_digit((unsigned char)text[0]) &&
	    smx__unit_valid(text, len);
}

static bool
is_reserved(const char *text, size_t len)
{
	static const char *const names[] = { "le", "quantile", "service",
		"service_instance" };

	if (len >= 2 && memcmp(text, "__", 2) == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
			return true;
	return false;
}

bool
smx__label_valid(const char *text, size_t len)
{
	return smx__name_valid(text, len) && memchr(text, ':', len) == NULL &&
	    !is_reserved(text, len);
}
