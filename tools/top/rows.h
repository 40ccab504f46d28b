/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TOP_ROWS_H
#define TOOLS_TOP_ROWS_H
/* rows -- which series are listed, and in what order. */
#include "model.h"

enum top_sort { TOP_BY_NAME, TOP_BY_RATE, TOP_BY_VALUE, TOP_BY_P99,
	TOP_N_SORTS };

struct top_row {
	const struct top_segment *segment;
	uint32_t series;
};

struct top_rows {
	struct top_row *row;
	size_t n, cap;
};

struct top_choice {
	const char *filter;	/* part of "service name{labels}", any case */
	const char *file;	/* this segment alone; NULL: all */
	enum top_sort sort;
	bool reverse;
};

/* Errors   -ENOMEM: the rows are as before. */
int top_rows_fill(struct top_rows *, const struct top_model *,
    const struct top_choice *);
void top_rows_free(struct top_rows *);

/* Where a series stands now; `n` if it is not listed. */
size_t top_rows_find(const struct top_rows *, const struct top_row *);

static inline const struct top_series *
top_row_series(const struct top_row *r)
{
	return &r->segment->series[r->series];
}

#endif
