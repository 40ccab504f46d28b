/* SPDX-License-Identifier: Apache-2.0 */
#include "area.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "fail.h"
#include "smx/layout.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static uint64_t
page_down(uint64_t n)
{
	return n & ~(uint64_t)(SMX_PAGE - 1);
}

static uint64_t
page_up(uint64_t n)
{
	return page_down(n + SMX_PAGE - 1);
}

int
smx__area_reserve(struct smx__area *a, uint64_t start, uint64_t size)
{
	uint64_t first = page_down(start);
	size_t length = (size_t)(page_up(start + size) - first);
	void *p = mmap(NULL, length, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	a->reserved = p;
	a->reserved_size = length;
	a->base = a->reserved + (start - first);
	a->start = start;
	a->size = size;
	a->mapped = 0;
	return 0;
}

/* Bytes of the area up to the page end that covers `need`, in doubling
 * chunks. */
static uint64_t
chunk(const struct smx__area *a, uint64_t need)
{
	uint64_t want = a->mapped * 2 > need ? a->mapped * 2 : need;
	uint64_t end = page_up(a->start + want) - a->start;

	return end < a->size ? end : a->size;
}

/* Touch pages that nobody else has been given yet.  A locked add of nothing
 * keeps what an earlier owner left there. */
static void
prefault(uint8_t *p, size_t length)
{
	size_t i;

	if (madvise(p, length, MADV_POPULATE_WRITE) == 0)
		return;
	for (i = 0; i < length; i += SMX_PAGE)
		(void)__atomic_fetch_add((uint64_t *)(p + i), 0,
		    __ATOMIC_RELAXED);
}

static int
map_range(struct smx__area *a, int fd, uint64_t from, uint64_t to)
{
	uint8_t *at = a->reserved + (from - page_down(a->start));
	size_t length = (size_t)(to - from);

	if (mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		fd, (off_t)from) == MAP_FAILED)
		return -errno;
	(void)madvise(at, length, MADV_DONTDUMP);
	prefault(at, length);
	return 0;
}

int
smx__allocate(int fd, uint64_t from, uint64_t to)
{
	int rc;

	/* a tmpfs breaks off for any signal, like that of a profiler */
	do {
		rc = fallocate(fd, 0, (off_t)from, (off_t)(to - from));
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static void
raise_to(uint64_t *committed, uint64_t to)
{
	uint64_t seen = __atomic_load_n(committed, __ATOMIC_RELAXED);

	/* release: pairs with the reader's acquire; the pages exist by now */
	while (seen < to && !__atomic_compare_exchange_n(committed, &seen, to,
	    1, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

int
smx__area_commit(struct smx__area *a, int fd, uint64_t need,
    uint64_t *committed, struct smx_error *err)
{
	uint64_t to, file_from, file_to;
	int rc;

	if (need <= a->mapped)
		return 0;
	if (need > a->size)
		return smx__fail(err, -ENOSPC, "%llu bytes of cells are not "
		    "enough (raise smx_options.cells or .gauges)",
		    (unsigned long long)a->size);
	to = chunk(a, need);
	/* the page that a->mapped ends in is mapped already */
	file_from = a->mapped ? page_up(a->start + a->mapped)
			      : page_down(a->start);
	file_to = page_up(a->start + to);
	if (file_to > file_from) {
		rc = smx__allocate(fd, file_from, file_to);
		if (rc == -ENOSPC) {
			/* not ahead of need, then */
			to = need;
			file_to = page_up(a->start + to);
			rc = smx__allocate(fd, file_from, file_to);
		}
		if (rc < 0)
			return smx__fail(err, rc, "no room for %llu bytes of "
			    "cells:", (unsigned long long)(file_to - file_from));
		rc = map_range(a, fd, file_from, file_to);
		if (rc < 0)
			return smx__fail(err, rc, "map cells:");
	}
	a->mapped = to;
	raise_to(committed, to);
	return 0;
}

/* Bytes of the reservation that are mapped. */
static size_t
mapped_length(const struct smx__area *a)
{
	if (a->reserved == NULL || a->mapped == 0)
		return 0;
	return (size_t)(page_up(a->start + a->mapped) - page_down(a->start));
}

int
smx__area_sink(struct smx__area *a)
{
	size_t length = mapped_length(a);

	if (length == 0)
		return 0;
	if (mmap(a->reserved, length, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

int
smx__area_sink_all(struct smx__area *a)
{
	if (mmap(a->reserved, a->reserved_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		0) == MAP_FAILED)
		return -errno;
	return 0;
}

int
smx__area_copy(struct smx__area *a)
{
	size_t length = mapped_length(a);
	void *copy;

	if (length == 0)
		return 0;
	copy = mmap(NULL, length, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return -errno;
	memcpy(copy, a->reserved, length);
	if (mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
		a->reserved) == MAP_FAILED)
		return -errno;
	return 0;
}

void
smx__area_release(struct smx__area *a)
{
	if (a->reserved)
		(void)munmap(a->reserved, a->reserved_size);
	memset(a, 0, sizeof(*a));
}
