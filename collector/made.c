/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/made.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
made_init(struct made *m, const struct smx_family_info *families,
    uint32_t n_families, uint64_t created_ns)
{
	*m = (struct made){ .families = families, .n_families = n_families,
		.created_ns = created_ns };
}

void
made_free(struct made *m)
{
	free(m->series.at);
	free(m->shape.at);
	free(m->last_shape.at);
	free(m->cells.at);
	free(m->gauges.at);
	*m = (struct made){ 0 };
}

static void
put(struct made *m, struct made_bytes *b, const void *data, size_t n)
{
	if (m->err)
		return;
	if (n > b->cap - b->len) {
		size_t cap = 2 * (b->len + n) + 256;
		char *at = realloc(b->at, cap);

		if (!at) {
			m->err = -ENOMEM;
			return;
		}
		b->at = at;
		b->cap = cap;
	}
	memcpy(b->at + b->len, data, n);
	b->len += n;
}

static void
put_word(struct made *m, struct made_bytes *b, uint64_t word)
{
	put(m, b, &word, sizeof(word));
}

void
made_begin(struct made *m)
{
	struct made_bytes last = m->last_shape;

	m->last_shape = m->shape;
	m->shape = last;
	m->shape.len = m->series.len = m->cells.len = m->gauges.len = 0;
	m->err = 0;
	/* index 0 is nobody's, as in a segment */
	put_word(m, &m->cells, 0);
	put_word(m, &m->gauges, 0);
}

static void
add_series(struct made *m, uint32_t family, const char *const *values,
    size_t index)
{
	const struct smx_series_info info = {
		.family = family, .cell = (uint32_t)index,
		.created_ns = m->created_ns,
	};
	const char tag = (char)(family + 1);

	put(m, &m->series, &info, sizeof(info));
	put(m, &m->shape, &tag, 1);
	for (uint32_t i = 0; i < m->families[family].n_labels; i++)
		put(m, &m->shape, values[i], strlen(values[i]) + 1);
}

void
made_counter(struct made *m, uint32_t family, const char *const *values,
    uint64_t cell)
{
	add_series(m, family, values, m->cells.len / sizeof(uint64_t));
	put_word(m, &m->cells, cell);
}

static uint64_t
gauge_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits ^ SMX_GAUGE_XOR;
}

size_t
made_gauge(struct made *m, uint32_t family, const char *const *values,
    double value)
{
	size_t index = m->gauges.len / sizeof(uint64_t);

	add_series(m, family, values, index);
	put_word(m, &m->gauges, gauge_bits(value));
	return index;
}

void
made_gauge_set(struct made *m, size_t index, double value)
{
	m->snap.gauges[index] = gauge_bits(value);
}

void
made_histogram(struct made *m, uint32_t family, const char *const *values,
    uint64_t sum, const uint64_t *buckets)
{
	uint32_t n = m->families[family].n_buckets;
	uint64_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += buckets[i];
	add_series(m, family, values, m->cells.len / sizeof(uint64_t));
	put_word(m, &m->cells, count);		/* begin */
	put_word(m, &m->cells, count);		/* end */
	put_word(m, &m->cells, sum);
	put(m, &m->cells, buckets, n * sizeof(buckets[0]));
}

/* Point each series at its label values, now that nothing moves any more. */
static void
fix_values(struct made *m)
{
	struct smx_series_info *s = (struct smx_series_info *)(void *)
	    m->series.at;
	const char *at = m->shape.at;

	for (uint32_t i = 0; i < m->catalog.n_series; i++) {
		s[i].values = ++at;
		for (uint32_t k = 0; k < m->families[s[i].family].n_labels; k++)
			at += strlen(at) + 1;
	}
}

int
made_end(struct made *m)
{
	bool same = m->shape.len == m->last_shape.len &&
	    m->catalog.generation > 0 && (m->shape.len == 0 ||
	    memcmp(m->shape.at, m->last_shape.at, m->shape.len) == 0);

	if (m->err) {
		m->shape.len = 0;	/* nothing to compare with */
		return m->err;
	}
	m->catalog = (struct smx_catalog){
		.generation = m->catalog.generation + !same,
		.families = m->families, .n_families = m->n_families,
		.series = (void *)m->series.at,
		.n_series = (uint32_t)(m->series.len /
		    sizeof(struct smx_series_info)),
		.n_cells = (uint32_t)(m->cells.len / sizeof(uint64_t)),
		.n_gauges = (uint32_t)(m->gauges.len / sizeof(uint64_t)),
	};
	fix_values(m);
	m->snap = (struct smx_snapshot){
		.catalog = &m->catalog, .cells = (void *)m->cells.at,
		.gauges = (void *)m->gauges.at, .live = &m->live, .n_live = 1,
	};
	return 0;
}
