/* SPDX-License-Identifier: Apache-2.0 */
#include "left.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

static int
wrong(struct left *l, const char *what, const char *why)
{
	(void)snprintf(l->why, sizeof(l->why), "%s: %s", what, why);
	return -1;
}

/* The reader's totals are those of the bytes. */
static int
agree(struct left *l, const struct image *m, const struct bytes *b,
    const struct verdict *v)
{
	uint64_t total;
	uint32_t i;

	if (v->n != b->n)
		return wrong(l, "the reader", "other series than the bytes");
	for (i = 0; i < v->n; i++) {
		total = bytes_total(m, &b->series[i]);
		if (total == v->values[i])
			continue;
		(void)snprintf(l->why, sizeof(l->why),
		    "series %" PRIu32 ": the reader has %" PRIu64
		    ", the bytes %" PRIu64,
		    i, v->values[i], total);
		return -1;
	}
	return 0;
}

/* Into *b and *v; compared with what was judged last. */
static int
look(struct left *l, const char *dir, const struct image *m, unsigned ahead,
    struct bytes *b, struct verdict *v)
{
	int rc;

	if (bytes_check(b, m, l->image.n ? &l->image : NULL) < 0)
		return wrong(l, "the bytes", b->why);
	rc = judge_file(dir, l->verdict.n ? &l->verdict : NULL, ahead, v);
	if (rc < 0)
		return wrong(l, "the reader", v->why);
	return agree(l, m, b, v);
}

int
left_judge(struct left *l, const char *dir, const struct image *m)
{
	struct verdict v;
	struct bytes b;

	if (look(l, dir, m, l->ahead, &b, &v) < 0)
		return -1;
	l->states++;
	l->bytes = b;
	l->verdict = v;
	return image_copy(&l->image, m) < 0 ? wrong(l, "copy", "memory") : 0;
}

static uint32_t
at_least_two(uint32_t n)
{
	return n > 2 ? n : 2;
}

/* Memory follows the peak of threads, whoever dies: the next life takes the
 * dead one's slot and a lane of its, and what it does not need is free. */
static int
check_adopted(struct left *l, const struct bytes *b)
{
	if (b->owners != 1)
		return wrong(l, "the next life", "has not one lane");
	if (b->stale != 0)
		return wrong(l, "the next life", "left lanes to the dead");
	if (b->lanes > at_least_two(l->bytes.lanes))
		return wrong(l, "the next life", "took a fresh lane");
	return 0;
}

static int
check_added(struct left *l, const struct verdict *v)
{
	if (v->orders != l->verdict.orders + SCENARIO_AGAIN ||
	    v->latency_count != l->verdict.latency_count + SCENARIO_AGAIN)
		return wrong(l, "the next life", "its updates are not exact");
	if (v->approximate != 0)
		return wrong(l, "the next life", "begin != end not mended");
	if (v->exemplars == 0)
		return wrong(l, "the next life", "no exemplar is shown");
	return 0;
}

int
left_go_on(struct left *l, const char *dir)
{
	struct image m = { 0 };
	struct verdict v;
	struct bytes b;
	int rc, status = scenario_in_child(scenario_recover, dir);

	if (status != 0)
		return wrong(l, "the next life failed",
		    status > 128 ? strsignal(status - 128) : "cannot attach");
	/* an observation that was cut off has its sum, but no bucket */
	rc = image_take_file(&m, dir, SCENARIO_FILE) < 0
		 ? wrong(l, "read", dir)
		 : look(l, dir, &m, l->ahead + 1, &b, &v);
	image_free(&m);
	if (rc == 0)
		rc = check_adopted(l, &b);
	if (rc == 0)
		rc = check_added(l, &v);
	l->lives += rc == 0;
	return rc;
}

void
left_forget(struct left *l)
{
	memset(&l->verdict, 0, sizeof(l->verdict));
	memset(&l->bytes, 0, sizeof(l->bytes));
	image_free(&l->image);
}
