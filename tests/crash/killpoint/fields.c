/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

uint64_t
word(const struct image *m, uint64_t off)
{
	uint64_t v = 0;

	image_get(m, off, &v, sizeof(v));
	return v;
}

uint32_t
half(const struct image *m, uint64_t off)
{
	uint32_t v = 0;

	image_get(m, off, &v, sizeof(v));
	return v;
}

uint64_t
slot_at(const struct image *m, uint32_t s)
{
	return word(m, SLOT_OFF) + (uint64_t)s * ENTRY;
}

uint64_t
lane_at(const struct image *m, uint32_t l)
{
	return word(m, LANE_TAB_OFF) + (uint64_t)l * ENTRY;
}

uint64_t
lane_base(const struct image *m, uint32_t l)
{
	return word(m, LANE_OFF) + l * word(m, LANE_STRIDE);
}

uint64_t
lane_committed(const struct image *m, uint32_t l)
{
	return word(m, lane_at(m, l) + 8);
}

uint64_t
gauge_base(const struct image *m, uint32_t s)
{
	return word(m, GAUGE_OFF) + s * word(m, GAUGE_STRIDE);
}
