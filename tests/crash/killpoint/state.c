/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"
#include "fields.h"

static uint64_t
add_word(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
}

static uint64_t
add_words(uint64_t hash, const struct image *m, uint64_t from, uint64_t to)
{
	for (; from < to; from += 8)
		hash = add_word(hash, word(m, from));
	return hash;
}

static uint64_t
add_tables(uint64_t h, const struct image *m)
{
	uint32_t i;

	for (i = 0; i < half(m, SLOT_CAP); i++) {
		uint64_t at = slot_at(m, i), base = gauge_base(m, i);

		h = add_word(h, half(m, at));
		h = add_words(h, m, at + 16, at + 24);
		h = add_words(h, m, base, base + word(m, at + 16));
	}
	for (i = 0; i < half(m, LANE_CAP); i++) {
		uint64_t base = lane_base(m, i);

		h = add_words(h, m, lane_at(m, i), lane_at(m, i) + 16);
		h = add_words(h, m, base, base + lane_committed(m, i));
	}
	return h;
}

uint64_t
bytes_state(const struct image *m)
{
	uint64_t base = word(m, EXEMPLAR_OFF), off;
	uint64_t tail = word(m, DIR_TAIL), h = word(m, MAGIC);

	h = add_words(h, m, FIXED_END, 512);
	/* the next record may be written already */
	h = add_word(h, half(m, word(m, DIR_OFF) + tail));
	h = add_tables(h, m);
	for (off = SINK; off + EXEMPLAR <= word(m, EXEMPLARS_COMMITTED);
	     off += EXEMPLAR) {
		h = add_words(h, m, base + off, base + off + 24);
		h = add_words(h, m, base + off + 32, base + off + EXEMPLAR);
	}
	return h;
}
