/* SPDX-License-Identifier: Apache-2.0 */
#include "quantile.h"

#include <math.h>

double
quantile_scaled(double cell, int exponent)
{
	return exponent < 0 ? cell * pow(10, -exponent) :
			      cell / pow(10, exponent);
}

double
quantile_of(double q, const uint64_t *counts, const struct smx_bucket *buckets,
    uint32_t n, int exponent)
{
	uint64_t total = 0, below = 0;
	double rank, low, high;
	uint32_t i = 0;

	for (uint32_t k = 0; k < n; k++)
		total += counts[k];
	if (total == 0)
		return NAN;
	rank = q * (double)total;
	while (i + 1 < n &&
	    (counts[i] == 0 || (double)(below + counts[i]) < rank))
		below += counts[i++];
	low = i > 0 ? (double)buckets[i - 1].upper : 0;
	if (i + 1 == n) /* its upper end is no number */
		return quantile_scaled(low, exponent);
	high = (double)buckets[i].upper;
	return quantile_scaled(low + (high - low) *
	    (rank - (double)below) / (double)counts[i], exponent);
}
