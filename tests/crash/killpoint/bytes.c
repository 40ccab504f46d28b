/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"

#define SHARED UINT64_MAX

/* Two moments of one segment. */
struct pair {
	const struct image *now, *before; /* before may be NULL */
	struct bytes *b;
};

static int
wrong(struct bytes *b, const char *what, uint64_t which, uint64_t a, uint64_t c)
{
	(void)snprintf(b->why, sizeof(b->why),
	    "%s: %" PRIu64 ": %" PRIu64 ", %" PRIu64, what, which, a, c);
	return -1;
}

/* I1, I2 */
static int
check_header(const struct pair *p)
{
	uint64_t size = word(p->now, SIZE), i;

	if (size != (uint64_t)p->now->file_size)
		return wrong(
		    p->b, "size", 0, size, (uint64_t)p->now->file_size);
	for (i = 8; p->before && i < FIXED_END; i += 8)
		if (word(p->now, i) != word(p->before, i))
			return wrong(p->b, "header moved", i, 0, 0);
	return 0;
}

static uint32_t
crc(const struct image *m, uint64_t off, uint64_t n)
{
	uint32_t c = UINT32_MAX;
	unsigned char byte;
	int bit;

	for (; n > 0; n--, off++) {
		image_get(m, off, &byte, 1);
		for (c ^= byte, bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~c;
}

static uint32_t
type_of(const struct image *m, uint64_t family)
{
	unsigned char type;

	image_get(m, word(m, DIR_OFF) + family + 16, &type, 1);
	return type;
}

/* Cells lie one behind the other, in the order of publication, and were
 * committed before.  The lanes of others may lag; lane 0 never does. */
static int
add_series(const struct pair *p, uint64_t at, uint64_t ends[2])
{
	const struct image *m = p->now;
	struct bytes_series *s = &p->b->series[p->b->n];
	uint64_t *end;

	if (p->b->n == BYTES_SERIES)
		return wrong(p->b, "series", at, p->b->n, 0);
	s->family = word(m, at + 16);
	s->type = type_of(m, s->family);
	s->cell = half(m, at + 32);
	s->n_cells = half(m, at + 36);
	p->b->n++;
	end = &ends[s->type == GAUGE];
	if (s->type < COUNTER || s->type > HISTOGRAM || s->cell != *end)
		return wrong(p->b, "series: type, cell", at, s->type, s->cell);
	*end += s->n_cells * UINT64_C(8);
	if (s->type != GAUGE && *end > lane_committed(m, 0))
		return wrong(p->b, "published before committed", at, *end,
		    lane_committed(m, 0));
	return 0;
}

/* I4, and I2 for what was published before. */
static int
check_directory(const struct pair *p)
{
	const struct image *m = p->now;
	uint64_t tail = word(m, DIR_TAIL), off = 0, ends[2] = { SINK, SINK };
	uint64_t old = p->before ? word(p->before, DIR_TAIL) : 0;

	if (tail > word(m, DIR_SIZE) || tail < old)
		return wrong(p->b, "dir_tail", 0, tail, old);
	while (off < tail) {
		uint64_t at = word(m, DIR_OFF) + off;
		uint32_t size = half(m, at);

		if (size < 16 || size % 8 != 0 || size > tail - off ||
		    half(m, at + 4) != crc(m, at + 8, size - 8))
			return wrong(p->b, "record", off, size, tail);
		if (off < old && (size > old - off || half(p->before, at + 4) !=
							  half(m, at + 4)))
			return wrong(p->b, "record changed", off, size, old);
		if (half(m, at + 8) == SERIES && add_series(p, at, ends) < 0)
			return -1;
		off += size;
	}
	return 0;
}

/* I5: what is said to be committed is there, what is not was not touched. */
static int
check_committed(const struct pair *p, uint64_t base, uint64_t committed,
    uint64_t before, uint64_t stride)
{
	uint64_t i;

	if (committed < before)
		return wrong(p->b, "committed fell", base, committed, before);
	if (committed > 0 && !image_has(p->now, base, committed))
		return wrong(p->b, "committed but a hole", base, committed, 0);
	for (i = committed; i < stride && image_has(p->now, base + i, 8);
	     i += 8)
		if (word(p->now, base + i) != 0)
			return wrong(p->b, "not committed, but written", base,
			    i, committed);
	return 0;
}

/* I3, also across owners: nothing falls in any cell of any lane. */
static int
check_cells(const struct pair *p, uint32_t l)
{
	const struct image *m = p->now;
	uint64_t base = lane_base(m, l), n = lane_committed(m, l), i;

	for (i = SINK; p->before && i < n; i += 8)
		if (word(m, base + i) < word(p->before, base + i))
			return wrong(p->b, "a cell fell", base + i,
			    word(m, base + i), word(p->before, base + i));
	return 0;
}

/* I7: begin is ahead of end by the observation that is under way. */
static int
check_histograms(const struct pair *p, uint32_t l)
{
	const struct image *m = p->now;
	uint32_t i;

	for (i = 0; l > 0 && i < p->b->n; i++) {
		uint64_t at = lane_base(m, l) + p->b->series[i].cell;
		uint64_t begin = word(m, at), end = word(m, at + 8);

		if (p->b->series[i].type == HISTOGRAM && begin - end > 1)
			return wrong(p->b, "begin, end", at, begin, end);
	}
	return 0;
}

static int
check_owner(const struct pair *p, uint32_t l)
{
	const struct image *m = p->now;
	uint64_t owner = word(m, lane_at(m, l)), slot = (owner >> 32) - 1;
	uint32_t generation;

	if (l == 0)
		return owner == SHARED ? 0 : wrong(p->b, "owner", 0, owner, 0);
	if (owner == 0)
		return 0;
	if (slot >= half(m, SLOT_CAP))
		return wrong(p->b, "owner", l, owner, 0);
	generation = half(m, slot_at(m, (uint32_t)slot));
	if ((uint32_t)owner > generation)
		return wrong(p->b, "owner of the future", l, owner, generation);
	p->b->owners += slot == 0 && (uint32_t)owner == generation;
	p->b->stale += slot == 0 && (uint32_t)owner != generation;
	return 0;
}

static int
check_lane(const struct pair *p, uint32_t l)
{
	uint64_t n = lane_committed(p->now, l);
	int rc;

	rc = check_committed(p, lane_base(p->now, l), n,
	    p->before ? lane_committed(p->before, l) : 0,
	    word(p->now, LANE_STRIDE));
	p->b->lanes += n > 0;
	if (rc == 0)
		rc = check_cells(p, l);
	if (rc == 0)
		rc = check_histograms(p, l);
	return rc < 0 ? rc : check_owner(p, l);
}

/* I6: an owner's fields and gauges go while the generation is odd. */
static int
check_takeover(const struct pair *p, uint32_t s)
{
	uint64_t at = slot_at(p->now, s), base = gauge_base(p->now, s), i;
	uint64_t n = word(p->before, at + 16);
	bool odd = half(p->now, at) % 2 != 0;

	if (odd)
		return 0;
	if (half(p->now, at) == half(p->before, at) &&
	    word(p->now, at + 8) != word(p->before, at + 8))
		return wrong(p->b, "a slot's owner changed", s, 0, 0);
	for (i = SINK; i < n && half(p->now, at) == half(p->before, at); i += 8)
		if (word(p->now, base + i) == 0 &&
		    word(p->before, base + i) != 0)
			return wrong(p->b, "a gauge was unset", s, i, 0);
	return 0;
}

static int
check_slot(const struct pair *p, uint32_t s)
{
	uint64_t at = slot_at(p->now, s);
	uint64_t old = p->before ? half(p->before, at) : 0;

	if (half(p->now, at) < old)
		return wrong(p->b, "generation fell", s, half(p->now, at), old);
	if (p->before && check_takeover(p, s) < 0)
		return -1;
	return check_committed(p, gauge_base(p->now, s), word(p->now, at + 16),
	    p->before ? word(p->before, at + 16) : 0,
	    word(p->now, GAUGE_STRIDE));
}

/* I9: its words go while seq is odd, and seq only rises. */
static int
check_exemplar(const struct pair *p, uint64_t at)
{
	uint64_t seq = word(p->now, at + 8), old = word(p->before, at + 8);
	uint64_t i;

	if (seq < old)
		return wrong(p->b, "seq fell", at, seq, old);
	for (i = 16; i < EXEMPLAR && seq % 2 == 0; i += 8)
		if (seq == old &&
		    word(p->now, at + i) != word(p->before, at + i))
			return wrong(p->b, "an exemplar changed", at, i, seq);
	return 0;
}

static int
check_exemplars(const struct pair *p)
{
	const struct image *m = p->now;
	uint64_t base = word(m, EXEMPLAR_OFF), n = word(m, EXEMPLARS_COMMITTED);
	uint64_t old = p->before ? word(p->before, EXEMPLARS_COMMITTED) : 0;
	uint64_t off;
	int rc = check_committed(p, base, n, old, word(m, EXEMPLAR_SIZE));

	for (off = SINK; rc == 0 && off + EXEMPLAR <= old; off += EXEMPLAR)
		rc = check_exemplar(p, base + off);
	return rc;
}

int
bytes_check(
    struct bytes *b, const struct image *now, const struct image *before)
{
	struct pair p = { now, before, b };
	uint32_t i;
	int rc;

	memset(b, 0, sizeof(*b));
	if (word(now, MAGIC) == 0)
		return before && word(before, MAGIC) != 0
			   ? wrong(b, "magic", 0, 0, 0)
			   : 0;
	if (before && word(before, MAGIC) == 0)
		p.before = NULL;
	rc = check_header(&p);
	if (rc == 0)
		rc = check_directory(&p);
	for (i = 0; i < half(now, LANE_CAP) && rc == 0; i++)
		rc = check_lane(&p, i);
	for (i = 0; i < half(now, SLOT_CAP) && rc == 0; i++)
		rc = check_slot(&p, i);
	return rc < 0 ? rc : check_exemplars(&p);
}

uint64_t
bytes_owner(const struct image *m, uint32_t lane)
{
	return lane < half(m, LANE_CAP) ? word(m, lane_at(m, lane)) : 0;
}

uint64_t
bytes_total(const struct image *m, const struct bytes_series *s)
{
	uint32_t first = s->type == HISTOGRAM ? 3 : 0, l, i;
	uint64_t total = 0;

	for (l = 0; s->type != GAUGE && l < half(m, LANE_CAP); l++)
		for (i = first; i < s->n_cells; i++)
			if (s->cell + i * 8u < lane_committed(m, l))
				total +=
				    word(m, lane_base(m, l) + s->cell + i * 8u);
	return total;
}
