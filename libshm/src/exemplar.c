/* SPDX-License-Identifier: Apache-2.0 */
#include "exemplar.h"

#include <string.h>

#include "text.h"

uint32_t
smx__exemplar_flag(const struct smx_bucket *b, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n; i++)
		if (b[i].flags & SMX_BUCKET_EXPLICIT)
			return SMX_BUCKET_EXPLICIT;
	return SMX_BUCKET_POWER;
}

uint32_t
smx__exemplar_slots(const struct smx_bucket *b, uint32_t n, uint16_t *of)
{
	uint32_t ends = smx__exemplar_flag(b, n);
	uint32_t slot = 0;

	for (uint32_t i = 0; i + 1 < n; i++) {
		if (of)
			of[i] = (uint16_t)slot;
		slot += (b[i].flags & ends) != 0;
	}
	if (of)
		of[n - 1] = (uint16_t)slot;
	return slot + 1;
}

/* Of valid UTF-8: all bytes but those that continue a character. */
static uint32_t
code_points(const char *s, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Whether one of the n labels before has this name. */
static bool
comes_twice(const char *text, uint32_t n, const char *name)
{
	for (; n > 0; n--) {
		if (strcmp(text, name) == 0)
			return true;
		text += strlen(text) + 1;
		text += strlen(text) + 1;
	}
	return false;
}

/* The string at `at`, before `end`; its length, or -1 if it has no end. */
static ptrdiff_t
string_at(const char *at, const char *end)
{
	const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

	return nul ? nul - at : -1;
}

uint32_t
smx__exemplar_labels(const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	uint32_t points = 0, n = 0;

	if (len > SMX_EXEMPLAR_TEXT)
		return 0;
	for (; at < end; n++) {
		const char *name = at, *value;
		ptrdiff_t name_len = string_at(name, end), value_len;

		if (name_len <= 0)
			return 0;
		value = name + name_len + 1;
		value_len = string_at(value, end);
		if (value_len < 0 || !smx__label_valid(name, (size_t)name_len) ||
		    !smx__text_valid(value, (size_t)value_len) ||
		    comes_twice(text, n, name))
			return 0;
		points += (uint32_t)name_len +
		    code_points(value, (size_t)value_len);
		at = value + value_len + 1;
	}
	return points <= SMX_EXEMPLAR_POINTS ? n : 0;
}
