/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_KEYS_H
#define SMX_SRC_KEYS_H
/*
 * keys -- a writer's private index of the directory: which families and
 * series there are, and in which cells.  Brought up to date by reading what
 * was published since.
 */
#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "smx/error.h"
#include "smx/layout.h"

struct smx__index;

struct smx__key {
	struct smx__key *next;
	uint64_t hash;
};

struct smx__table {
	struct smx__key **buckets;
	size_t mask; /* number of buckets - 1 */
	size_t n;
};

struct smx__family_key {
	struct smx__key key; /* by name */
	struct smx_family_record *record; /* whole, private */
	struct smx__family_parts parts;	  /* of it */
	const struct smx__index *index;	  /* histograms, when first used */
	uint64_t offset;		  /* from dir_off */
	uint32_t n_series;
	bool retired;
	bool ours; /* defined or used by this process */
};

struct smx__series_key {
	struct smx__key key; /* by family and values */
	struct smx__family_key *family;
	uint32_t cell; /* bytes */
	uint32_t n_cells;
	uint32_t values_len;
	char values[];
};

/* Slots of a histogram's exemplars. */
struct smx__exemplars_key {
	uint32_t cell; /* of its series */
	uint32_t n;
	uint64_t off; /* bytes from the start of their region */
};

struct smx__keys {
	struct smx__table families, series;
	struct smx__family_key **by_offset; /* ascending; n_families of them */
	size_t n_families, cap_families;
	struct smx__exemplars_key *exemplars;
	size_t n_exemplars, cap_exemplars;
	uint64_t exemplars_end; /* bytes of their region that are taken */
	uint64_t read_to;    /* bytes of the directory that are in here */
	uint64_t cells_end;  /* bytes of a lane taken by published series */
	uint64_t gauges_end; /* likewise of a gauge area */
};

int smx__keys_create(struct smx__keys *);
void smx__keys_destroy(struct smx__keys *);

/*
 * smx__keys_refresh -- read what was published since the last time.
 *
 * Order    loads header->dir_tail with acquire (layout.h, I4).
 * Errors   -EBADMSG a record lies; -ENOMEM; -errno of pread.
 */
int smx__keys_refresh(struct smx__keys *, int fd,
    const struct smx_header *geometry, const struct smx_header *shared,
    struct smx_error *);

/*
 * smx__keys_add -- a record that the caller has published at read_to, under
 * the registration lock: nothing else can be there.
 *
 * Errors   -ENOMEM; the next refresh reads it from the file.
 */
int smx__keys_add(struct smx__keys *, const struct smx_record *,
    struct smx_error *);

/* NULL if there is none, or it is retired. */
struct smx__family_key *smx__keys_family(const struct smx__keys *,
    const char *name, size_t len);
/* Retired ones too: `after` NULL for the first of this name. */
struct smx__family_key *smx__keys_namesake(const struct smx__keys *,
    const char *name, size_t len, const struct smx__family_key *after);
struct smx__series_key *smx__keys_series(const struct smx__keys *,
    const struct smx__family_key *, const char *values, size_t len);

/* NULL if the series that begins at this cell has none. */
const struct smx__exemplars_key *smx__keys_exemplars(
    const struct smx__keys *, uint32_t cell);

void smx__keys_each_series(const struct smx__keys *,
    void (*visit)(const struct smx__series_key *, void *), void *arg);

#endif
