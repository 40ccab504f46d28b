/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_WATCH_H
#define KILLPOINT_WATCH_H
/*
 * watch -- notice every change of a file.
 */
#include <stddef.h>

#include "image.h"

struct watch {
	const char *dir, *file;
	int fd; /* -1 as long as the file is not there */
	const unsigned char *map;
	size_t size;
	struct image image; /* as it was when it last changed */
};

void watch_start(struct watch *, const char *dir, const char *file);

/* 1 if it has changed since the last look, 0 if not, -errno.  It must stand
 * still meanwhile.  Cheap enough to be called after every instruction. */
int watch_look(struct watch *);

void watch_end(struct watch *);

#endif
