/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_PLAN_H
#define EXPO_PLAN_H
/*
 * plan -- what a page is made of; shared by the planner and the encoders.
 *
 *   block    one family name: what HELP and TYPE say, and its parts
 *   part     that family of one source: how its series are named and scaled
 *   series   one cell (or the first of a histogram), and its labels as text
 *   ladder   classic bounds, shared by all parts that have the same
 *
 * A line is: head of the part, text of the series, value.  With service "x",
 *
 *   counter    a_total{service="x" | ,b="1"}␠ | 3
 *   bucket     a_bucket{service="x" | ,b="1" | ,le="0.1"}␠ | 3
 *   sum        a_sum{service="x" | ,b="1"}␠ | 0.25
 *
 * so the bytes of a series are its own labels and nothing else.  Without any
 * label there are no braces; with le alone, the head ends in the brace and le
 * goes without its comma.  All text lies in one arena; offsets are into it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expo.h"

/* Copies are made in blocks of this size, past the end of what is meant. */
#define EXPO_WIDE 32u

struct expo_text {
	uint32_t off;
	uint32_t len;
};

struct expo_series {
	uint32_t cell;
	uint32_t index;	   /* in the catalog's series */
	uint16_t text_len; /* of its labels, with the closing `} ` or ` ` */
	uint16_t wire_len; /* of its labels as protobuf */
};

struct expo_rung {
	double upper;
	struct expo_text le; /* `,le="0.005"} ` */
	uint32_t bucket;     /* counts up to and including this one */
	uint32_t pad;
};

struct expo_ladder {
	uint32_t first; /* index into rungs */
	uint32_t n;	/* >= 1: the last one is +Inf */
};

struct expo_part {
	uint32_t source;
	uint32_t family; /* in the catalog */
	uint32_t first;	 /* index into series */
	uint32_t n;
	uint32_t text; /* offset of the text of the first series */
	uint32_t n_buckets;
	uint32_t natives; /* index into the page's natives, if native */
	struct expo_ladder ladder;
	struct expo_text head; /* of samples, or of buckets */
	struct expo_text sum, count;
	struct expo_text created; /* but for gauges */
	struct expo_text wire; /* the source's labels as protobuf */
	int16_t zero_exp2;
	int8_t exponent;
	int8_t schema;
	uint8_t gauge_mode;
	bool info; /* always 1 */
	bool native, explicit_bounds;
	uint8_t close; /* bytes of `} ` or ` ` at the end of each text */
	bool labelled; /* a further label, as le, comes after a comma */
};

struct expo_block {
	struct expo_text name;	    /* as in 0.0.4: counters with _total */
	struct expo_text header[2]; /* HELP and TYPE; by text format */
	struct expo_text wire;	    /* name, help, type, unit as protobuf */
	uint32_t first;		    /* index into parts */
	uint32_t n;
	size_t bound; /* bytes as protobuf; 0: depends on live processes */
	uint8_t type; /* SMX_TYPE_* */
	bool native;  /* all parts are: sent as native in protobuf */
};

/* What a snapshot must have to be of the catalog that was planned. */
struct expo_need {
	uint32_t cells;
	uint32_t gauges;
	uint32_t series;
	uint32_t families;
	size_t each[EXPO_FORMATS]; /* bytes more per live process, for
				    * SMX_GAUGE_EACH */
};

struct expo_page {
	char *text; /* EXPO_WIDE readable bytes past the end */
	size_t text_len;
	struct expo_block *blocks;
	struct expo_part *parts;
	struct expo_series *series;
	struct expo_rung *rungs;
	int32_t *natives;	 /* native indices of buckets */
	struct expo_need *needs; /* one per source */
	struct expo_loss *losses;
	char *lost_text;
	size_t n_blocks, n_parts, n_series, n_rungs, n_natives;
	size_t n_sources, n_losses;
	size_t bound[EXPO_FORMATS]; /* without what `each` says */
};

/* Whether a snapshot may be read by this page's plan of source `i`. */
bool expo__fits(
    const struct expo_page *, size_t i, const struct smx_snapshot *);

/* Any but protobuf. */
size_t expo__render_text(char *dst, size_t cap, const struct expo_page *,
    enum expo_format, const struct smx_snapshot *const *);
size_t expo__render_protobuf(char *dst, size_t cap, const struct expo_page *,
    const struct smx_snapshot *const *);

#endif
