/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_PAIRS_H
#define EXPO_PAIRS_H
/*
 * pairs -- the label pairs of many series of one family as protobuf: what
 * does not depend on the values is made once.
 */
#include "sink.h"

/* Bytes of a LabelPair besides its name and value, if it is small. */
#define EXPO_PAIR_FRAME 6u

/* Tag, length, tag, length and name of a LabelPair, tag and length of its
 * value; both lengths are put in when the value is known. */
struct expo_pair {
	char bytes[32 + EXPO_WIDE];
	uint32_t n; /* 0: the name is too long for this */
	const char *name;
};

struct expo_pairs {
	uint32_t n;
	struct expo_pair v[SMX_MAX_LABELS];
};

/* The family must outlive them. */
void expo_pairs_make(struct expo_pairs *, const struct smx_family_info *);

/* The pairs of a series with these values; they are `len` bytes. */
void expo_pairs_put(struct expo_sink *, const struct expo_pairs *,
    const char *values, size_t len);

/* Lengths below have one byte. */
#define EXPO_PAIR_SMALL 128u

char *expo_pair_put_large(char *p, const struct expo_pair *, const char *value);

/* Copies a string without its NUL.  Label values are short: a call of strlen
 * and one of memcpy take longer than this. */
static inline char *
expo_copy_string(char *p, const char *s)
{
	while (*s != '\0')
		*p++ = *s++;
	return p;
}

/* Returns the end of the pair; *value moves to the next one. */
static inline char *
expo_pair_put(char *p, const struct expo_pair *pair, const char **value)
{
	const uint32_t n = pair->n; /* char stores may alias the pair */
	char *text = expo_copy_wide(p, pair->bytes, n);
	char *end = expo_copy_string(text, *value);
	size_t v = (size_t)(end - text);

	if (__builtin_expect(n == 0 || n - 2 + v >= EXPO_PAIR_SMALL, 0))
		end = expo_pair_put_large(p, pair, *value);
	else {
		p[1] = (char)(n - 2 + v);
		text[-1] = (char)v;
	}
	*value += v + 1;
	return end;
}

#endif
