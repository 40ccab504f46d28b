/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

int
expo_grow(void *array, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap < 16 ? 16 : *cap * 2;
	void *old, *p;

	if (n <= *cap)
		return 0;
	if (want < n)
		want = n;
	memcpy(&old, array, sizeof(old));
	p = reallocarray(old, want, size);
	if (p == NULL)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*cap = want;
	return 0;
}

char *
expo_arena_room(struct expo_arena *a, size_t n)
{
	if (a->err != 0)
		return NULL;
	if (n > UINT32_MAX - EXPO_WIDE - a->len) {
		a->err = -E2BIG;
		return NULL;
	}
	a->err = expo_grow(&a->text, &a->cap, a->len + n + EXPO_WIDE, 1);
	return a->err == 0 ? a->text + a->len : NULL;
}

void
expo_arena_advance(struct expo_arena *a, size_t n)
{
	a->len += n;
}

void
expo_arena_put(struct expo_arena *a, const char *s, size_t n)
{
	char *p = expo_arena_room(a, n);

	if (p == NULL)
		return;
	memcpy(p, s, n);
	a->len += n;
}

void
expo_arena_str(struct expo_arena *a, const char *s)
{
	expo_arena_put(a, s, strlen(s));
}

void
expo_arena_escape(struct expo_arena *a, const char *s, bool quotes)
{
	char *p = expo_arena_room(a, 2 * strlen(s));

	if (p != NULL)
		a->len += expo_escape(p, s, quotes);
}

struct expo_text
expo_arena_since(const struct expo_arena *a, size_t start)
{
	struct expo_text t = { (uint32_t)start, (uint32_t)(a->len - start) };

	return t;
}
