/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smx/writer.h"

uint32_t scenario_lanes = 4;

struct metrics {
	struct smx_counter orders;
	struct smx_histogram latency;
	struct smx_histogram changed;
	struct smx_gauge depth;
};

/* Few bounds: the arithmetic of native ones is many instructions, and no
 * store to the segment.  The same name with other bounds in a later life is
 * a redefinition. */
static int
histogram(struct smx_histogram *h, const char *name, const double *bounds,
    uint32_t n, int exemplars)
{
	struct smx_desc d = {
		.name = name, .help = "Seconds.", .unit = "seconds",
		.exponent = 9, .bounds = bounds, .n_bounds = n,
		.exemplars = exemplars
	};

	return smx_histogram_register(h, &d, NULL);
}

static const double old_bounds[] = { 0.1, 1 };
static const double new_bounds[] = { 0.1, 0.5, 1 };

static int
take_up(const char *dir, struct metrics *m, const double *bounds, uint32_t n)
{
	struct smx_options o = { .dir = dir, .lanes = scenario_lanes,
		.slots = 4 };
	int rc = smx_attach(SCENARIO_SERVICE, &o);

	if (rc < 0)
		return rc;
	m->orders = smx_counter("orders_total", "Orders.");
	rc = histogram(&m->latency, "latency_seconds", old_bounds, 2, 1);
	m->depth = smx_gauge("depth", "Depth.");
	if (rc == 0)
		rc = histogram(&m->changed, "changed_seconds", bounds, n, 0);
	return rc;
}

static void
update(const struct metrics *m, unsigned times)
{
	static const char *const ids[] = { SCENARIO_ID_A, SCENARIO_ID_B };
	unsigned i;

	for (i = 0; i < times; i++) {
		smx_inc(m->orders);
		smx_observe_exemplar(m->latency, SCENARIO_VALUE, "id",
		    ids[i % 2]);
		smx_observe(m->changed, SCENARIO_VALUE);
		smx_set(m->depth, i);
		smx_gauge_add(m->depth, 1);
	}
}

static void *
thread(void *arg)
{
	update(arg, 2);
	return NULL;
}

static void
set_old_gauges(void)
{
	static const char *const names[SCENARIO_OLD_GAUGES] = { "old_a",
		"old_b", "old_c" };
	unsigned i;

	for (i = 0; i < SCENARIO_OLD_GAUGES; i++)
		smx_set(smx_gauge(names[i], "Of the first life."),
		    SCENARIO_OLD_VALUE);
}

int
scenario_before(const char *dir)
{
	struct metrics m;

	if (take_up(dir, &m, old_bounds, 2) == 0)
		update(&m, SCENARIO_BEFORE);
	set_old_gauges();
	/* as if killed inside an observation: begin is ahead of end */
	smx__cell_add((uint64_t *)(smx__lane + m.latency.cell), 1);
	return kill(getpid(), SIGKILL);
}

int
scenario_sibling(const char *dir)
{
	struct metrics m;
	int rc = take_up(dir, &m, new_bounds, 3);

	if (rc < 0)
		return rc;
	smx_inc(smx_counter("shared_total", "Made by a sibling."));
	update(&m, 1);
	return 0;
}

int
scenario_run(const char *dir)
{
	struct metrics m;
	pthread_t t;
	int rc = take_up(dir, &m, new_bounds, 3);

	if (rc < 0)
		return rc;
	update(&m, 2);
	if (pthread_create(&t, NULL, thread, &m) == 0)
		(void)pthread_join(t, NULL);
	(void)smx_counter("later_total", "Made while lanes are in use.");
	(void)smx_counter("orders_total", "Orders.");
	(void)raise(SCENARIO_SIBLING);
	smx_inc(smx_counter("shared_total", "Made by a sibling."));
	update(&m, 1);
	smx_detach();
	return 0;
}

int
scenario_recover(const char *dir)
{
	struct metrics m;
	int rc = take_up(dir, &m, new_bounds, 3);

	if (rc == 0)
		update(&m, SCENARIO_AGAIN);
	return rc;
}

void
scenario_empty(const char *dir)
{
	static const char *const names[] = { SCENARIO_FILE,
		".old." SCENARIO_FILE };
	char path[128];
	unsigned i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
}

int
scenario_in_child(int (*life)(const char *), const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(life(dir) == 0 ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 128 + WTERMSIG(status);
}
