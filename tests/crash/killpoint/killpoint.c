/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killpoint -- what a SIGKILL at any instruction of a writer leaves behind.
 *
 * Steps a writer through its life one instruction at a time (ptrace), all of
 * its threads, libc included.  Whenever the bytes of the segment have changed
 * they are copied: a kill there would leave just this.  The copy must be
 * sound to a reader, and a next life that attaches to it must go on exactly.
 * Then it kills for real: at every system call, after every store to the
 * segment (--long), and at seeded points.
 *
 *   killpoint [--steps | --long] [SEED]
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive.h"
#include "image.h"
#include "judge.h"
#include "left.h"
#include "scenario.h"
#include "watch.h"

#define SHORT_KILLS 10u
#define LONG_KILLS  1000u
#define STORES_MAX  4096u
#define SLACK	    8u /* threads make their calls now earlier, now later */
#define TRIES	    5u
#define CALLS_MAX   4096u

/* What a stepped life has shown: where it stores what, how long it is. */
struct life {
	struct point stores[STORES_MAX];
	uint64_t states[STORES_MAX]; /* bytes_state() after it */
	uint32_t n_stores;
	uint32_t steps[CALLS_MAX]; /* instructions up to the next call */
	uint32_t n_calls;
};

struct run {
	char live[64];	/* directory of the writer that is stepped */
	char copy[64];	/* directory of the copies that are judged */
	bool before;	/* with a dead earlier life */
	uint64_t steps, kills, stores, hits;
	struct point at; /* for messages */
	struct watch watch;
	struct left left;
	struct life life;
};

static int
fail(const struct run *r, const char *what, const char *why)
{
	fprintf(stderr, "killpoint: system call %u, instruction %u: %s: %s\n",
	    r->at.calls, r->at.steps, what, why);
	return -1;
}

static void
path_in(char *out, size_t size, const char *dir)
{
	(void)snprintf(out, size, "%s/%s", dir, SCENARIO_FILE);
}

/* The segment has changed: this is what a kill would leave. */
static int
judge_state(struct run *r)
{
	char path[128];
	int rc;

	path_in(path, sizeof(path), r->copy);
	if (image_write(&r->watch.image, path) < 0)
		return fail(r, "copy", strerror(errno));
	rc = left_judge(&r->left, r->copy, &r->watch.image);
	if (rc == 0)
		rc = left_go_on(&r->left, r->copy);
	scenario_empty(r->copy);
	return rc < 0 ? fail(r, "a kill here would leave", r->left.why) : 0;
}

/* After each instruction. */
static int
look(void *arg, const struct drive *d)
{
	struct run *r = arg;
	struct point at = d->at;
	int rc = watch_look(&r->watch);

	r->at = at;
	if (at.calls < CALLS_MAX) {
		r->life.n_calls = at.calls + 1;
		r->life.steps[at.calls] = at.steps;
	}
	if (rc < 0)
		return fail(r, "read", strerror(-rc));
	if (rc == 0)
		return 0;
	if (r->life.n_stores < STORES_MAX) {
		r->life.states[r->life.n_stores] =
		    bytes_state(&r->watch.image);
		r->life.stores[r->life.n_stores++] = at;
	}
	return judge_state(r);
}

static int
sibling(void *arg)
{
	struct run *r = arg;

	return scenario_in_child(scenario_sibling, r->live) == 0 ? 0 :
	    fail(r, "the sibling", "failed");
}

static void
reset(struct run *r)
{
	scenario_empty(r->live);
	if (r->before)
		(void)scenario_in_child(scenario_before, r->live);
	left_forget(&r->left);
}

static struct drive
prepare(struct run *r)
{
	struct drive d = { .life = scenario_run, .dir = r->live,
		.sibling = sibling, .arg = r };

	reset(r);
	return d;
}

/* It was not killed: all that it has counted is there. */
static int
check_whole(struct run *r)
{
	uint64_t want = SCENARIO_WHOLE + (r->before ? SCENARIO_BEFORE : 0);

	if (r->left.verdict.orders != want ||
	    r->left.verdict.latency_count != want)
		return fail(r, "at the end", "the totals are not exact");
	return 0;
}

/* Every instruction. */
static int
step_all(struct run *r)
{
	struct drive d = prepare(r);
	int rc;

	memset(&r->life, 0, sizeof(r->life));
	watch_start(&r->watch, r->live, SCENARIO_FILE);
	d.each = look;
	rc = drive_run(&d, NULL);
	if (rc == 0 && (!WIFEXITED(d.status) || WEXITSTATUS(d.status) != 0))
		rc = fail(r, "the life that is stepped", "failed");
	if (rc == 0)
		rc = check_whole(r);
	drive_kill(&d);
	watch_end(&r->watch);
	r->steps += d.stops;
	return rc;
}

/* What a real kill has left, if it was late enough to leave anything. */
static int
judge_killed(struct run *r)
{
	struct image m = { 0 };
	struct verdict v = { 0 };
	int rc = 0;

	if (judge_dead(r->live, &v) < 0)
		return fail(r, "a real kill left", v.why);
	if (image_take_file(&m, r->live, SCENARIO_FILE) == 0)
		rc = left_judge(&r->left, r->live, &m);
	image_free(&m);
	if (rc == 0)
		rc = left_go_on(&r->left, r->live);
	return rc < 0 ? fail(r, "a real kill left", r->left.why) : 0;
}

/* The life that is sought out, and what is to be there. */
struct target {
	struct run *r;
	struct point at;
	uint64_t state;
	bool hit;
};

/* 1: this is it, or it is missed. */
static int
seek(void *arg, const struct drive *d)
{
	struct target *t = arg;
	int rc;

	if (d->at.calls < d->step_from)
		return 0;
	rc = watch_look(&t->r->watch);
	if (rc > 0)
		t->hit = bytes_state(&t->r->watch.image) == t->state;
	if (rc < 0)
		return fail(t->r, "read", strerror(-rc));
	return t->hit || d->at.calls > t->at.calls + SLACK;
}

static int
seek_sibling(void *arg)
{
	struct target *t = arg;

	return sibling(t->r);
}

/* Kill when the segment is as it was after that store. */
static int
kill_after(struct run *r, uint32_t store)
{
	struct target t = { r, r->life.stores[store], r->life.states[store],
		false };
	struct drive d = prepare(r);
	int rc;

	d.step_from = t.at.calls > SLACK ? t.at.calls - SLACK : 0;
	d.each = seek;
	d.sibling = seek_sibling;
	d.arg = &t;
	watch_start(&r->watch, r->live, SCENARIO_FILE);
	rc = drive_run(&d, NULL);
	drive_kill(&d);
	watch_end(&r->watch);
	r->at = d.at;
	if (rc < 0)
		return rc;
	r->kills++;
	rc = judge_killed(r);
	return rc < 0 ? rc : t.hit;
}

/* Kill for real.  1 if the life had ended before. */
static int
kill_at(struct run *r, struct point at)
{
	struct drive d = prepare(r);
	int rc = drive_run(&d, &at);

	drive_kill(&d);
	r->at = at;
	if (rc < 0 || d.ended)
		return rc < 0 ? rc : 1;
	r->kills++;
	return judge_killed(r);
}

static int
kill_at_system_calls(struct run *r)
{
	struct point at = { 0, 0 };
	int rc = 0;

	while (rc == 0) {
		at.calls++;
		rc = kill_at(r, at);
	}
	return rc < 0 ? -1 : 0;
}

static int
kill_after_stores(struct run *r)
{
	uint32_t i, tries;
	int rc = 0;

	for (i = 0; i < r->life.n_stores && rc >= 0; i++) {
		rc = 0;
		for (tries = 0; tries < TRIES && rc == 0; tries++)
			rc = kill_after(r, i);
		r->stores++;
		r->hits += rc > 0;
	}
	return rc < 0 ? -1 : 0;
}

static uint32_t
pick(uint64_t *x, uint32_t n)
{
	*x = *x * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)((*x >> 33) % n);
}

/* Any stretch between two system calls, any instruction of it. */
static int
kill_at_random(struct run *r, uint64_t seed, uint32_t kills)
{
	uint64_t x = seed * UINT64_C(6364136223846793005) + 1;
	struct point at;
	int rc = 0;

	for (; kills > 0 && rc >= 0; kills--) {
		at.calls = pick(&x, r->life.n_calls);
		at.steps = pick(&x, r->life.steps[at.calls] + 1);
		if (at.calls == 0 && at.steps == 0)
			at.steps = 1;
		rc = kill_at(r, at);
	}
	return rc < 0 ? -1 : 0;
}

enum form { STEPS, SHORT, LONG };

static int
run_round(struct run *r, enum form form, uint64_t seed)
{
	int rc = step_all(r);

	if (rc < 0 || form == STEPS)
		return rc;
	rc = kill_at_system_calls(r);
	if (rc == 0 && form == LONG)
		rc = kill_after_stores(r);
	if (rc == 0)
		rc = kill_at_random(r, seed, form == LONG ? LONG_KILLS
							  : SHORT_KILLS);
	return rc;
}

/* A first life ever; one after a life that was killed; and one with a lane
 * for one of its two threads. */
static int
run_all(struct run *r, enum form form, uint64_t seed)
{
	int rc = run_round(r, form, seed);

	r->before = true;
	if (rc == 0)
		rc = run_round(r, form, seed + 1);
	scenario_lanes = 1;
	r->left.ahead = 1; /* the overflow lane adds the sum, then the bucket */
	return rc < 0 ? rc : run_round(r, form == LONG ? SHORT : STEPS, seed);
}

int
main(int argc, char **argv)
{
	static struct run r = { .live = "/dev/shm/killpoint-live-XXXXXX",
		.copy = "/dev/shm/killpoint-copy-XXXXXX" };
	enum form form = SHORT;
	uint64_t seed = 1;
	int i, rc;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--steps") == 0)
			form = STEPS;
		else if (strcmp(argv[i], "--long") == 0)
			form = LONG;
		else
			seed = strtoull(argv[i], NULL, 10);
	}
	if (!drive_possible()) {
		puts("killpoint: skipped, no process may be traced here");
		return 77;
	}
	if (mkdtemp(r.live) == NULL || mkdtemp(r.copy) == NULL) {
		perror("killpoint: /dev/shm");
		return 1;
	}
	rc = run_all(&r, form, seed);
	printf("killpoint: seed %" PRIu64 ": %" PRIu64 " instructions stepped, "
	    "%" PRIu64 " states judged, %" PRIu64 " next lives, %" PRIu64
	    " real kills, after %" PRIu64 " of %" PRIu64 " stores: %s\n",
	    seed, r.steps, r.left.states, r.left.lives, r.kills, r.hits,
	    r.stores, rc == 0 ? "sound" : "FAILED");
	scenario_empty(r.live);
	scenario_empty(r.copy);
	(void)rmdir(r.live);
	(void)rmdir(r.copy);
	left_forget(&r.left);
	return rc == 0 ? 0 : 1;
}
