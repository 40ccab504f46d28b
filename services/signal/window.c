/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 256

static __int128_t
quote_of(struct cdb_point p)
{
	return (__int128_t)p.price_e8 * p.qty_e8;	/* below 2^126 */
}

static int
grow(struct cdb_window *w)
{
	size_t cap = w->cap ? 2 * w->cap : CAP_MIN;
	struct cdb_point *ring = calloc(cap, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		ring[i] = cdb_window_at(w, i);
	free(w->ring);
	w->ring = ring;
	w->cap = cap;
	w->head = 0;
	return 0;
}

int
cdb_window_push(struct cdb_window *w, struct cdb_point p)
{
	__int128_t sum;
	int err = w->n == w->cap ? grow(w) : 0;

	if (err < 0)
		return err;
	if (__builtin_add_overflow(w->quote_e16, quote_of(p), &sum))
		return -ERANGE;
	w->quote_e16 = sum;
	w->ring[(w->head + w->n) & (w->cap - 1)] = p;
	w->n++;
	w->pushed++;
	return 0;
}

void
cdb_window_evict(struct cdb_window *w, int64_t from_ms)
{
	while (w->n > 0 && w->ring[w->head].ts_ms < from_ms) {
		w->quote_e16 -= quote_of(w->ring[w->head]);
		w->head = (w->head + 1) & (w->cap - 1);
		w->n--;
		w->popped++;
	}
}

struct cdb_point
cdb_window_at(const struct cdb_window *w, size_t i)
{
	assert(i < w->n);
	return w->ring[(w->head + i) & (w->cap - 1)];
}

void
cdb_window_changes(const struct cdb_window *w, size_t *drop, size_t *append)
{
	size_t saved = w->n + w->popped - w->pushed;

	/* what came and went between two saves never reaches the list */
	*drop = w->popped < saved ? w->popped : saved;
	*append = w->pushed < w->n ? w->pushed : w->n;
}

void
cdb_window_saved(struct cdb_window *w)
{
	w->pushed = w->popped = 0;
}

void
cdb_window_free(struct cdb_window *w)
{
	free(w->ring);
	memset(w, 0, sizeof(*w));
}
