/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_RECORDS_H
#define TESTS_FUZZ_RECORDS_H
/*
 * records -- a directory taken apart, so that it can be changed and put
 * together again: sizes, CRCs and the offsets of families then agree, unless
 * the change was to make them lie.
 *
 * Thread   one: the records live in static memory.
 */
#include "smx/layout.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS_MAX 64
#define RECORD_ROOM 8192u

/* In place of the offset of a family, until the records are put together. */
struct fuzz_record {
	uint64_t id;
	uint32_t len; /* without the padding */
	_Alignas(8) unsigned char bytes[RECORD_ROOM];
};

struct fuzz_records {
	uint32_t n;
	struct fuzz_record v[RECORDS_MAX];
};

/* The parts of a record that can grow. */
enum fuzz_part {
	PART_BUCKETS,
	PART_NAME,
	PART_UNIT,
	PART_HELP,
	PART_LABELS,
	PART_VALUES,
};

struct smx_record *fuzz_record_head(struct fuzz_record *);
struct smx_family_record *fuzz_family_of(struct fuzz_record *);
struct smx_series_record *fuzz_series_of(struct fuzz_record *);
bool fuzz_is(const struct fuzz_record *, uint32_t kind);

/* As many whole records as there are; what follows is left out. */
struct fuzz_records *fuzz_records_read(const unsigned char *, size_t);

/* At most `max` bytes, whole records; their number. */
size_t fuzz_records_write(struct fuzz_records *, unsigned char *, size_t max);

/* An empty record before the one at `at`; NULL if there is no room. */
struct fuzz_record *fuzz_records_insert(struct fuzz_records *, uint32_t at);
void fuzz_records_remove(struct fuzz_records *, uint32_t at);

/*
 * fuzz_splice -- in a part, `cut` bytes from `at` on become `n` others; the
 * record's fields follow.  Nothing is done where there is no such place.
 */
void fuzz_splice(struct fuzz_record *, enum fuzz_part, uint32_t at,
    uint32_t cut, const void *put, uint32_t n);
uint32_t fuzz_part_len(struct fuzz_record *, enum fuzz_part);
uint32_t fuzz_part_off(struct fuzz_record *, enum fuzz_part);

/* Put the CRCs of a directory right as far as its records hang together. */
void fuzz_seal_directory(unsigned char *, size_t);
void fuzz_seal_header(unsigned char *);

#endif
