/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
add_extent(struct image *m, int fd, off_t off, size_t size)
{
	if (m->n == IMAGE_EXTENTS)
		return -E2BIG;
	if (m->used + size > m->cap) {
		size_t cap = (m->used + size) * 2;
		void *grown = realloc(m->bytes, cap);

		if (grown == NULL)
			return -ENOMEM;
		m->bytes = grown;
		m->cap = cap;
	}
	if (pread(fd, m->bytes + m->used, size, off) != (ssize_t)size)
		return -EIO;
	m->extents[m->n].off = off;
	m->extents[m->n++].size = size;
	m->used += size;
	return 0;
}

int
image_take(struct image *m, int fd)
{
	struct stat st;
	off_t at = 0, end;
	int rc = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	m->file_size = st.st_size;
	m->n = 0;
	m->used = 0;
	while (rc == 0 && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		if (end < 0)
			return -errno;
		rc = add_extent(m, fd, at, (size_t)(end - at));
		at = end;
	}
	return rc;
}

int
image_take_file(struct image *m, const char *dir, const char *file)
{
	char path[128];
	int fd, rc;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = image_take(m, fd);
	(void)close(fd);
	return rc;
}

/* A page that is allocated becomes data when it is first written: nothing
 * but its extent tells. */
static bool
same_extents(const struct image *m, int fd)
{
	off_t at = 0;
	unsigned i;

	for (i = 0; i < m->n; i++) {
		const struct extent *e = &m->extents[i];

		if (lseek(fd, at, SEEK_DATA) != e->off)
			return false;
		at = e->off + (off_t)e->size;
		if (lseek(fd, e->off, SEEK_HOLE) != at)
			return false;
	}
	return lseek(fd, at, SEEK_DATA) < 0;
}

bool
image_is(const struct image *m, int fd, const unsigned char *map)
{
	const unsigned char *at = m->bytes;
	struct stat st;
	unsigned i;

	if (fstat(fd, &st) < 0 || st.st_size != m->file_size ||
	    !same_extents(m, fd))
		return false;
	for (i = 0; i < m->n; i++) {
		const struct extent *e = &m->extents[i];

		if (memcmp(at, map + e->off, e->size) != 0)
			return false;
		at += e->size;
	}
	return true;
}

/* Of the extent that `off` lies in: its bytes from there on, and how many. */
static const unsigned char *
find(const struct image *m, uint64_t off, uint64_t *n)
{
	const unsigned char *at = m->bytes;
	unsigned i;

	for (i = 0; i < m->n; i++) {
		uint64_t first = (uint64_t)m->extents[i].off;
		uint64_t size = m->extents[i].size;

		if (off >= first && off - first < size) {
			*n = size - (off - first);
			return at + (off - first);
		}
		at += size;
	}
	*n = 0;
	return NULL;
}

void
image_get(const struct image *m, uint64_t off, void *to, size_t n)
{
	uint64_t have;
	const unsigned char *from = find(m, off, &have);

	memset(to, 0, n);
	if (from)
		memcpy(to, from, n < have ? n : (size_t)have);
}

bool
image_has(const struct image *m, uint64_t off, uint64_t n)
{
	uint64_t have;

	/* extents that touch are one */
	return find(m, off, &have) != NULL && have >= n;
}

int
image_copy(struct image *to, const struct image *from)
{
	unsigned char *bytes = realloc(to->bytes, from->used + 1);

	if (bytes == NULL)
		return -ENOMEM;
	memcpy(bytes, from->bytes, from->used);
	*to = *from;
	to->bytes = bytes;
	to->cap = from->used + 1;
	return 0;
}

int
image_write(const struct image *m, const char *path)
{
	const unsigned char *at = m->bytes;
	unsigned i;
	int fd, rc = 0;

	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, m->file_size) < 0)
		rc = -errno;
	for (i = 0; i < m->n && rc == 0; i++) {
		const struct extent *e = &m->extents[i];

		if (pwrite(fd, at, e->size, e->off) != (ssize_t)e->size)
			rc = -EIO;
		at += e->size;
	}
	(void)close(fd);
	return rc;
}

void
image_free(struct image *m)
{
	free(m->bytes);
	memset(m, 0, sizeof(*m));
}
