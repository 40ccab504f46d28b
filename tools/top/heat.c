/* SPDX-License-Identifier: Apache-2.0 */
#include "heat.h"

#include <errno.h>
#include <stdlib.h>

int
heat_start(struct heat *h, uint32_t n_buckets)
{
	heat_stop(h);
	h->counts = calloc((size_t)TOP_HISTORY * n_buckets,
	    sizeof(*h->counts));
	h->n = h->counts ? n_buckets : 0;
	return h->counts ? 0 : -ENOMEM;
}

void
heat_stop(struct heat *h)
{
	free(h->counts);
	*h = (struct heat){ 0 };
}

static const uint64_t *
row_of(const struct heat *h, unsigned look)
{
	return h->counts + (size_t)(look % TOP_HISTORY) * h->n;
}

void
heat_look(struct heat *h, const struct top_segment *g, uint32_t series)
{
	uint64_t *row;

	if (h->n == 0)
		return;
	row = h->counts + (size_t)(h->looks % TOP_HISTORY) * h->n;
	for (uint32_t i = 0; i < h->n; i++)
		row[i] = top_bucket(g, series, i);
	h->looks++;
}

static bool
is_used(const struct heat *h, uint32_t bucket)
{
	for (unsigned k = 0; k < TOP_HISTORY; k++)
		if (row_of(h, k)[bucket] != 0)
			return true;
	return false;
}

bool
heat_range(const struct heat *h, uint32_t *first, uint32_t *last)
{
	bool any = false;

	for (uint32_t i = 0; i < h->n; i++) {
		if (!is_used(h, i))
			continue;
		if (!any)
			*first = i;
		*last = i;
		any = true;
	}
	return any;
}

double
heat_share(const struct heat *h, unsigned ago, uint32_t from, uint32_t to)
{
	const uint64_t *row;
	uint64_t all = 0, these = 0;

	if (ago >= h->looks || ago >= TOP_HISTORY)
		return 0;
	row = row_of(h, h->looks - 1 - ago);
	for (uint32_t i = 0; i < h->n; i++) {
		all += row[i];
		if (i >= from && i <= to)
			these += row[i];
	}
	return all > 0 ? (double)these / (double)all : 0;
}
