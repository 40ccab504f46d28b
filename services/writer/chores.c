/* SPDX-License-Identifier: Apache-2.0 */
/* What is due now and then: a sample of the metrics, and old rows to delete. */
#include <time.h>

#include "app.h"
#include "services/common/clock.h"

#define PRUNE_MS 3600000

int64_t
cdb_writer_sample_moment(const struct cdb_writer_app *app)
{
	int64_t latest = time(NULL) / app->sample_s * app->sample_s;

	return latest > app->sample_due_s ? latest : app->sample_due_s;
}

static void
on_sampling(uv_timer_t *timer);

/* At the whole multiples of the window, so that a row says when it was. */
static void
sampling_arm(struct cdb_writer_app *app)
{
	int64_t window_ms = app->sample_s * 1000;
	int64_t now_ms = cdb_wall_us() / 1000;
	/* a timer may be early, and this one just was: then not again */
	int64_t next = (now_ms + window_ms / 4) / window_ms + 1;

	app->sample_next_s = next * app->sample_s;
	uv_timer_start(&app->sampling, on_sampling,
	    (uint64_t)(next * window_ms - now_ms), 0);
}

static void
on_sampling(uv_timer_t *timer)
{
	struct cdb_writer_app *app = timer->data;

	app->sample_due = true;
	app->sample_due_s = app->sample_next_s;
	sampling_arm(app);
	cdb_bus_kick(&app->service.bus);
}

static void
on_pruning(uv_timer_t *timer)
{
	struct cdb_writer_app *app = timer->data;

	app->prune_due = true;
	cdb_bus_kick(&app->service.bus);
}

void
cdb_writer_chores_init(struct cdb_writer_app *app)
{
	uv_loop_t *loop = app->service.loop;

	uv_timer_init(loop, &app->sampling);
	uv_timer_init(loop, &app->pruning);
	app->sampling.data = app->pruning.data = app;
	if (app->sample_s > 0 && app->service.opt.metrics)
		sampling_arm(app);
	if (app->keep_days > 0)
		uv_timer_start(&app->pruning, on_pruning, 0, PRUNE_MS);
}

void
cdb_writer_chores_close(struct cdb_writer_app *app)
{
	uv_close((uv_handle_t *)&app->sampling, NULL);
	uv_close((uv_handle_t *)&app->pruning, NULL);
}
