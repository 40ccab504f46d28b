/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h -- the ticks of one symbol within the look-back.
 *
 * A queue in order of arrival, with the sum of price x quantity kept exactly
 * (units of 1e-16).  It also knows how it differs from what was last saved:
 * so many gone at the front, so many new at the end.
 *
 * Thread   one; pure.
 */
#ifndef CDB_WINDOW_H
#define CDB_WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct cdb_point {
	int64_t ts_ms;
	int64_t price_e8;
	int64_t qty_e8;
};

struct cdb_window {
	struct cdb_point *ring;	/* owned; cap is a power of two or 0 */
	size_t cap;
	size_t head;		/* index of the oldest */
	size_t n;
	__int128_t quote_e16;
	size_t pushed;		/* since the last cdb_window_saved() */
	size_t popped;
};

/*
 * cdb_window_push -- append a point.
 *
 * Errors   -ENOMEM; -ERANGE the sum cannot be held.  Then nothing changes.
 */
int cdb_window_push(struct cdb_window *w, struct cdb_point p);

/* cdb_window_evict -- drop points at the front that lie before from_ms. */
void cdb_window_evict(struct cdb_window *w, int64_t from_ms);

/* cdb_window_at -- the i-th oldest point, i < n. */
struct cdb_point cdb_window_at(const struct cdb_window *w, size_t i);

/*
 * cdb_window_changes -- what to do to the saved list: drop *drop points at
 * its front, then append the last *append points of this window.
 */
void cdb_window_changes(const struct cdb_window *w, size_t *drop,
    size_t *append);

/* cdb_window_saved -- the list is now what the window is. */
void cdb_window_saved(struct cdb_window *w);

void cdb_window_free(struct cdb_window *w);

#endif
