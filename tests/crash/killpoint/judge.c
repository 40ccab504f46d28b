/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"
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
    const char *name, struct verdict *v, uint64_t *count)
{
	const uint64_t *cell = s->cells + x->cell;
	uint64_t sum = cell[SMX_HIST_SUM];
	uint64_t want;

	*count = smx_histogram_count(s, x);
	want = *count * SCENARIO_VALUE;
	/* A kill inside an observation leaves at most one sum ahead; there
	 * are at most three lives before the copy that could. */
	if (sum < want || sum > want + 3 * SCENARIO_VALUE)
		return blame(v, "sum against value x count", name, sum, want);
	return 0;
}

static int
judge_series(const struct smx_snapshot *s, uint32_t i,
    const struct verdict *before, struct verdict *v)
{
	const struct smx_series_info *x = &s->catalog->series[i];
	const struct smx_family_info *f = &s->catalog->families[x->family];
	uint64_t value = 0;

	if (f->type == SMX_TYPE_COUNTER)
		value = s->cells[x->cell];
	if (f->type == SMX_TYPE_HISTOGRAM &&
	    judge_histogram(s, x, f->name, v, &value) < 0)
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

static int
judge_snapshot(const struct smx_snapshot *s, const struct verdict *before,
    struct verdict *v)
{
	uint32_t i;
	int rc = 0;

	v->n = s->catalog->n_series;
	v->approximate = s->approximate;
	if (v->n > JUDGE_SERIES || (before && v->n < before->n))
		return blame(v, "series", "directory", v->n,
		    before ? before->n : 0);
	for (i = 0; i < v->n && rc == 0; i++)
		rc = judge_series(s, i, before, v);
	return rc;
}

static int
judge_view(struct smx_view *view, const struct verdict *before,
    struct verdict *v)
{
	struct smx_snapshot s = { 0 };
	struct smx_error err = { 0 };
	int rc = smx_snapshot_take(&s, view, &err);

	if (rc < 0)
		(void)snprintf(v->why, sizeof(v->why), "snapshot: %s",
		    err.msg);
	else
		rc = judge_snapshot(&s, before, v);
	smx_snapshot_free(&s);
	return rc < 0 ? -1 : 0;
}

int
judge_file(const char *dir, const struct verdict *before, struct verdict *v)
{
	struct smx_error err = { 0 };
	struct smx_view *view;
	int rc, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(v, 0, sizeof(*v));
	rc = smx_view_open(&view, fd, SCENARIO_FILE, NULL, &err);
	(void)close(fd);
	if (rc == -EAGAIN || rc == -ENOENT)
		return before && before->n > 0 ?
		    blame(v, "segment gone", "file", 0, 0) : 1;
	if (rc < 0) {
		(void)snprintf(v->why, sizeof(v->why), "open: %s", err.msg);
		return -1;
	}
	rc = judge_view(view, before, v);
	smx_view_close(view);
	return rc;
}
