/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/body.h"

#include <stdlib.h>

struct body *
body_create(size_t cap)
{
	struct body *b;

	if (cap > (size_t)-1 - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + cap);
	if (b) {
		b->refs = 1;
		b->len = 0;
	}
	return b;
}

struct body *
body_trim(struct body *b)
{
	struct body *smaller = realloc(b, sizeof(*b) + b->len);

	return smaller ? smaller : b;
}

struct body *
body_ref(struct body *b)
{
	b->refs++;
	return b;
}

void
body_unref(void *body)
{
	struct body *b = body;

	if (b && --b->refs == 0)
		free(b);
}
