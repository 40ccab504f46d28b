/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_ARENA_H
#define EXPO_ARENA_H
/*
 * arena -- text that only grows while a page is planned, and arrays.
 *
 * Errors   the first one sticks in `err` (-ENOMEM, -E2BIG past 4 GiB), and
 *          later calls do nothing: check once, at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct expo_arena {
	char *text;
	size_t len, cap;
	int err;
};

/* A place to write n bytes and EXPO_WIDE more; NULL on error.  What was
 * really written is then told to expo_arena_advance(). */
char *expo_arena_room(struct expo_arena *, size_t n);
void expo_arena_advance(struct expo_arena *, size_t n);

void expo_arena_put(struct expo_arena *, const char *, size_t n);
void expo_arena_str(struct expo_arena *, const char *);
void expo_arena_escape(struct expo_arena *, const char *, bool quotes);

/* What was put since the arena had the length `start`. */
struct expo_text expo_arena_since(const struct expo_arena *, size_t start);

/* expo_grow -- make room for n elements of `size` bytes in *array.
 * Errors: -ENOMEM; the array is then what it was. */
int expo_grow(void *array, size_t *cap, size_t n, size_t size);

#endif
