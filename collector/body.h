/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h -- the bytes of an answer, shared by all who asked for the same, in
 * memory that is kept from scrape to scrape.
 *
 * A page of 90 MB in fresh memory costs a second of page faults, in memory
 * used before 20 ms.  What is kept is bounded: BODIES_KEPT of them, each for
 * BODIES_IDLE_MS after the last use of a good part of it.  What is being sent
 * is bounded by its user, who looks at n_large before he makes another one.
 *
 * Thread   the loop's, but for body_reserve() and the bytes: those belong to
 *          the one thread that fills the body, before anybody else has it.
 */
#ifndef COLLECTOR_BODY_H
#define COLLECTOR_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_LARGE	((size_t)1 << 20)	/* bytes; counted when out */
#define BODIES_KEPT	6
#define BODIES_IDLE_MS	150000	/* longer than a scrape interval of 1 min */

struct bodies;

struct body {
	struct bodies *bodies;
	struct body *next;		/* among those kept */
	uint64_t idle_ms;		/* kept since */
	unsigned refs;
	bool counted;			/* large, and out */
	size_t len, cap;
	size_t wanted;			/* the last body_reserve() */
	char *bytes;
};

struct bodies {
	struct body *kept;
	unsigned n_kept;
	unsigned n_taken;		/* not kept: filled or sent */
	unsigned n_large;		/* of these, being sent */
	size_t kept_bytes;
	uint64_t now_ms;		/* as last told */
	void (*returned)(void *ctx);	/* a large one is back; may be NULL */
	void *ctx;
};

void bodies_init(struct bodies *p, void (*returned)(void *ctx), void *ctx);

/* bodies_close -- all must be back. */
void bodies_close(struct bodies *p);

/* bodies_tick -- it is now_ms (any clock): give back what lay idle. */
void bodies_tick(struct bodies *p, uint64_t now_ms);

/*
 * body_take -- a body with one reference and len 0.
 *
 * Of those kept it is the one that fits `likely` bytes best; its room is what
 * body_reserve() makes it.  NULL: no memory.
 */
struct body *body_take(struct bodies *p, size_t likely);

/*
 * body_reserve -- room for cap bytes; what was in it is lost.
 *
 * Errors   -ENOMEM; it then has no room at all.
 */
int body_reserve(struct body *b, size_t cap);

/* body_set_text -- reserve and copy n bytes; errors as body_reserve(). */
int body_set_text(struct body *b, const char *text, size_t n);

/* body_send -- it is filled and goes out: a large one counts from now on. */
void body_send(struct body *b);

struct body *body_ref(struct body *b);
void body_unref(void *b);	/* void *: it is a free callback; NULL is fine */

#endif
