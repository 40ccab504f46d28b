/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"
#include "smx/layout.h"
#include "smx/view.h"

static int
blame(struct verdict *v, const char *what, const char *name, uint64_t a,
    uint64_t b)
{
	(void)snprintf(v->why, sizeof(v->why), "%s: %s: %" PRIu64 ", %" PRIu64,
	    name, what, a, b);
	return -1;
}

static int
judge_histogram(const struct smx_snapshot *s, const struct smx_series_info *x,
    const char *name, unsigned ahead, struct verdict *v, uint64_t *count)
{
	const uint64_t *cell = s->cells + x->cell;
	uint64_t sum = cell[SMX_HIST_SUM];
	uint64_t want;

	*count = smx_histogram_count(s, x);
	want = *count * SCENARIO_VALUE;
	if (s->approximate > 0)
		ahead++; /* one observation is under way */
	if (sum < want || sum > want + ahead * SCENARIO_VALUE)
		return blame(v, "sum against value x count", name, sum, want);
	return 0;
}

static int
judge_series(const struct smx_snapshot *s, uint32_t i,
    const struct verdict *before, unsigned ahead, struct verdict *v)
{
	const struct smx_series_info *x = &s->catalog->series[i];
	const struct smx_family_info *f = &s->catalog->families[x->family];
	uint64_t value = 0;

	if (f->type == SMX_TYPE_COUNTER)
		value = s->cells[x->cell];
	if (f->type == SMX_TYPE_HISTOGRAM &&
	    judge_histogram(s, x, f->name, ahead, v, &value) < 0)
		return -1;
	if (before && i < before->n && value < before->values[i])
		return blame(v, "fell", f->name, value, before->values[i]);
	v->values[i] = value;
	if (strcmp(f->name, "orders_total") == 0)
		v->orders = value;
	if (strcmp(f->name, "latency_seconds") == 0)
		v->latency_count = value;
	return 0;
}

/* Of families with one name, one is shown, at every moment. */
static int
judge_redefinition(const struct smx_snapshot *s, struct verdict *v)
{
	uint32_t i, n = 0, shown = 0;

	for (i = 0; i < s->catalog->n_families; i++) {
		const struct smx_family_info *f = &s->catalog->families[i];

		if (strcmp(f->name, "changed_seconds") != 0)
			continue;
		n++;
		shown += !f->retired;
	}
	return n > 0 && shown != 1 ?
	    blame(v, "definitions, shown", "changed_seconds", n, shown) : 0;
}

static uint32_t
count_old_gauges(const struct smx_snapshot *s, uint32_t row)
{
	uint32_t i, n = 0;
	double value;

	for (i = 0; i < s->catalog->n_series; i++) {
		const struct smx_series_info *x = &s->catalog->series[i];
		const struct smx_family_info *f =
		    &s->catalog->families[x->family];

		n += strncmp(f->name, "old_", 4) == 0 &&
		    smx_gauge_of(s, x, row, &value);
	}
	return n;
}

/* The first owner's gauges, all of them, or not one: what a reader shows is
 * of one process. */
static int
judge_gauges(const struct smx_snapshot *s, const struct verdict *before,
    struct verdict *v)
{
	uint32_t old;

	v->first_ns = before ? before->first_ns : 0;
	if (s->n_live == 0)
		return 0;
	if (v->first_ns == 0)
		v->first_ns = s->live[0].start_ns;
	old = count_old_gauges(s, 0);
	if (old != 0 && old != SCENARIO_OLD_GAUGES)
		return blame(v, "gauges of two owners", "slot", old,
		    SCENARIO_OLD_GAUGES);
	return old != 0 && s->live[0].start_ns != v->first_ns ?
	    blame(v, "gauges of a former owner", "slot", old, 0) : 0;
}

/* Those that are shown are whole. */
static int
judge_exemplars(const struct smx_snapshot *s, struct verdict *v)
{
	uint32_t i;

	v->exemplars = s->n_exemplars;
	for (i = 0; i < s->n_exemplars; i++) {
		const struct smx_exemplar *x = &s->exemplars[i];
		const char *id = x->text + sizeof("id");

		if (x->value != SCENARIO_VALUE || x->n_labels != 1 ||
		    strcmp(x->text, "id") != 0 ||
		    (strcmp(id, SCENARIO_ID_A) != 0 &&
			strcmp(id, SCENARIO_ID_B) != 0))
			return blame(v, "torn", "exemplar", i, x->value);
	}
	return 0;
}

static int
judge_snapshot(const struct smx_snapshot *s, const struct verdict *before,
    unsigned ahead, struct verdict *v)
{
	uint32_t i;
	int rc = 0;

	v->n = s->catalog->n_series;
	v->approximate = s->approximate;
	if (v->n > JUDGE_SERIES || (before && v->n < before->n))
		return blame(v, "series", "directory", v->n,
		    before ? before->n : 0);
	for (i = 0; i < v->n && rc == 0; i++)
		rc = judge_series(s, i, before, ahead, v);
	if (rc == 0)
		rc = judge_redefinition(s, v);
	if (rc == 0)
		rc = judge_exemplars(s, v);
	return rc < 0 ? rc : judge_gauges(s, before, v);
}

static int
judge_view(struct smx_view *view, const struct verdict *before,
    unsigned ahead, struct verdict *v)
{
	struct smx_snapshot s = { 0 };
	struct smx_error err = { 0 };
	int rc = smx_snapshot_take(&s, view, &err);

	if (rc < 0)
		(void)snprintf(v->why, sizeof(v->why), "snapshot: %s",
		    err.msg);
	else
		rc = judge_snapshot(&s, before, ahead, v);
	smx_snapshot_free(&s);
	return rc < 0 ? -1 : 0;
}

/* As if the process of slot 0 were alive: its gauges are looked at. */
static int
take_lease(int dirfd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0, .l_len = 1 };
	int fd = openat(dirfd, SCENARIO_FILE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		(void)fcntl(fd, F_OFD_SETLK, &lock);
	return fd;
}

int
judge_file(const char *dir, const struct verdict *before, unsigned ahead,
    struct verdict *v)
{
	struct smx_error err = { 0 };
	struct smx_view *view;
	int rc, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int lease = take_lease(fd);

	memset(v, 0, sizeof(*v));
	rc = smx_view_open(&view, fd, SCENARIO_FILE, NULL, &err);
	(void)close(fd);
	if (rc == 0) {
		rc = judge_view(view, before, ahead, v);
		smx_view_close(view);
	} else if (rc == -EAGAIN || rc == -ENOENT) {
		rc = before && before->n > 0 ?
		    blame(v, "segment gone", "file", 0, 0) : 1;
	} else {
		(void)snprintf(v->why, sizeof(v->why), "open: %s", err.msg);
		rc = -1;
	}
	if (lease >= 0)
		(void)close(lease);
	return rc;
}

/* Of any kind, on any byte. */
static bool
locked(int dirfd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dirfd, SCENARIO_FILE, O_RDWR | O_CLOEXEC);
	bool held;

	if (fd < 0)
		return false;
	held = fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
	(void)close(fd);
	return held;
}

static int
judge_no_gauges(struct smx_view *view, struct verdict *v)
{
	struct smx_snapshot s = { 0 };
	uint32_t i;
	double value;
	int rc = smx_snapshot_take(&s, view, NULL);

	if (rc < 0 || s.n_live != 0 || s.state.crowd != 0)
		rc = blame(v, "alive", "snapshot", s.n_live, s.state.crowd);
	for (i = 0; rc == 0 && i < s.catalog->n_series; i++) {
		const struct smx_series_info *x = &s.catalog->series[i];

		if (s.catalog->families[x->family].type == SMX_TYPE_GAUGE &&
		    smx_gauge_value(&s, x, &value))
			rc = blame(v, "a dead one's gauge", "series", i, 0);
	}
	smx_snapshot_free(&s);
	return rc;
}

int
judge_dead(const char *dir, struct verdict *v)
{
	int rc = 0, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct smx_view *view;

	if (locked(fd))
		rc = blame(v, "a lock is held", "file", 0, 0);
	if (rc == 0 &&
	    smx_view_open(&view, fd, SCENARIO_FILE, NULL, NULL) == 0) {
		rc = judge_no_gauges(view, v);
		smx_view_close(view);
	}
	(void)close(fd);
	return rc;
}
