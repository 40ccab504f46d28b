/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "smx/layout.h"

#define EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
    IN_ATTRIB | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static void
on_gathered(uv_timer_t *timer)
{
	struct watch *w = timer->data;

	w->changed(w->ctx);
}

static void
changed_soon(struct watch *w)
{
	if (!uv_is_active((uv_handle_t *)&w->gather))
		uv_timer_start(&w->gather, on_gathered, WATCH_GATHER_MS, 0);
}

/* Watch what the path names now, unless that is watched already. */
static void
aim(struct watch *w)
{
	struct stat st;
	bool there = stat(w->dir, &st) == 0;

	if (w->wd >= 0 && there && st.st_dev == w->dev && st.st_ino == w->ino)
		return;
	if (w->wd >= 0)
		(void)inotify_rm_watch(w->fd, w->wd);
	w->wd = -1;
	if (!there || w->fd < 0)
		return;
	w->dev = st.st_dev;
	w->ino = st.st_ino;
	w->wd = inotify_add_watch(w->fd, w->dir, EVENTS);
	if (w->wd >= 0)
		changed_soon(w);	/* what came before we watched */
}

/* Other files of a shared directory do not concern us. */
static bool
concerns_us(const struct inotify_event *e)
{
	if (e->len == 0 || (e->mask & IN_Q_OVERFLOW))
		return true;
	return strncmp(e->name, SMX_FILE_PREFIX, strlen(SMX_FILE_PREFIX)) == 0;
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	_Alignas(struct inotify_event) char buf[4096];
	struct watch *w = poll->data;
	bool ours = false, lost = false;
	ssize_t n;

	(void)status;
	(void)events;
	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *e;

		for (char *at = buf; at < buf + n; at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(void *)at;
			ours |= concerns_us(e);
			/* the kernel has dropped the watch */
			lost |= e->wd == w->wd && (e->mask & IN_IGNORED);
		}
	}
	if (lost)
		w->wd = -1;
	if (ours)
		changed_soon(w);
}

static void
on_rescan(uv_timer_t *timer)
{
	struct watch *w = timer->data;

	aim(w);
	w->changed(w->ctx);
}

void
watch_open(struct watch *w, uv_loop_t *loop, const char *dir,
    void (*changed)(void *ctx), void *ctx)
{
	*w = (struct watch){ .dir = dir, .wd = -1, .changed = changed,
		.ctx = ctx };
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	uv_timer_init(loop, &w->gather);
	uv_timer_init(loop, &w->rescan);
	w->gather.data = w->rescan.data = w;
	if (w->fd >= 0) {
		uv_poll_init(loop, &w->poll, w->fd);
		w->poll.data = w;
		uv_poll_start(&w->poll, UV_READABLE, on_events);
	}
	aim(w);
	uv_timer_start(&w->rescan, on_rescan, 0, WATCH_RESCAN_MS);
}

void
watch_close(struct watch *w)
{
	uv_close((uv_handle_t *)&w->gather, NULL);
	uv_close((uv_handle_t *)&w->rescan, NULL);
	if (w->fd < 0)
		return;
	uv_close((uv_handle_t *)&w->poll, NULL);
	close(w->fd);
}
