/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_SPANS_H
#define SMX_SRC_SPANS_H
/*
 * spans -- which parts of a range of a file exist.  A read of a hole through
 * a mapping would make a tmpfs allocate the page, on the reader's account;
 * what is in a hole is zero anyway.
 */
#include <stddef.h>
#include <stdint.h>

struct smx__span {
	uint32_t first, end; /* units from the start of the range */
};

struct smx__spans {
	struct smx__span *list; /* ascending, apart */
	size_t n, cap;
	/* As last heard: a hole up to `data`, then data up to `hole`. */
	uint64_t asked, data, hole;
};

/* What was heard of the file may be old: ask again. */
static inline void
smx__spans_forget(struct smx__spans *s)
{
	s->asked = s->data = s->hole = 0;
}

/*
 * smx__spans_find -- the whole units of `unit` bytes that exist of n of them
 * from offset `off` on.
 *
 * Cost     the kernel looks for the next hole page by page, however far it
 *          is: that is asked once for all ranges of one stretch of data, if
 *          they come in ascending order.
 * Owner    the caller, of spans->list: free().
 * Errors   -ENOMEM, -errno of lseek.
 */
int smx__spans_find(struct smx__spans *, int fd, uint64_t off, uint32_t unit,
    uint32_t n);

#endif
