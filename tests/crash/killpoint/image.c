/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
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
	m->blocks = st.st_blocks;
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

bool
image_is(const struct image *m, int fd, const unsigned char *map)
{
	const unsigned char *at = m->bytes;
	struct stat st;
	unsigned i;

	if (fstat(fd, &st) < 0 || st.st_size != m->file_size ||
	    st.st_blocks != m->blocks)
		return false;
	for (i = 0; i < m->n; i++) {
		const struct extent *e = &m->extents[i];

		if (memcmp(at, map + e->off, e->size) != 0)
			return false;
		at += e->size;
	}
	return true;
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
