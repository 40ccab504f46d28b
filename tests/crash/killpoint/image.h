/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_IMAGE_H
#define KILLPOINT_IMAGE_H
/*
 * image -- the bytes of a segment at one moment, holes left out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define IMAGE_EXTENTS 256

struct extent {
	off_t off;
	size_t size;
};

struct image {
	off_t file_size;
	blkcnt_t blocks; /* a change tells that there are new extents */
	unsigned n;
	struct extent extents[IMAGE_EXTENTS];
	unsigned char *bytes;
	size_t used, cap;
};

/* All data of the file; it must stand still.  0 or -errno. */
int image_take(struct image *, int fd);

/* Whether the file, mapped from its first byte at `map`, still is this image.
 * Cheap enough to be asked after every instruction. */
bool image_is(const struct image *, int fd, const unsigned char *map);
/* A new file with these bytes, replacing one of that name.  0 or -errno. */
int image_write(const struct image *, const char *path);
void image_free(struct image *);

#endif
