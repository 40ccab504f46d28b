/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void
watch_start(struct watch *w, const char *dir, const char *file)
{
	w->dir = dir;
	w->file = file;
	w->fd = -1;
	w->map = NULL;
	image_free(&w->image);
}

/* Mapped in whole: only its data is looked at. */
static int
map_file(struct watch *w, int fd)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	w->size = (size_t)st.st_size;
	map = mmap(NULL, w->size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	w->map = map;
	return 1;
}

static int
try_open(struct watch *w)
{
	char path[128];
	int fd, rc;

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, w->file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = map_file(w, fd);
	if (rc > 0)
		w->fd = fd;
	else
		(void)close(fd);
	return rc;
}

int
watch_look(struct watch *w)
{
	int rc = w->fd < 0 ? try_open(w) : 1;

	if (rc <= 0 || image_is(&w->image, w->fd, w->map))
		return rc < 0 ? rc : 0;
	rc = image_take(&w->image, w->fd);
	return rc < 0 ? rc : 1;
}

void
watch_end(struct watch *w)
{
	if (w->fd >= 0) {
		(void)munmap((void *)(uintptr_t)w->map, w->size);
		(void)close(w->fd);
	}
	w->fd = -1;
	image_free(&w->image);
}
