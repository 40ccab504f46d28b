/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SNAPSHOT_H
#define SMX_SNAPSHOT_H
/*
 * snapshot -- plain structs copied out of a segment: no atomics, no pointers
 * into shared memory.  What encoders and tools read; a program may also fill
 * them by hand (the collector does, for its own series).
 *
 * Catalog: what the directory says, changed only by smx_view_refresh().
 * Snapshot: the values of one moment, indexed by the catalog's series.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smx/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are NUL-terminated valid UTF-8 without control characters other
 * than newline and tab, checked when the directory was read. */
struct smx_family_info {
	const char *name;  /* with `_total` for counters */
	const char *unit;  /* "" if none */
	const char *help;
	const char *labels; /* n_labels NUL-terminated names in a row */
	uint32_t n_labels;
	uint32_t n_buckets;
	const struct smx_bucket *buckets; /* NULL unless a histogram */
	uint8_t type;			  /* SMX_TYPE_* */
	uint8_t gauge_mode;		  /* SMX_GAUGE_* */
	int8_t exponent;		  /* value = cell x 10^-exponent */
	uint8_t hist_flags;		  /* SMX_HIST_EXPLICIT | _NATIVE */
	int8_t schema;
	int16_t zero_exp2;
	bool retired; /* not to be shown */
};

struct smx_series_info {
	uint32_t family; /* index into families */
	uint32_t cell;	 /* index into smx_snapshot.cells, or of the gauge */
	uint64_t created_ns;
	const char *values; /* n_labels NUL-terminated values in a row */
};

struct smx_catalog {
	uint64_t generation; /* grows with every change */
	const struct smx_family_info *families;
	const struct smx_series_info *series; /* in directory order */
	uint32_t n_families;
	uint32_t n_series;
	uint32_t n_cells;  /* of a lane, 0 unused: one past the last in use */
	uint32_t n_gauges; /* likewise */
};

/* The last observation in a classic bucket that said whose it was. */
struct smx_exemplar {
	uint32_t series; /* index into the catalog's */
	uint32_t bucket; /* of the histogram: the one that holds value */
	uint64_t value;	 /* in the unit of the cells */
	uint64_t time_ns;
	uint32_t n_labels;	      /* at least 1 */
	uint32_t text_len;	      /* with all NULs */
	char text[SMX_EXEMPLAR_TEXT]; /* name, value, name, value … */
};

struct smx_live {
	uint32_t slot;
	uint32_t pid; /* as the process said; for people */
	uint64_t start_ns;
};

/* Capacity and trouble, for people and for the collector's own series. */
struct smx_segment_state {
	uint64_t size;
	uint64_t created_ns;
	uint32_t slots, slots_live;
	uint32_t crowd;	     /* 1 if processes without a slot are alive */
	uint32_t lanes, lanes_owned; /* without the shared one */
	uint64_t lane_bytes, lane_bytes_used;
	uint64_t gauge_bytes, gauge_bytes_used;
	uint64_t dir_bytes, dir_bytes_used;
	uint64_t refused, dropped, no_slot, no_lane;
	uint64_t redefined, overflowed, adopted;
};

struct smx_snapshot {
	const struct smx_catalog *catalog; /* borrowed from the view */
	uint64_t *cells;		   /* catalog->n_cells, over all lanes */
	/* n_live rows of catalog->n_gauges cells as stored: 0 is unset, else
	 * the bits of the double XOR SMX_GAUGE_XOR. */
	uint64_t *gauges;
	struct smx_live *live;
	uint32_t n_live; /* live processes with a slot, at most `slots` */
	uint32_t approximate; /* histograms read while they moved, this time */
	struct smx_segment_state state;
	/* By series, then bucket; each is in the histogram it says. */
	struct smx_exemplar *exemplars;
	uint32_t n_exemplars;
	size_t cap_cells, cap_gauges, cap_live; /* of the arrays above */
	size_t cap_exemplars;
};

/*
 * smx_gauge_value -- one value over the live processes, as the family's mode
 * says (not for SMX_GAUGE_EACH).
 *
 * Return   false if no live process has set it; then *value is untouched.
 */
bool smx_gauge_value(const struct smx_snapshot *, const struct smx_series_info *,
    double *value);

/*
 * smx_gauge_of -- the value that live process `row` (an index into live) set.
 *
 * Return   false if it has not set it.
 */
bool smx_gauge_of(const struct smx_snapshot *, const struct smx_series_info *,
    uint32_t row, double *value);

/* smx_histogram_count -- the sum of all buckets, which is the count. */
uint64_t smx_histogram_count(const struct smx_snapshot *,
    const struct smx_series_info *);

/* Frees the arrays; the snapshot may be zeroed or filled before. */
void smx_snapshot_free(struct smx_snapshot *);

#ifdef __cplusplus
}
#endif

#endif
