/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_LADDER_H
#define EXPO_LADDER_H
/*
 * ladder -- the classic bounds of a histogram, each with its text.
 *
 * Bounds   the explicit ones if it has any; else the powers of two of its
 *          native range.  Ascending and distinct as doubles, +Inf last.
 */
#include "arena.h"

#define EXPO_LADDERS_KEPT 16

struct expo_ladders {
	struct expo_rung *rungs;
	size_t n, cap;
	struct {
		const struct smx_family_info *family;
		struct expo_ladder ladder;
	} kept[EXPO_LADDERS_KEPT]; /* the last ones made, to be shared */
	size_t made;
};

/* expo_ladder_of -- that of a family; one made before if it is the same.
 * Errors: in the arena. */
struct expo_ladder expo_ladder_of(
    struct expo_ladders *, struct expo_arena *, const struct smx_family_info *);

#endif
