/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STEP ((size_t)64 << 10)	/* rooms are multiples of it */

void
bodies_init(struct bodies *p, void (*returned)(void *ctx), void *ctx)
{
	*p = (struct bodies){ .returned = returned, .ctx = ctx };
}

static void
drop_room(struct body *b)
{
	if (b->cap)
		(void)munmap(b->bytes, b->cap);
	b->bytes = NULL;
	b->cap = 0;
}

static void
destroy(struct body *b)
{
	drop_room(b);
	free(b);
}

/* Unlink the kept one at *at. */
static struct body *
pick(struct bodies *p, struct body **at)
{
	struct body *b = *at;

	*at = b->next;
	b->next = NULL;
	p->n_kept--;
	p->kept_bytes -= b->cap;
	return b;
}

void
bodies_close(struct bodies *p)
{
	while (p->kept)
		destroy(pick(p, &p->kept));
}

void
bodies_tick(struct bodies *p, uint64_t now_ms)
{
	struct body **at = &p->kept;

	p->now_ms = now_ms;
	while (*at) {
		if (now_ms - (*at)->idle_ms >= BODIES_IDLE_MS)
			destroy(pick(p, at));
		else
			at = &(*at)->next;
	}
}

/* The smallest that fits, else the largest there is. */
static struct body **
best(struct bodies *p, size_t likely)
{
	struct body **found = NULL;

	for (struct body **at = &p->kept; *at; at = &(*at)->next) {
		bool fits = (*at)->cap >= likely;

		if (!found || (fits && ((*found)->cap < likely ||
		    (*at)->cap < (*found)->cap)) ||
		    (!fits && (*found)->cap < (*at)->cap))
			found = at;
	}
	return found;
}

struct body *
body_take(struct bodies *p, size_t likely)
{
	struct body **at = best(p, likely);
	struct body *b = at ? pick(p, at) : calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->bodies = p;
	b->refs = 1;
	b->len = b->wanted = 0;
	p->n_taken++;
	return b;
}

int
body_reserve(struct body *b, size_t cap)
{
	void *room;

	b->len = 0;
	b->wanted = cap;
	if (cap <= b->cap)
		return 0;
	drop_room(b);
	if (cap > SIZE_MAX / 2)
		return -ENOMEM;
	/* a little more, for series that come one by one */
	cap = (cap + cap / 16 + STEP - 1) / STEP * STEP;
	room = mmap(NULL, cap, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return -ENOMEM;
	b->bytes = room;
	b->cap = cap;
	return 0;
}

int
body_set_text(struct body *b, const char *text, size_t n)
{
	int err = body_reserve(b, n);

	if (err == 0 && n > 0) {
		memcpy(b->bytes, text, n);
		b->len = n;
	}
	return err;
}

void
body_send(struct body *b)
{
	b->counted = b->len >= BODY_LARGE;
	b->bodies->n_large += b->counted;
}

/* Of too many kept the oldest goes: the list is in order of return. */
static void
keep(struct bodies *p, struct body *b)
{
	struct body **last = &p->kept;

	b->next = p->kept;
	if (b->wanted >= b->cap / 4)	/* small pages do not keep it alive */
		b->idle_ms = p->now_ms;
	p->kept = b;
	p->kept_bytes += b->cap;
	if (++p->n_kept <= BODIES_KEPT)
		return;
	while ((*last)->next)
		last = &(*last)->next;
	destroy(pick(p, last));
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
	struct bodies *p;
	bool counted;

	if (!b || --b->refs > 0)
		return;
	p = b->bodies;
	counted = b->counted;
	b->counted = false;
	p->n_taken--;
	p->n_large -= counted;
	keep(p, b);
	if (counted && p->returned)
		p->returned(p->ctx);
}
