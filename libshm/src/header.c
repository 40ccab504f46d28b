/* SPDX-License-Identifier: Apache-2.0 */
#include "header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#include "crc32.h"
#include "fail.h"

struct region {
	const char *name;
	uint64_t off;
	uint64_t count;
	uint64_t stride;
};

uint32_t
smx__header_crc(const struct smx_header *h)
{
	return smx__crc32((const unsigned char *)h + 8,
	    offsetof(struct smx_header, crc) - 8);
}

static int
check_identity(const struct smx_header *h, struct smx_error *error)
{
	uint64_t unknown = h->features & UINT32_MAX & ~SMX_FEATURES_KNOWN;

	if (h->magic == 0)
		return smx__fail(error, -EAGAIN, "still being created");
	if (h->magic != SMX_MAGIC)
		return smx__fail(error, -EPROTO, "not a segment");
	if (h->version != SMX_VERSION)
		return smx__fail(error, -EPROTO,
		    "layout version %" PRIu32 ", this reader knows %u",
		    h->version, SMX_VERSION);
	if (h->crc != smx__header_crc(h))
		return smx__fail(error, -EBADMSG, "header: wrong CRC");
	if (unknown != 0)
		return smx__fail(error, -EPROTO,
		    "unknown features 0x%" PRIx64, unknown);
	if (h->header_size < sizeof(*h) || h->header_size > SMX_PAGE)
		return smx__fail(error, -EBADMSG,
		    "header_size %" PRIu32, h->header_size);
	return 0;
}

/* `size` bytes of cells are usable of every `stride`. */
static bool
area_valid(uint64_t size, uint64_t stride)
{
	return size >= SMX_SINK && size <= SMX_MAX_LANE && size % 8 == 0 &&
	    size <= stride && stride <= SMX_MAX_SIZE;
}

static int
check_geometry(const struct smx_header *h, struct smx_error *error)
{
	const char *field = NULL;

	if (h->slot_cap == 0 || h->slot_cap > SMX_MAX_SLOTS)
		field = "slot_cap";
	else if (h->lane_cap == 0 || h->lane_cap > SMX_MAX_LANES)
		field = "lane_cap";
	else if (!area_valid(h->gauge_size, h->gauge_stride))
		field = "gauge_size";
	else if (h->gauge_off % SMX_PAGE != 0)
		field = "gauge_off";
	else if (h->gauge_stride % SMX_PAGE != 0)
		field = "gauge_stride";
	else if (!area_valid(h->lane_size, h->lane_stride) ||
	    h->lane_size + SMX_PAGE > h->lane_stride)
		field = "lane_size";
	else if (h->lane_off % SMX_PAGE != 0)
		field = "lane_off";
	else if (h->dir_size % 8 != 0)
		field = "dir_size";
	else if (h->features & SMX_FEATURE_EXEMPLARS &&
		 (h->exemplar_size < SMX_SINK ||
		     h->exemplar_size > SMX_MAX_EXEMPLARS ||
		     h->exemplar_size % 8 != 0))
		field = "exemplar_size";
	if (field != NULL)
		return smx__fail(error, -EBADMSG, "header: bad %s", field);
	return 0;
}

/* Does the region lie in [*end, size)?  Moves *end behind it. */
static bool
region_valid(const struct region *r, uint64_t size, uint64_t *end)
{
	uint64_t bytes, next;

	if (r->off < *end || r->off % SMX_LINE != 0)
		return false;
	if (__builtin_mul_overflow(r->count, r->stride, &bytes) ||
	    __builtin_add_overflow(r->off, bytes, &next) || next > size)
		return false;
	*end = next;
	return true;
}

static int
check_regions(const struct smx_header *h, struct smx_error *error)
{
	const struct region regions[] = {
		{ "slot_off", h->slot_off, h->slot_cap,
		    sizeof(struct smx_slot) },
		{ "lane_tab_off", h->lane_tab_off, h->lane_cap,
		    sizeof(struct smx_lane) },
		{ "dir_off", h->dir_off, h->dir_size, 1 },
		{ "gauge_off", h->gauge_off, h->slot_cap, h->gauge_stride },
		{ "lane_off", h->lane_off, h->lane_cap, h->lane_stride },
		{ "exemplar_off", h->exemplar_off, h->exemplar_size, 1 },
	};
	size_t n = sizeof(regions) / sizeof(regions[0]);
	uint64_t end = SMX_PAGE;

	if ((h->features & SMX_FEATURE_EXEMPLARS) == 0)
		n--;
	for (size_t i = 0; i < n; i++)
		if (!region_valid(&regions[i], h->size, &end))
			return smx__fail(error, -EBADMSG,
			    "header: %s leaves its place", regions[i].name);
	return 0;
}

int
smx__header_check(const struct smx_header *h, uint64_t file_size,
    struct smx_error *error)
{
	int err = check_identity(h, error);

	if (err < 0)
		return err;
	if (h->size != file_size || h->size > SMX_MAX_SIZE)
		return smx__fail(error, -EBADMSG,
		    "header: size %" PRIu64 ", the file has %" PRIu64,
		    h->size, file_size);
	err = check_geometry(h, error);
	return err < 0 ? err : check_regions(h, error);
}
