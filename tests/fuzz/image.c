/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/image.h"

#include <string.h>

static uint32_t
at_most(uint32_t n, uint32_t limit)
{
	return n < limit ? n : limit;
}

bool
image_of(struct image *im, const uint8_t *data, size_t size)
{
	struct image_shape *s = &im->shape;
	size_t left;

	im->header = sizeof(*s);
	im->slots = im->header + sizeof(struct smx_header);
	if (size < im->slots)
		return false;
	memcpy(s, data, sizeof(*s));
	left = size - im->slots;
	s->n_slots = (uint8_t)at_most(
	    s->n_slots % (IMAGE_ROWS + 1), (uint32_t)(left / SMX_LINE));
	im->lanes = im->slots + s->n_slots * SMX_LINE;
	left = size - im->lanes;
	s->n_lanes = (uint8_t)at_most(
	    s->n_lanes % (IMAGE_ROWS + 1), (uint32_t)(left / SMX_LINE));
	im->gauges = im->lanes + s->n_lanes * SMX_LINE;
	left = size - im->gauges;
	s->gauge_bytes = (uint16_t)at_most(s->gauge_bytes % IMAGE_CELLS,
	    s->n_slots ? (uint32_t)(left / s->n_slots) : 0);
	im->cells = im->gauges + (size_t)s->n_slots * s->gauge_bytes;
	left = size - im->cells;
	s->lane_bytes = (uint16_t)at_most(s->lane_bytes % IMAGE_CELLS,
	    s->n_lanes ? (uint32_t)(left / s->n_lanes) : 0);
	im->exemplars = im->cells + (size_t)s->n_lanes * s->lane_bytes;
	s->exemplar_bytes = (uint16_t)at_most(
	    s->exemplar_bytes % IMAGE_CELLS, (uint32_t)(size - im->exemplars));
	im->dir = im->exemplars + s->exemplar_bytes;
	im->size = size;
	return true;
}
