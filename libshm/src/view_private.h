/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_VIEW_PRIVATE_H
#define SMX_SRC_VIEW_PRIVATE_H

#include "directory.h"
#include "smx/view.h"
#include "spans.h"

struct smx_view {
	int fd; /* read-only; leases are asked for through it */
	dev_t dev;
	ino_t ino;
	struct smx_header header;  /* private and checked: geometry only */
	const unsigned char *base; /* bytes 0 .. mapped of the file */
	size_t mapped;
	struct smx__directory dir;
	struct smx__spans spans; /* scratch of one area at a time */
	uint64_t *buckets;	 /* scratch of one histogram */
	size_t cap_buckets;
	uint16_t *slots; /* likewise: the slot of each bucket */
	size_t cap_slots;
	uint8_t *moved; /* per histogram: read while it moved */
	size_t cap_moved;
	uint64_t *committed; /* per lane, of this snapshot */
	uint32_t *claimed;   /* slots ever claimed, of this snapshot */
	char name[256];
};

/* Have bytes 0 .. end of the file mapped; `end` within the checked size. */
int smx__view_map(struct smx_view *, uint64_t end);

/* Grow a scratch array of the view or the snapshot; 0 or -ENOMEM. */
int smx__view_grow(void *array, size_t *cap, size_t need, size_t size);

/* slots.c: processes with a lease, and their gauges, into the snapshot. */
int smx__snapshot_slots(struct smx_snapshot *, struct smx_view *,
    uint32_t n_claimed, struct smx_error *);

/* lanes.c: counters and histograms, into cleared cells of the snapshot. */
int smx__snapshot_lanes(struct smx_snapshot *, struct smx_view *,
    struct smx_error *);

/* exemplar_read.c: of the histograms that keep them. */
int smx__snapshot_exemplars(
    struct smx_snapshot *, struct smx_view *, struct smx_error *);

/* "name: msg" */
int smx__view_fail(const struct smx_view *, int code, const char *what,
    struct smx_error *);

#endif
