/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <stdbool.h>
#include <stdlib.h>

/* Positions must fit 32 bits: 64 octaves of 2^24 do. */
#define BITS_MAX 24u

struct entry {
	struct smx__index index;
	struct entry *next;
	uint64_t upper[]; /* n, then the table */
};

static struct entry *entries;

/* Where hot.h looks for v. */
static uint32_t
position(uint32_t bits, uint64_t v)
{
	uint32_t top = 63u - (uint32_t)__builtin_clzll(v | UINT64_C(1) << bits);
	uint32_t shift = top - bits;

	return (shift << bits) + (uint32_t)(v >> shift);
}

/* The lowest value of a position. */
static uint64_t
lowest(uint32_t bits, uint32_t pos)
{
	uint32_t shift = pos >> bits;

	if (shift == 0)
		return pos;
	shift--;
	return (uint64_t)(pos - (shift << bits)) << shift;
}

/* Entries from the position of the first bound to one past the last's. */
static uint32_t
size_with(const struct smx_bucket *b, uint32_t n, uint32_t bits)
{
	if (n < 2)
		return 1;
	return position(bits, b[n - 2].upper) - position(bits, b[0].upper) + 2;
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
	uint32_t cap = n <= SMX_MAX_EXPLICIT + 1 ? SMX__INDEX_SMALL
						 : SMX__INDEX_LARGE;
	uint32_t best = 0;
	uint32_t best_count = UINT32_MAX;

	for (uint32_t bits = 0; bits <= BITS_MAX && best_count > 0; bits++) {
		uint32_t count;

		if (size_with(b, n, bits) > cap)
			break;
		count = crowded(b, n, bits);
		if (count < best_count) {
			best_count = count;
			best = bits;
		}
	}
	return best;
}

static struct entry *
entry_make(const struct smx_bucket *b, uint32_t n)
{
	uint32_t bits = choose_bits(b, n);
	uint32_t size = size_with(b, n, bits);
	uint32_t first = n < 2 ? 0 : position(bits, b[0].upper);
	struct entry *e;
	uint16_t *table;
	uint32_t i = 0;

	e = malloc(sizeof(*e) + n * sizeof(uint64_t) + size * sizeof(uint16_t));
	if (e == NULL)
		return NULL;
	table = (uint16_t *)(e->upper + n);
	for (uint32_t k = 0; k < n; k++)
		e->upper[k] = b[k].upper;
	/* the first entry serves all that lies below it, too */
	table[0] = 0;
	for (uint32_t k = 1; k < size; k++) {
		while (lowest(bits, first + k) > e->upper[i])
			i++;
		table[k] = (uint16_t)i;
	}
	e->index.upper = e->upper;
	e->index.bits = bits;
	e->index.first = first;
	e->index.last = size - 1;
	e->index.n_buckets = n;
	e->index.table = table;
	return e;
}

static bool
entry_equal(const struct entry *e, const struct smx_bucket *b, uint32_t n)
{
	if (e->index.n_buckets != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (e->upper[i] != b[i].upper)
			return false;
	return true;
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
