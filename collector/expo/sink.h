/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_SINK_H
#define EXPO_SINK_H
/*
 * sink -- where an encoder writes: a buffer that may be too small.
 *
 * I1  len counts all bytes, those that had no room too; bytes [0, min(len,
 *     cap)) of the buffer are final, those from len to cap are scribbled on,
 *     nothing at or past cap is ever touched.
 */
#include <stddef.h>
#include <string.h>

#include "number.h"
#include "plan.h"

/* What may be scribbled past the end of a piece. */
#define EXPO_SLACK (EXPO_WIDE + EXPO_NUMBER_ROOM)

struct expo_sink {
	char *dst;
	size_t cap, len;
	char spare[EXPO_NUMBER_ROOM + 8]; /* a number at the end of room */
};

/* Copies n bytes, and scribbles up to EXPO_WIDE more; src is readable as far.
 */
static inline char *
expo_copy_wide(char *dst, const char *src, size_t n)
{
	for (size_t i = 0; i < n; i += EXPO_WIDE)
		memcpy(dst + i, src + i, EXPO_WIDE);
	return dst + n;
}

/* Any bytes; what does not fit is only counted. */
static inline void
expo_sink_put(struct expo_sink *s, const char *src, size_t n)
{
	if (s->len < s->cap) {
		size_t room = s->cap - s->len;

		memcpy(s->dst + s->len, src, n < room ? n : room);
	}
	s->len += n;
}

/* Whether n bytes can be written with all their scribbling. */
static inline bool
expo_sink_has(const struct expo_sink *s, size_t n)
{
	return s->len + n + EXPO_SLACK <= s->cap;
}

/* Where to write a number: in place, or aside if room is short. */
static inline char *
expo_sink_number(struct expo_sink *s)
{
	return expo_sink_has(s, 0) ? s->dst + s->len : s->spare;
}

/* Ends what was begun there; `end` is one past the last byte. */
static inline void
expo_sink_end(struct expo_sink *s, const char *end)
{
	size_t aside = (uintptr_t)end - (uintptr_t)s->spare;

	if (aside <= sizeof(s->spare))
		expo_sink_put(s, s->spare, aside);
	else
		s->len = (size_t)(end - s->dst);
}

#endif
