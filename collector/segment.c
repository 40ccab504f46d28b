/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_NS	UINT64_C(5000000000)	/* of an unchanged bad file */
#define RETRY_DOUBLED	6	/* times, of one that costs too much: 320 s */
#define PATIENCE_NS	UINT64_C(3000000000)	/* with one being created */

static const char *const cause_names[N_CAUSES] = {
	"creating", "version", "corrupt", "owner", "name", "budget", "cut",
	"io",
};

const char *
segment_cause_name(enum segment_cause cause)
{
	return cause_names[cause];
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static enum segment_cause
cause_of(int err)
{
	switch (err) {
	case -EAGAIN:
		return CAUSE_CREATING;
	case -EPROTO:
		return CAUSE_VERSION;
	case -EBADMSG:
		return CAUSE_CORRUPT;
	case -EPERM:
		return CAUSE_OWNER;
	case -EINVAL:
		return CAUSE_NAME;
	case -E2BIG:
	case -ENOMEM:
		return CAUSE_BUDGET;
	case -EFAULT:
		return CAUSE_CUT;
	default:
		return CAUSE_IO;
	}
}

static int
copy_word(char dst[SEGMENT_NAME], const char *at, size_t n)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (n == 0 || n >= SEGMENT_NAME || strspn(at, ok) < n)
		return -EINVAL;
	memcpy(dst, at, n);
	dst[n] = '\0';
	return 0;
}

int
segment_parse_name(const char *file, char service[SEGMENT_NAME],
    char instance[SEGMENT_NAME])
{
	const char *name = file + strlen(SMX_FILE_PREFIX);
	size_t n = strcspn(name, "@");

	instance[0] = '\0';
	service[0] = '\0';
	if (copy_word(service, name, n) < 0)
		return -EINVAL;
	if (name[n] == '\0')
		return 0;
	return copy_word(instance, name + n + 1, strlen(name + n + 1));
}

/* Its view and values; it stays in the table. */
static void
drop_view(struct segment *g)
{
	smx_view_close(g->view);
	g->view = NULL;
	smx_snapshot_free(&g->snap);
	memset(&g->snap, 0, sizeof(g->snap));
	g->shown = false;
	g->weighed = 0;
}

struct segment *
segment_create(const char *file)
{
	struct segment *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	snprintf(g->file, sizeof(g->file), "%s", file);
	g->first_ns = now_ns();
	return g;
}

void
segment_destroy(struct segment *g)
{
	if (g->view)
		drop_view(g);
	free(g);
}

/* Take a segment for bad; said and counted when the reason is new. */
static void
set_bad(struct segment_site *s, struct segment *g, int err, const char *why)
{
	enum segment_cause cause = cause_of(err);
	bool news = !g->bad || g->cause != cause ||
	    strncmp(g->reason, why, sizeof(g->reason) - 1) != 0;

	g->bad = true;
	g->cause = cause;
	if (!news)
		return;
	snprintf(g->reason, sizeof(g->reason), "%s", why);
	s->errors[cause]++;
	log_warn(s->log, "segment left out", LOG_STR("file", g->file),
	    LOG_STR("cause", cause_names[cause]), LOG_STR("reason", g->reason));
}

void
segment_refuse(struct segment *g, struct segment_site *s, int err,
    const char *why)
{
	drop_view(g);
	g->tried_ns = now_ns();
	set_bad(s, g, err, why);
	g->costly += g->cause == CAUSE_BUDGET && g->costly < RETRY_DOUBLED;
}

/* Is this still the file that we looked at, or has another been put in its
 * place since? */
static bool
is_file(const struct smx_view *view, const struct stat *st)
{
	dev_t dev;
	ino_t ino;

	smx_view_identity(view, &dev, &ino);
	return dev == st->st_dev && ino == st->st_ino;
}

/* The lowest free descriptor tells how many there are. */
static bool
has_descriptors(const struct segment_site *s)
{
	int fd = fcntl(s->dirfd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && fd < s->fd_max;
}

static void
try_open(struct segment_site *s, struct segment *g, const struct stat *st)
{
	const struct smx_view_options opt = {
		.owner = s->owner, .check_owner = s->open_to_all,
	};
	struct smx_error error = { 0 };
	int err;

	g->st = *st;
	g->tried_ns = now_ns();
	if (segment_parse_name(g->file, g->service, g->instance) < 0) {
		set_bad(s, g, -EINVAL,
		    "not a segment's name: smx.SERVICE or smx.SERVICE@INSTANCE,"
		    " of a-z 0-9 _ - and at most 64 bytes each");
		return;
	}
	if (!has_descriptors(s)) {
		set_bad(s, g, -EMFILE, "no descriptor for it: the rest is for "
		    "clients (RLIMIT_NOFILE)");
		return;
	}
	err = smx_view_open(&g->view, s->dirfd, g->file, &opt, &error);
	if (err == 0 && !is_file(g->view, st)) {
		drop_view(g);
		return;		/* the next scan looks again */
	}
	if (err == 0) {
		g->serial = ++s->next_serial;
		g->bad = false;
		g->reason[0] = '\0';
		log_info(s->log, "segment found", LOG_STR("file", g->file));
		return;
	}
	g->view = NULL;
	if (err == -ENOENT || (err == -EAGAIN &&
	    g->tried_ns - g->first_ns < PATIENCE_NS))
		return;		/* gone again, or just being made */
	segment_refuse(g, s, err, error.msg[0] ? error.msg : strerror(-err));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size;
}

static bool
same_state(const struct stat *a, const struct stat *b)
{
	return same_file(a, b) && a->st_uid == b->st_uid &&
	    a->st_mode == b->st_mode &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Read what was added to its directory; bad if that lies. */
static void
refresh(struct segment_site *s, struct segment *g)
{
	struct smx_error error = { 0 };
	int err = smx_view_refresh(g->view, &error);

	if (err < 0)
		segment_refuse(g, s, err,
		    error.msg[0] ? error.msg : strerror(-err));
}

/* Nothing new is to be expected of a bad one.  One that cost too much has to
 * wait even if it changed, and longer each time. */
static bool
can_wait(const struct segment *g, const struct stat *st)
{
	uint64_t waited = now_ns() - g->tried_ns;

	if (!g->bad || g->cause == CAUSE_CREATING)
		return false;
	if (g->cause == CAUSE_BUDGET)
		return waited < RETRY_NS << g->costly;
	return same_state(&g->st, st) && waited < RETRY_NS;
}

void
segment_update(struct segment *g, struct segment_site *s,
    const struct stat *st)
{
	g->seen = true;
	if (g->view && !same_file(&g->st, st))
		drop_view(g);	/* replaced or cut: what is there now? */
	if (g->view) {
		refresh(s, g);
		return;
	}
	if (!same_file(&g->st, st))
		g->first_ns = now_ns();
	if (!can_wait(g, st))
		try_open(s, g, st);
}

/* Before anybody makes a text of it. */
static void
weigh(struct segment *g, struct segment_site *s)
{
	const struct smx_catalog *c = smx_view_catalog(g->view);
	char why[sizeof(g->reason) + 128];

	if (g->weighed != c->generation)
		g->weight = weight_of(c, g->service, g->instance);
	g->weighed = c->generation;
	g->bytes = weight_sum(&g->weight, g->snap.n_live);
	if (g->bytes <= SEGMENT_BYTES_MAX) {
		g->shown = true;
		return;
	}
	snprintf(why, sizeof(why), "%s: showing it could take %" PRIu64
	    " bytes, the limit is %" PRIu64, g->file, g->bytes,
	    SEGMENT_BYTES_MAX);
	segment_refuse(g, s, -E2BIG, why);
}

void
segment_snapshot(struct segment *g, struct segment_site *s)
{
	struct smx_error error = { 0 };
	int err;

	g->shown = false;
	if (!g->view)
		return;
	err = smx_snapshot_take(&g->snap, g->view, &error);
	if (err < 0) {
		segment_refuse(g, s, err,
		    error.msg[0] ? error.msg : strerror(-err));
		return;
	}
	g->approximate += g->snap.approximate;
	weigh(g, s);
}
