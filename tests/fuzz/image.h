/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_IMAGE_H
#define TESTS_FUZZ_IMAGE_H
/*
 * image -- a segment without its holes: what the target `segment` is given.
 *
 *   shape        16 bytes, below
 *   header       512
 *   slots        n_slots x 64
 *   lane table   n_lanes x 64
 *   gauges       n_slots x gauge_bytes
 *   cells        n_lanes x lane_bytes
 *   exemplars    exemplar_bytes
 *   directory    the rest
 *
 * Where each part goes in the file, its header says, true or not.
 */
#include "smx/layout.h"
#include "tests/fuzz/fuzz.h"

#define IMAGE_ROWS  8u	  /* at most, of slots and of lanes */
#define IMAGE_CELLS 4096u /* bytes at most, of one area */

/* What befalls the file after it was read. */
enum image_trouble {
	TROUBLE_NONE,
	TROUBLE_CUT,	/* to nothing */
	TROUBLE_HALF,	/* to half its size */
	TROUBLE_HOLES,	/* everything behind the header punched out */
	TROUBLE_HEADER, /* overwritten with ones */
	TROUBLE_TABLES, /* slots and lanes overwritten with ones */
	TROUBLE_TAIL,	/* dir_tail as the header had it */
	TROUBLE_GROWN,	/* to twice its size */
	N_TROUBLES
};

#define IMAGE_UNSEALED 1u /* the CRCs are left as they are */
#define IMAGE_RESIZED  2u /* the file has another size than it says */

struct image_shape {
	uint8_t n_slots, n_lanes;
	uint16_t gauge_bytes, lane_bytes;
	uint8_t leases;	 /* a bit for each slot */
	uint8_t trouble; /* modulo N_TROUBLES */
	uint8_t flags;
	uint8_t first; /* of 256: records that are there from the start */
	uint16_t exemplar_bytes;
	uint8_t reserved[4];
};

/* Offsets in the input. */
struct image {
	struct image_shape shape; /* as far as the input goes */
	size_t header, slots, lanes, gauges, cells, exemplars, dir, size;
};

/* False if the input is too short for any. */
bool image_of(struct image *, const uint8_t *, size_t);

#endif
