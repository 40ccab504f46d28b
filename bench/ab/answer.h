/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_AB_ANSWER_H
#define BENCH_AB_ANSWER_H
/*
 * answer -- finds the end of an HTTP/1.1 answer in what arrives of it.
 *
 * Only answers with a Content-Length: a load generator picks its targets.
 * The head must fit; of the body nothing is kept.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
	char head[4096];
	size_t len;   /* bytes of the head so far */
	bool headed;  /* the head is complete */
	bool closing; /* the server will close the connection */
	unsigned status;
	uint64_t left; /* bytes of the body still to come */
};

static inline void
answer_begin(struct answer *a)
{
	a->len = 0;
	a->headed = false;
}

/*
 * answer_take -- the next bytes.
 *
 * Returns 1 when the answer is complete, 0 while it is not.
 * Errors   -EBADMSG not HTTP, no Content-Length, or more than was announced;
 *          -E2BIG the head does not fit.
 */
int answer_take(struct answer *a, const char *bytes, size_t n);

#endif
