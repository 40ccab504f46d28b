/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "exemplar.h"

/*
 * A position is the bits of a double >> shift, from that of 1.0 to that of
 * 2^63, to which the highest values are rounded.  `bits` of the fraction are
 * left: 2^bits positions to the octave.
 */
#define FRACTION   52u
#define OCTAVES	   63u
#define BITS_SMALL 5u /* 4 KiB of table: up to SMX_MAX_EXPLICIT bounds */
#define BITS_LARGE 8u /* 32 KiB */

struct entry {
	struct entry *next;
	uint16_t *table;
	struct smx__index index;
	uint64_t upper[]; /* where hot.h looks: right behind the index */
	/* uint16_t slot[n_buckets]: behind them, of exemplars */
};

static_assert(offsetof(struct entry, upper) ==
    offsetof(struct entry, index) + sizeof(struct smx__index), "behind");
static_assert(SMX_MAX_BUCKETS <= SMX__CROWD, "an entry holds a bucket");

static struct entry *entries;

static uint32_t
size_of(uint32_t bits)
{
	return (OCTAVES << bits) + 1;
}

static uint64_t
bits_of(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

/* Position of v, counted from that of 1.0, as if rounded down. */
static uint32_t
position(uint32_t bits, uint64_t v)
{
	uint32_t octave = 63u - (uint32_t)__builtin_clzll(v |= 1);
	uint64_t leading = octave >= bits ? v >> (octave - bits)
					  : v << (bits - octave);

	return (octave << bits) + (uint32_t)(leading - (UINT64_C(1) << bits));
}

/*
 * The lowest value that may be looked up at pos, or one just below.  Whatever
 * the rounding mode, a value that becomes the double d is less than one unit
 * in the last place of 53 below it; and an even one is looked up as v | 1.
 */
static uint64_t
lowest(uint32_t bits, uint32_t pos)
{
	uint32_t octave = pos >> bits;
	uint64_t leading = (UINT64_C(1) << bits) + pos - (octave << bits);
	uint64_t v;

	if (octave >= bits)
		v = leading << (octave - bits);
	else /* up to the next integer */
		v = (leading + (UINT64_C(1) << (bits - octave)) - 1) >>
		    (bits - octave);
	return (v - (v >> FRACTION)) & ~UINT64_C(1);
}

/*
 * Bounds that a value can only reach by a second step: they share a position
 * with the bound before.  A bound that is the last value of its position
 * splits nothing.
 */
static uint32_t
crowded(const struct smx_bucket *b, uint32_t n, uint32_t bits)
{
	uint32_t count = 0;
	uint32_t before = UINT32_MAX;

	for (uint32_t i = 0; i + 1 < n; i++) {
		uint32_t pos = position(bits, b[i].upper);

		if (position(bits, b[i].upper + 1) != pos)
			continue;
		count += pos == before;
		before = pos;
	}
	return count;
}

/* The smallest table where one step suffices, or the next best within cap. */
static uint32_t
choose_bits(const struct smx_bucket *b, uint32_t n)
{
	uint32_t cap = n <= SMX_MAX_EXPLICIT + 1 ? BITS_SMALL : BITS_LARGE;
	uint32_t best = 0;
	uint32_t best_count = UINT32_MAX;

	for (uint32_t bits = 0; bits <= cap && best_count > 0; bits++) {
		uint32_t count = crowded(b, n, bits);

		if (count < best_count) {
			best_count = count;
			best = bits;
		}
	}
	return best;
}

/* For each position the first bucket; crowded if a value of the position can
 * be more than one bucket above. */
static void
fill(uint16_t *table, const struct entry *e, uint32_t bits)
{
	uint32_t n = e->index.n_buckets;
	uint32_t size = size_of(bits);
	uint32_t i = 0;

	for (uint32_t k = 0; k < size; k++) {
		while (lowest(bits, k) > e->upper[i])
			i++;
		table[k] = (uint16_t)i;
		if (i + 2 < n && position(bits, e->upper[i + 1] + 1) <= k)
			table[k] |= SMX__CROWD;
	}
}

static uint16_t *
slots_of(struct entry *e)
{
	return (uint16_t *)(e->upper + e->index.n_buckets);
}

const uint16_t *
smx__index_slots(const struct smx__index *ix)
{
	return (const uint16_t *)(smx__index_upper(ix) + ix->n_buckets);
}

static struct entry *
entry_make(const struct smx_bucket *b, uint32_t n)
{
	uint32_t bits = choose_bits(b, n);
	uint32_t shift = FRACTION - bits;
	struct entry *e;

	e = malloc(sizeof(*e) + n * (sizeof(e->upper[0]) + sizeof(uint16_t)));
	if (e == NULL)
		return NULL;
	e->table = malloc(size_of(bits) * sizeof(e->table[0]));
	if (e->table == NULL) {
		free(e);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		e->upper[i] = b[i].upper;
	e->index.n_buckets = n;
	e->index.shift = shift;
	e->index.table = (uintptr_t)e->table -
	    (uintptr_t)(bits_of(1.0) >> shift) * sizeof(e->table[0]);
	fill(e->table, e, bits);
	(void)smx__exemplar_slots(b, n, slots_of(e));
	return e;
}

/* Whether the same of these buckets end a slot of exemplars. */
static bool
slots_equal(const struct entry *e, const struct smx_bucket *b, uint32_t n)
{
	const uint16_t *slot = smx__index_slots(&e->index);
	uint32_t ends = smx__exemplar_flag(b, n);

	for (uint32_t i = 0; i + 1 < n; i++)
		if ((slot[i + 1] > slot[i]) != ((b[i].flags & ends) != 0))
			return false;
	return true;
}

static bool
entry_equal(const struct entry *e, const struct smx_bucket *b, uint32_t n)
{
	if (e->index.n_buckets != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (e->upper[i] != b[i].upper)
			return false;
	return slots_equal(e, b, n);
}

const struct smx__index *
smx__index_get(const struct smx_bucket *buckets, uint32_t n)
{
	struct entry *e;

	for (e = entries; e != NULL; e = e->next)
		if (entry_equal(e, buckets, n))
			return &e->index;
	e = entry_make(buckets, n);
	if (e == NULL)
		return NULL;
	e->next = entries;
	entries = e;
	return &e->index;
}
