/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Chunks double from the first size to the last: a small directory stays
 * small, a large one wastes little. */
#define CHUNK_FIRST 4096u
#define CHUNK_LAST  1048576u

struct smx__chunk {
	struct smx__chunk *below;
	size_t used;
	size_t cap;
	uint64_t bytes[];
};

static int
charge(struct smx__arena *a, size_t bytes)
{
	if (bytes > a->limit - a->spent)
		return -E2BIG;
	a->spent += bytes;
	return 0;
}

static size_t
chunk_size(const struct smx__arena *a, size_t need)
{
	size_t size = a->top ? a->top->cap * 2 : CHUNK_FIRST;

	if (size > CHUNK_LAST)
		size = CHUNK_LAST;
	return size < need ? need : size;
}

static int
push_chunk(struct smx__arena *a, size_t need)
{
	size_t cap = chunk_size(a, need);
	struct smx__chunk *c;
	int err = charge(a, cap);

	if (err < 0)
		return err;
	c = malloc(sizeof(*c) + cap);
	if (c == NULL) {
		a->spent -= cap;
		return -ENOMEM;
	}
	c->below = a->top;
	c->used = 0;
	c->cap = cap;
	a->top = c;
	return 0;
}

static void
pop_chunk(struct smx__arena *a)
{
	struct smx__chunk *c = a->top;

	a->top = c->below;
	a->spent -= c->cap;
	free(c);
}

void *
smx__arena_copy(struct smx__arena *a, const void *bytes, size_t size, int *err)
{
	size_t room = (size + 7) & ~(size_t)7;
	unsigned char *at;

	*err = 0;
	if (a->top == NULL || a->top->cap - a->top->used < room)
		*err = push_chunk(a, room);
	if (*err < 0)
		return NULL;
	at = (unsigned char *)a->top->bytes + a->top->used;
	a->top->used += room;
	if (size > 0)
		memcpy(at, bytes, size);
	return at;
}

struct smx__arena_mark
smx__arena_mark(const struct smx__arena *a)
{
	return (struct smx__arena_mark){ a->top, a->top ? a->top->used : 0 };
}

void
smx__arena_cut(struct smx__arena *a, struct smx__arena_mark mark)
{
	while (a->top != mark.top)
		pop_chunk(a);
	if (a->top != NULL)
		a->top->used = mark.used;
}

void
smx__arena_free(struct smx__arena *a)
{
	smx__arena_cut(a, (struct smx__arena_mark){ NULL, 0 });
}

int
smx__array_grow(struct smx__arena *a, void *array, size_t *cap, size_t need,
    size_t size)
{
	void *old, *grown;
	size_t next = *cap + *cap / 2;
	int err;

	if (need <= *cap)
		return 0;
	next = next < need ? need : next;
	next = next < 16 ? 16 : next;
	if (next > SIZE_MAX / size)
		return -E2BIG;
	err = charge(a, (next - *cap) * size);
	if (err < 0)
		return err;
	memcpy(&old, array, sizeof(old));
	grown = realloc(old, next * size);
	if (grown == NULL) {
		a->spent -= (next - *cap) * size;
		return -ENOMEM;
	}
	memcpy(array, &grown, sizeof(grown));
	*cap = next;
	return 0;
}
