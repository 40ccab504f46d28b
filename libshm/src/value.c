/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a snapshot, filled by a view or by hand. */
#include <string.h>

#include "smx/snapshot.h"

bool
smx_gauge_of(const struct smx_snapshot *s, const struct smx_series_info *series,
    uint32_t row, double *value)
{
	uint64_t bits = s->gauges[(size_t)row * s->catalog->n_gauges +
	    series->cell];

	if (bits == 0)
		return false;
	bits ^= SMX_GAUGE_XOR;
	memcpy(value, &bits, sizeof(bits));
	return true;
}

/* A NaN wins over numbers: it says that one process does not know. */
static double
combine(uint8_t mode, double a, double b)
{
	if (mode == SMX_GAUGE_MIN)
		return a < b || a != a ? a : b;
	if (mode == SMX_GAUGE_MAX)
		return a > b || a != a ? a : b;
	return a + b;
}

bool
smx_gauge_value(const struct smx_snapshot *s,
    const struct smx_series_info *series, double *value)
{
	uint8_t mode = s->catalog->families[series->family].gauge_mode;
	double total = 0, one;
	bool set = false;

	for (uint32_t row = 0; row < s->n_live; row++) {
		if (!smx_gauge_of(s, series, row, &one))
			continue;
		total = set ? combine(mode, total, one) : one;
		set = true;
	}
	if (set)
		*value = total;
	return set;
}

uint64_t
smx_histogram_count(const struct smx_snapshot *s,
    const struct smx_series_info *series)
{
	const uint64_t *bucket = s->cells + series->cell + SMX_HIST_BUCKET;
	uint32_t n = s->catalog->families[series->family].n_buckets;
	uint64_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += bucket[i];
	return count;
}
