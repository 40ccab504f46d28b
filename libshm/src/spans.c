/* SPDX-License-Identifier: Apache-2.0 */
#include "spans.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int
push(struct smx__spans *s, struct smx__span span)
{
	size_t cap = s->cap ? s->cap * 2 : 8;
	struct smx__span *list;

	if (s->n == s->cap) {
		list = realloc(s->list, cap * sizeof(*list));
		if (list == NULL)
			return -ENOMEM;
		s->list = list;
		s->cap = cap;
	}
	s->list[s->n++] = span;
	return 0;
}

/* Where does data begin at or after `from`, and where does it end?  Nowhere,
 * if it was cut while we looked. */
static int
ask(struct smx__spans *s, int fd, uint64_t from)
{
	off_t data = lseek(fd, (off_t)from, SEEK_DATA);
	off_t hole = data < 0 ? data : lseek(fd, data, SEEK_HOLE);

	if (hole < 0 && errno != ENXIO)
		return -errno;
	s->asked = from;
	s->data = hole < 0 ? UINT64_MAX : (uint64_t)data;
	s->hole = hole < 0 ? UINT64_MAX : (uint64_t)hole;
	return 0;
}

/* The next stretch of data in [*from, to); 0 if there is none. */
static int
next_data(struct smx__spans *s, int fd, uint64_t *from, uint64_t to,
    uint64_t *end)
{
	int err = 0;

	if (*from < s->asked || *from >= s->hole)
		err = ask(s, fd, *from);
	if (err < 0 || s->data >= to || s->hole <= s->data)
		return err;
	*from = *from > s->data ? *from : s->data;
	*end = s->hole < to ? s->hole : to;
	return 1;
}

int
smx__spans_find(struct smx__spans *s, int fd, uint64_t off, uint32_t unit,
    uint32_t n)
{
	uint64_t from = off, end = off, to = off + (uint64_t)unit * n;
	struct smx__span span;
	int err = 0, more;

	s->n = 0;
	while (err == 0 && from < to) {
		more = next_data(s, fd, &from, to, &end);
		if (more <= 0)
			return more;
		span.first = (uint32_t)((from - off + unit - 1) / unit);
		span.end = (uint32_t)((end - off) / unit);
		if (span.first < span.end)
			err = push(s, span);
		from = end;
	}
	return err;
}
