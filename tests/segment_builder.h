/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SEGMENT_BUILDER_H
#define TESTS_SEGMENT_BUILDER_H
/*
 * segment_builder -- segments made by hand, byte by byte from docs/SEGMENT.md,
 * without the writer library: in memory first, so that a test can bend any
 * byte before it becomes a file.
 *
 * Errors   none: what cannot be is a bug of the test and aborts.
 */
#include <stddef.h>
#include <stdint.h>

#include "smx/layout.h"

/* Zero means the default. */
struct build_shape {
	uint32_t slots;	     /* 4 */
	uint32_t lanes;	     /* 3, the shared one included */
	uint64_t lane_size;  /* 8192 */
	uint64_t gauge_size; /* 4096 */
	uint64_t dir_size;   /* 16384 */
	uint64_t exemplars;  /* bytes of their region; none */
};

struct build {
	unsigned char *bytes; /* header.size of them; holes are zero */
	struct smx_header *header;
	struct smx_slot *slots;
	struct smx_lane *lanes;
	uint64_t tail;
	uint32_t next_cell, next_gauge; /* bytes */
	int mapped;			/* bytes are the file's */
};

struct build_family {
	const char *name, *unit, *help;
	const char *labels[SMX_MAX_LABELS]; /* until the first NULL */
	const struct smx_bucket *buckets;
	uint32_t n_buckets;
	uint8_t type, gauge_mode, hist_flags;
	int8_t exponent, schema;
	int16_t zero_exp2;
};

void build_begin(struct build *, const struct build_shape *);
void build_free(struct build *);

/* Append a record of this kind, its CRC right; returns its offset.  The tail
 * moves on. */
uint64_t build_record(struct build *, uint32_t kind, const void *body,
    size_t size);

/* A family's offset. */
uint64_t build_family(struct build *, const struct build_family *);

/* A series' cell in bytes; values one after the other, `len` with NULs. */
uint32_t build_series(struct build *, uint64_t family, uint32_t n_cells,
    const char *values, size_t len);
uint32_t build_gauge_series(struct build *, uint64_t family,
    const char *values, size_t len);
/* The same with the cell chosen. */
void build_series_at(struct build *, uint64_t family, uint32_t cell,
    uint32_t n_cells, const char *values, size_t len);
void build_retire(struct build *, uint64_t family);

/* Short forms: families without labels, and their one series. */
uint32_t build_counter(struct build *, const char *name, int8_t exponent);
uint32_t build_gauge(struct build *, const char *name, uint8_t mode);
uint32_t build_histogram(struct build *, const char *name, int8_t exponent,
    const uint64_t *uppers, uint32_t n);

/* Memory of a cell, given in bytes. */
uint64_t *build_cell(struct build *, uint32_t lane, uint32_t cell);
uint64_t *build_gauge_cell(struct build *, uint32_t slot, uint32_t cell);
void build_set_gauge(struct build *, uint32_t slot, uint32_t cell, double);

/* An observation in a lane, as a writer leaves it. */
void build_observe(struct build *, uint32_t lane, uint32_t cell,
    uint32_t bucket, uint64_t value);

/* Publish the tail, commit the cells of all lanes and slots, give the slots
 * generation 2, seal. */
void build_publish(struct build *);

/* Make the header's CRC right again. */
void build_seal(struct build *);

/* CRC of the directory record at `off`. */
void build_seal_record(struct build *, uint64_t off);

/* Write it as a sparse file: pages of zeros stay holes. */
void build_save(const struct build *, int dirfd, const char *name);

/* Save it, and go on building in the file itself, as a writer would. */
void build_attach(struct build *, int dirfd, const char *name);

/* A directory of its own below /dev/shm, and its removal. */
struct build_dir {
	int fd;
	char path[64];
};
void build_dir_make(struct build_dir *);
void build_dir_remove(struct build_dir *);

/* Hold the lease of a slot until the returned descriptor is closed. */
int build_lease(int dirfd, const char *name, uint32_t slot);

#endif
