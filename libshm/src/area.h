/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_AREA_H
#define SMX_SRC_AREA_H
/*
 * area -- a lane or gauge area of the segment: address space reserved for
 * all of it, pages of the file mapped and allocated as far as committed.
 *
 *   file    ...|  page  |  page  |  page  | ...
 *   area          [start ...... committed) ...... start + size)
 *   memory     first page of the reservation, base = address of start
 *
 * Growth maps new pages only, in doubling chunks, so that addresses stay and
 * mappings stay few.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smx/error.h"

struct smx__area {
	uint8_t *reserved; /* page-aligned; NULL: no area */
	size_t reserved_size;
	uint8_t *base;	   /* of byte 0 of the area; 64-byte aligned */
	uint64_t start;	   /* file offset of byte 0 */
	uint64_t size;	   /* usable bytes */
	uint64_t mapped;   /* bytes of the area that this process has mapped */
};

/* Reserve address space for [start, start + size) of the file; nothing is
 * mapped yet.  -errno of mmap. */
int smx__area_reserve(struct smx__area *, uint64_t start, uint64_t size);

/*
 * smx__area_commit -- allocate and map the area up to `need` bytes, and
 * pre-fault what is new.
 *
 * committed  in shared memory; raised to what is allocated now (release: it
 *            is the reader's leave to look).  May already be higher: an
 *            earlier owner's.
 * Errors     -ENOSPC need > size, or the file system is full; -errno.
 */
int smx__area_commit(struct smx__area *, int fd, uint64_t need,
    uint64_t *committed, struct smx_error *);

/* Allocate the file's bytes [from, to).  -errno of fallocate. */
int smx__allocate(int fd, uint64_t from, uint64_t to);

/* Replace what is mapped by private zero pages at the same address (P2), or
 * by a private copy of what is there.  Signal-safe. */
int smx__area_sink(struct smx__area *);
int smx__area_sink_all(struct smx__area *); /* the whole reservation */
int smx__area_copy(struct smx__area *);

/* Give the address space back; only for areas that no address refers to. */
void smx__area_release(struct smx__area *);

#endif
