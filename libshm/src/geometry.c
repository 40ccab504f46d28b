/* SPDX-License-Identifier: Apache-2.0 */
#include "geometry.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "header.h"

#define DEFAULT_SLOTS	  64u
#define DEFAULT_LANES	  64u
#define DEFAULT_CELLS	  16384u
#define DEFAULT_GAUGES	  1024u
#define DEFAULT_EXEMPLARS 1024u
#define DEFAULT_DIR	  (4u << 20)
#define DEFAULT_SERIES	  1000u
#define DEFAULT_LOCK_MS	  1000u

/* Lanes are 65 lines further apart than they are long: no page holds bytes
 * of two, and equal columns of many lanes spread over the cache sets. */
#define LANE_GAP (65u * SMX_LINE)

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t
power_of_two(uint64_t n)
{
	uint64_t p = SMX_PAGE;

	while (p < n)
		p *= 2;
	return p;
}

static int
complete(uint32_t *value, uint32_t fallback, uint32_t max, const char *name,
    struct smx_error *err)
{
	if (*value == 0)
		*value = fallback;
	if (*value > max)
		return smx__fail(err, -EINVAL, "smx_options.%s is %u, at most "
		    "%u", name, *value, max);
	return 0;
}

static int
complete_each(struct smx_options *o, struct smx_error *err)
{
	const struct {
		uint32_t *value;
		uint32_t fallback, max;
		const char *name;
	} table[] = {
		{ &o->slots, DEFAULT_SLOTS, SMX_MAX_SLOTS, "slots" },
		{ &o->lanes, DEFAULT_LANES, SMX_MAX_LANES - 1, "lanes" },
		{ &o->cells, DEFAULT_CELLS, SMX_MAX_LANE / 8, "cells" },
		{ &o->gauges, DEFAULT_GAUGES, SMX_MAX_LANE / 8, "gauges" },
		{ &o->exemplars, DEFAULT_EXEMPLARS,
		    (uint32_t)(SMX_MAX_EXEMPLARS /
			       sizeof(struct smx_exemplar_slot)) -
			22,
		    "exemplars" },
		{ &o->dir_bytes, DEFAULT_DIR, UINT32_MAX / 2, "dir_bytes" },
		{ &o->series_max, DEFAULT_SERIES, UINT32_MAX, "series_max" },
		{ &o->lock_ms, DEFAULT_LOCK_MS, 3600000, "lock_ms" },
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(table) / sizeof(table[0]) && rc == 0; i++)
		rc = complete(table[i].value, table[i].fallback, table[i].max,
		    table[i].name, err);
	return rc;
}

/* Each may be, and all of them together not. */
static int
check_together(const struct smx_options *o, struct smx_error *err)
{
	struct smx_header h;
	struct smx_error why;

	smx__geometry_make(&h, o);
	h.magic = SMX_MAGIC;
	if (h.size > SMX_MAX_SIZE)
		return smx__fail(err, -EINVAL, "smx_options ask for %llu bytes, "
		    "at most %llu", (unsigned long long)h.size,
		    (unsigned long long)SMX_MAX_SIZE);
	if (smx__header_check(&h, h.size, &why) < 0)
		return smx__fail(err, -EINVAL, "smx_options: %.200s", why.msg);
	return 0;
}

int
smx__options_complete(struct smx_options *o, struct smx_error *err)
{
	int rc = complete_each(o, err);

	return rc < 0 ? rc : check_together(o, err);
}

void
smx__geometry_make(struct smx_header *h, const struct smx_options *o)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(h, 0, sizeof(*h));
	h->version = SMX_VERSION;
	h->header_size = sizeof(*h);
	h->slot_cap = o->slots;
	h->lane_cap = o->lanes + 1; /* lane 0 is the shared one */
	h->slot_off = SMX_PAGE;
	h->lane_tab_off = h->slot_off +
	    round_up((uint64_t)h->slot_cap * sizeof(struct smx_slot), SMX_PAGE);
	h->dir_off = h->lane_tab_off +
	    round_up((uint64_t)h->lane_cap * sizeof(struct smx_lane), SMX_PAGE);
	h->dir_size = round_up(o->dir_bytes, SMX_PAGE);
	h->gauge_off = h->dir_off + h->dir_size;
	h->gauge_size = round_up(SMX_SINK + (uint64_t)o->gauges * 8, SMX_PAGE);
	h->gauge_stride = h->gauge_size;
	h->lane_off = h->gauge_off + h->slot_cap * h->gauge_stride;
	h->lane_size = power_of_two((uint64_t)o->cells * 8);
	h->lane_stride = h->lane_size + LANE_GAP;
	h->features = SMX_FEATURE_EXEMPLARS;
	h->exemplar_off =
	    round_up(h->lane_off + h->lane_cap * h->lane_stride, SMX_PAGE);
	h->exemplar_size =
	    round_up(SMX_SINK + o->exemplars *
				    (uint64_t)sizeof(struct smx_exemplar_slot),
		SMX_PAGE);
	h->size = h->exemplar_off + h->exemplar_size;
	h->created_ns = (uint64_t)now.tv_sec * 1000000000u +
	    (uint64_t)now.tv_nsec;
	h->pid = (uint32_t)getpid();
	h->crc = smx__header_crc(h);
}

bool
smx__geometry_equal(const struct smx_header *a, const struct smx_header *b)
{
	return a->size == b->size && a->slot_cap == b->slot_cap &&
	       a->lane_cap == b->lane_cap && a->dir_off == b->dir_off &&
	       a->dir_size == b->dir_size && a->gauge_off == b->gauge_off &&
	       a->gauge_stride == b->gauge_stride &&
	       a->lane_off == b->lane_off && a->lane_stride == b->lane_stride &&
	       a->lane_size == b->lane_size &&
	       a->exemplar_off == b->exemplar_off &&
	       a->exemplar_size == b->exemplar_size;
}
