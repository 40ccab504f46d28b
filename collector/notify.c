/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/notify.h"

#include <systemd/sd-daemon.h>

#include "collector/watch.h"

#define READY_POLL_MS 20

static void
on_watchdog(uv_timer_t *timer)
{
	struct notify *n = timer->data;
	uint64_t age = uv_now(timer->loop) - n->scraper->last_scan_ms;

	if (age < WATCH_RESCAN_MS + n->watchdog_ms)
		(void)sd_notify(0, "WATCHDOG=1");
}

static void
on_wait(uv_timer_t *timer)
{
	struct notify *n = timer->data;

	if (!n->scraper->scanned)
		return;
	n->ready = true;
	(void)sd_notify(0, "READY=1");
	uv_timer_stop(timer);
	if (n->watchdog_ms)
		uv_timer_start(timer, on_watchdog, 0, n->watchdog_ms / 2);
}

void
notify_open(struct notify *n, uv_loop_t *loop, const struct scraper *scraper)
{
	uint64_t us = 0;

	*n = (struct notify){ .scraper = scraper };
	if (sd_watchdog_enabled(0, &us) > 0)
		n->watchdog_ms = us < 2000 ? 2 : us / 1000;
	uv_timer_init(loop, &n->timer);
	n->timer.data = n;
	uv_timer_start(&n->timer, on_wait, 0, READY_POLL_MS);
}

void
notify_close(struct notify *n)
{
	uv_close((uv_handle_t *)&n->timer, NULL);
	(void)sd_notify(0, "STOPPING=1");
}
