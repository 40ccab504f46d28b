/* SPDX-License-Identifier: Apache-2.0 */
#include "quiet.h"

#define ENOUGH 256	/* entries */

static void
on_over(uv_timer_t *timer)
{
	struct cdb_quiet *q = timer->data;

	q->over = true;
	cdb_bus_kick(q->bus);
}

void
cdb_quiet_init(struct cdb_quiet *q, uv_loop_t *loop, struct cdb_bus *bus,
    uint64_t ms)
{
	q->bus = bus;
	q->ms = ms;
	q->over = false;
	uv_timer_init(loop, &q->timer);
	q->timer.data = q;
}

bool
cdb_quiet_over(struct cdb_quiet *q, size_t n)
{
	if (n == 0 || n >= ENOUGH)
		return n > 0;
	if (!q->over && !uv_is_active((uv_handle_t *)&q->timer))
		uv_timer_start(&q->timer, on_over, q->ms, 0);
	return q->over;
}

void
cdb_quiet_reset(struct cdb_quiet *q)
{
	uv_timer_stop(&q->timer);
	q->over = false;
}

void
cdb_quiet_close(struct cdb_quiet *q)
{
	uv_close((uv_handle_t *)&q->timer, NULL);
}
