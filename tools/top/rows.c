/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../smx.h"

static int
by_name(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int c = strcmp(x->segment->file, y->segment->file);

	if (c == 0)
		c = strcmp(top_row_series(x)->name, top_row_series(y)->name);
	return c;
}

/* Large ones first, what is not known last, then by name. */
static int
by_number(double x, double y, const void *a, const void *b)
{
	if (isnan(x) || isnan(y)) {
		if (isnan(x) != isnan(y))
			return isnan(x) ? 1 : -1;
	} else if (x < y || x > y) {
		return x < y ? 1 : -1;
	}
	return by_name(a, b);
}

/* What a gauge says is no rate. */
static double
rate_of(const struct top_row *r)
{
	return top_family(r->segment, r->series)->type == SMX_TYPE_GAUGE ?
	    (double)NAN : top_row_series(r)->rate;
}

static double
p99_of(const struct top_row *r)
{
	return top_family(r->segment, r->series)->type == SMX_TYPE_HISTOGRAM ?
	    top_row_series(r)->quantile[TOP_P99] : (double)NAN;
}

static int
by_rate(const void *a, const void *b)
{
	return by_number(rate_of(a), rate_of(b), a, b);
}

static int
by_value(const void *a, const void *b)
{
	return by_number(top_row_series(a)->value, top_row_series(b)->value,
	    a, b);
}

static int
by_p99(const void *a, const void *b)
{
	return by_number(p99_of(a), p99_of(b), a, b);
}

static int (*const orders[TOP_N_SORTS])(const void *, const void *) = {
	[TOP_BY_NAME] = by_name,
	[TOP_BY_RATE] = by_rate,
	[TOP_BY_VALUE] = by_value,
	[TOP_BY_P99] = by_p99,
};

static bool
is_wanted(const struct top_choice *c, const struct top_segment *g,
    const struct top_series *s)
{
	return s->shown && (*c->filter == '\0' ||
	    strcasestr(s->name, c->filter) != NULL ||
	    strcasestr(target_service(g->file), c->filter) != NULL);
}

static int
reserve(struct top_rows *rows, size_t n)
{
	struct top_row *more;

	if (n <= rows->cap)
		return 0;
	more = reallocarray(rows->row, n, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	rows->row = more;
	rows->cap = n;
	return 0;
}

static void
turn(struct top_rows *rows)
{
	for (size_t i = 0, k = rows->n; i + 1 < k; i++) {
		struct top_row kept = rows->row[i];

		rows->row[i] = rows->row[--k];
		rows->row[k] = kept;
	}
}

int
top_rows_fill(struct top_rows *rows, const struct top_model *m,
    const struct top_choice *c)
{
	size_t most = 0;

	for (size_t i = 0; i < m->n_segments; i++)
		most += m->segments[i]->n_series;
	if (reserve(rows, most) < 0)
		return -ENOMEM;
	rows->n = 0;
	for (size_t i = 0; i < m->n_segments; i++) {
		const struct top_segment *g = m->segments[i];

		if (c->file && strcmp(c->file, g->file) != 0)
			continue;
		for (uint32_t k = 0; k < g->n_series; k++)
			if (is_wanted(c, g, &g->series[k]))
				rows->row[rows->n++] =
				    (struct top_row){ g, k };
	}
	if (rows->n > 0)
		qsort(rows->row, rows->n, sizeof(*rows->row), orders[c->sort]);
	if (c->reverse)
		turn(rows);
	return 0;
}

void
top_rows_free(struct top_rows *rows)
{
	free(rows->row);
}

size_t
top_rows_find(const struct top_rows *rows, const struct top_row *r)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->row[i].segment == r->segment &&
		    rows->row[i].series == r->series)
			return i;
	return rows->n;
}
