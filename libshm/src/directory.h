/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_DIRECTORY_H
#define SMX_SRC_DIRECTORY_H
/*
 * directory -- directory bytes into a catalog.  Pure, over private bytes; it
 * believes nothing that it has not checked.
 *
 * What is added lies open between _begin and _commit; _rollback restores the
 * catalog as it was, and is how every error has to be answered.
 *
 * Thread   one at a time.
 */
#include "arena.h"
#include "cells.h"
#include "lookup.h"
#include "record.h"
#include "smx/error.h"
#include "smx/snapshot.h"

/* A histogram's cells in a lane: what a snapshot has to read as one. */
struct smx__hist {
	uint32_t cell;
	uint32_t n_buckets;
	uint32_t series;
};

/* Slots of exemplars, as a record says; and whose they are, by the last
 * commit. */
struct smx__exemplars {
	uint64_t off;
	uint32_t n;
	uint32_t cell;
	uint32_t series;
};

struct smx__family_note {
	uint64_t off;
	uint64_t retired_at; /* offset of the record that did it, + 1 */
};

/* Lengths to go back to. */
struct smx__directory_mark {
	struct smx__arena_mark arena;
	uint64_t done;
	uint32_t n_families, n_series, n_cells, n_gauges;
	size_t n_exemplars;
};

struct smx__directory {
	struct smx_catalog catalog;
	struct smx__arena arena;
	struct smx_family_info *families;
	struct smx__family_note *notes;
	struct smx_series_info *series;
	struct smx__hist *hists; /* ascending; as of the last commit */
	size_t cap_families, cap_notes, cap_series, cap_hists;
	size_t n_hists, n_new_hists;
	uint32_t max_buckets; /* of any histogram */
	struct smx__exemplars *exemplars; /* by offset, apart */
	size_t n_exemplars, cap_exemplars;
	uint64_t exemplar_size; /* of the region; 0: none */
	struct smx__cell_map lane, gauge;
	struct smx__lookup names; /* of families: the last one of a name */
	struct smx__lookup keys;	 /* of series: family and values */
	uint64_t key[2];
	uint64_t done; /* bytes of the directory believed so far */
	struct smx__directory_mark mark;
};

/* Sizes in bytes, as a checked header says. */
void smx__directory_init(struct smx__directory *, uint64_t lane_size,
    uint64_t gauge_size, uint64_t max_bytes);
void smx__directory_free(struct smx__directory *);

void smx__directory_begin(struct smx__directory *);

/*
 * smx__directory_add -- read the records at the start of n aligned bytes.
 *
 * final    nothing comes after them: a record that does not end is a lie.
 *          Else it is left over; it begins at *used.
 * Errors   -EBADMSG, -E2BIG, -ENOMEM.
 */
int smx__directory_add(struct smx__directory *, const void *bytes, size_t n,
    bool final, size_t *used, struct smx_error *);

/* Puts a family or series of the catalog into its index; room was made. */
void smx__directory_index_family(struct smx__directory *, uint32_t number);
void smx__directory_index_series(struct smx__directory *, uint32_t number);

/* Cells of a series of this family, and the area that they are in. */
uint32_t smx__cells_of(const struct smx_family_info *);
struct smx__cell_map *smx__cell_map_of(struct smx__directory *,
    const struct smx_family_info *);

/* Return 1 if the catalog changed, else 0; -E2BIG, -ENOMEM. */
int smx__directory_commit(struct smx__directory *, struct smx_error *);
void smx__directory_rollback(struct smx__directory *);

#endif
