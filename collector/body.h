/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h -- the bytes of an answer, shared by all who asked for the same.
 *
 * Thread   made by one thread and handed over; counted on the loop's thread.
 */
#ifndef COLLECTOR_BODY_H
#define COLLECTOR_BODY_H

#include <stddef.h>

struct body {
	unsigned refs;
	size_t len;
	char bytes[];
};

/* body_create -- one reference, room for cap bytes, len 0; NULL: no memory. */
struct body *body_create(size_t cap);

/* body_trim -- give back what lies past len; the body may move. */
struct body *body_trim(struct body *b);

struct body *body_ref(struct body *b);
void body_unref(void *b);	/* void *: it is a free callback; NULL is fine */

#endif
