/* SPDX-License-Identifier: Apache-2.0 */
#include "cells.h"

#include <errno.h>
#include <string.h>

static uint64_t
bit_of(uint32_t cell)
{
	return UINT64_C(1) << cell % 64;
}

int
smx__cells_reserve(struct smx__cell_map *m, struct smx__arena *a, uint64_t end)
{
	size_t need = (size_t)(end / 64 + 1);
	int err = smx__array_grow(a, &m->words, &m->cap, need,
	    sizeof(*m->words));

	if (err < 0)
		return err;
	memset(m->words + m->n, 0, (m->cap - m->n) * sizeof(*m->words));
	m->n = m->cap;
	return end * 8 > a->limit - a->spent ? -E2BIG : 0;
}

bool
smx__cells_take(struct smx__cell_map *m, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		if ((m->words[i / 64] & bit_of(i)) != 0)
			return false;
	for (uint32_t i = first; i < first + n; i++)
		m->words[i / 64] |= bit_of(i);
	return true;
}

void
smx__cells_give(struct smx__cell_map *m, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		m->words[i / 64] &= ~bit_of(i);
}
