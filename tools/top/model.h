/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TOP_MODEL_H
#define TOOLS_TOP_MODEL_H
/*
 * model -- all segments of a directory, looked at again and again: values,
 * rates and quantiles of every series, and their last minutes.  Knows no
 * terminal.
 *
 * Thread   one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smx/snapshot.h"
#include "smx/view.h"

#define TOP_HISTORY 60u /* looks that are remembered */

enum top_quantile { TOP_P50, TOP_P90, TOP_P99, TOP_P999, TOP_MAX, TOP_N_Q };

struct top_series {
	char *name;	/* name{label="value",...} */
	double value;	/* counter: total; gauge: value; histogram: count */
	double rate;	/* per second since the look before; gauges: value */
	double quantile[TOP_N_Q]; /* of that time; NaN: nothing observed */
	float history[TOP_HISTORY]; /* of rate: a ring, see top_past() */
	bool shown;	/* it has a value, and its family is not retired */
};

struct top_segment {
	char file[256];
	struct smx_view *view;	/* NULL: `error` says why */
	struct smx_snapshot now, before; /* `before` may have fewer cells */
	uint32_t n_cells, n_cells_before;
	struct top_series *series; /* as in the catalog */
	uint32_t n_series;
	uint32_t n_shown;
	double updates;		/* counted and observed, per second */
	struct smx_error error;
	bool found;		/* at the last look */
};

struct top_model {
	int dirfd;
	struct smx_view_options view;
	struct top_segment **segments; /* by name */
	size_t n_segments;
	uint64_t looks;		/* so far */
	double at, elapsed;	/* seconds; since the look before */
};

/* Errors   -errno of opening the directory. */
int top_model_open(struct top_model *, const char *dir,
    const struct smx_view_options *);
void top_model_close(struct top_model *);

/*
 * top_model_look -- take a snapshot of everything; `at` is a monotonic clock
 * in seconds.  What cannot be read says why in its `error`.
 */
void top_model_look(struct top_model *, double at);

/* top_past -- the rate `ago` looks before the last one, NaN if not known. */
double top_past(const struct top_model *, const struct top_series *,
    unsigned ago);

/* What was observed in a bucket since the look before. */
uint64_t top_bucket(const struct top_segment *, uint32_t series,
    uint32_t bucket);

static inline const struct smx_family_info *
top_family(const struct top_segment *g, uint32_t series)
{
	const struct smx_catalog *c = g->now.catalog;

	return &c->families[c->series[series].family];
}

#endif
