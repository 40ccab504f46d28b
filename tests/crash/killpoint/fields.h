/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_FIELDS_H
#define KILLPOINT_FIELDS_H
/*
 * fields -- where docs/SEGMENT.md says that things are, in an image.
 */
#include <stdint.h>

#include "image.h"

/* Sections of docs/SEGMENT.md: 3, 5, 6, 8, 9. */
enum {
	MAGIC = 0,
	SIZE = 16,
	SLOT_OFF = 32,
	LANE_TAB_OFF = 40,
	DIR_OFF = 48,
	DIR_SIZE = 56,
	GAUGE_OFF = 64,
	GAUGE_STRIDE = 72,
	LANE_OFF = 88,
	LANE_STRIDE = 96,
	EXEMPLAR_OFF = 112,
	EXEMPLAR_SIZE = 120,
	SLOT_CAP = 136,
	LANE_CAP = 140,
	FIXED_END = 152,
	DIR_TAIL = 192,
	EXEMPLARS_COMMITTED = 272,
	ENTRY = 64,
	SINK = 64,
	EXEMPLAR = 192,
	SERIES = 2,
	COUNTER = 1,
	GAUGE = 2,
	HISTOGRAM = 3
};

/* 8 and 4 bytes at an offset of the file; in holes, 0. */
uint64_t word(const struct image *, uint64_t off);
uint32_t half(const struct image *, uint64_t off);

/* Offsets of a row of a table, of a lane, of a gauge area. */
uint64_t slot_at(const struct image *, uint32_t slot);
uint64_t lane_at(const struct image *, uint32_t lane);
uint64_t lane_base(const struct image *, uint32_t lane);
uint64_t gauge_base(const struct image *, uint32_t slot);

uint64_t lane_committed(const struct image *, uint32_t lane);

#endif
