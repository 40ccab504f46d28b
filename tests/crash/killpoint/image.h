/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_IMAGE_H
#define KILLPOINT_IMAGE_H
/*
 * image -- the bytes of a segment at one moment, holes left out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IMAGE_EXTENTS 256

struct extent {
	off_t off;
	size_t size;
};

struct image {
	off_t file_size;
	unsigned n;
	struct extent extents[IMAGE_EXTENTS];
	unsigned char *bytes;
	size_t used, cap;
};

/* All data of the file; it must stand still.  0 or -errno. */
int image_take(struct image *, int fd);
int image_take_file(struct image *, const char *dir, const char *file);

/* Whether the file, mapped from its first byte at `map`, still is this image.
 * Cheap enough to be asked after every instruction. */
bool image_is(const struct image *, int fd, const unsigned char *map);

/* n bytes at off; of holes, zeros. */
void image_get(const struct image *, uint64_t off, void *to, size_t n);

/* No hole in n bytes from off on? */
bool image_has(const struct image *, uint64_t off, uint64_t n);

/* A new file with these bytes, replacing one of that name.  0 or -errno. */
int image_write(const struct image *, const char *path);

/* To an image that is empty, or one to be replaced.  0 or -ENOMEM. */
int image_copy(struct image *, const struct image *);
void image_free(struct image *);

#endif
