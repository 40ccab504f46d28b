/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_LEFT_H
#define KILLPOINT_LEFT_H
/*
 * left -- what a writer that was killed has left: is it sound, and does the
 * next life go on from there exactly?
 */
#include <stdint.h>

#include "bytes.h"
#include "image.h"
#include "judge.h"

struct left {
	unsigned ahead;		/* sums, of counts, where lanes are shared */
	uint64_t states, lives; /* judged; that went on */
	char why[400];		/* what is wrong */

	/* judged last; what comes next may only add to it */
	struct image image;
	struct verdict verdict;
	struct bytes bytes;
};

/*
 * left_judge -- the file in `dir`, whose bytes are `image`: to the reader
 * library, to the format page, and whether the two agree.
 *
 * Return   0, or -1 and why.
 */
int left_judge(struct left *, const char *dir, const struct image *);

/* A next life in `dir`, whose state was judged last: it adopts slot and
 * lanes, and adds exactly.  What was judged last stays that.  0 or -1. */
int left_go_on(struct left *, const char *dir);

/* Nothing was judged so far. */
void left_forget(struct left *);

#endif
