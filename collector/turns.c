/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/turns.h"

/* From one turn to the next, without what was spent waiting for events. */
static void
on_turn(uv_prepare_t *prepare)
{
	struct turns *t = prepare->data;
	uint64_t now = uv_hrtime();
	uint64_t idle = uv_metrics_idle_time(prepare->loop);
	uint64_t turn = now - t->at_ns, waited = idle - t->idle_ns;

	if (t->at_ns != 0)
		self_observe_turn(t->stats, turn > waited ? turn - waited : 0);
	t->at_ns = now;
	t->idle_ns = idle;
}

void
turns_open(struct turns *t, uv_loop_t *loop, struct self_stats *stats)
{
	*t = (struct turns){ .stats = stats };
	(void)uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
	uv_prepare_init(loop, &t->prepare);
	t->prepare.data = t;
	uv_prepare_start(&t->prepare, on_turn);
	uv_unref((uv_handle_t *)&t->prepare);
}

void
turns_close(struct turns *t)
{
	uv_close((uv_handle_t *)&t->prepare, NULL);
}
