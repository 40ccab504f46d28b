/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killpoint -- what a SIGKILL at any instruction of a writer leaves behind.
 *
 * Steps a writer through its life one instruction at a time (ptrace), all of
 * its threads, libc included.  Whenever the bytes of the segment have changed
 * they are copied: a kill there would leave just this.  The copy must be
 * sound to a reader, and a next life that attaches to it must go on exactly.
 * Then it kills for real: at every system call, and at seeded instructions.
 *
 *   killpoint [seed [real-kills]]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "judge.h"
#include "scenario.h"

struct run {
	char live[64];	/* directory of the writer that is stepped */
	char copy[64];	/* directory of the copies that are judged */
	bool before;	/* with a dead earlier life */
	uint64_t steps, states, recoveries, kills;
	struct image last;
	struct verdict verdict;
};

static int
fail(const struct run *r, const char *what, const char *why)
{
	fprintf(stderr, "killpoint: step %" PRIu64 ": %s: %s\n", r->steps,
	    what, why);
	return -1;
}

static void
path_in(char *out, size_t size, const char *dir)
{
	(void)snprintf(out, size, "%s/%s", dir, SCENARIO_FILE);
}

/* Run f(dir) in a child.  Its exit status, or 128 + signal. */
static int
in_child(int (*f)(const char *), const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(f(dir) == 0 ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 128 + WTERMSIG(status);
}

static int
before(const char *dir)
{
	scenario_before(dir);
	return 0;
}

static void
empty(const char *dir)
{
	char path[128];

	path_in(path, sizeof(path), dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/.old.%s", dir, SCENARIO_FILE);
	(void)unlink(path);
}

/* The next life on `dir`: it must be able to attach, and to add exactly. */
static int
check_recovery(struct run *r, const char *dir, const struct verdict *left)
{
	struct verdict after;
	int status = in_child(scenario_recover, dir);

	if (status != 0)
		return fail(r, "the next life failed",
		    status > 128 ? strsignal(status - 128) : "cannot attach");
	if (judge_file(dir, left->n ? left : NULL, &after) != 0)
		return fail(r, "after the next life", after.why);
	if (after.orders != left->orders + SCENARIO_AGAIN ||
	    after.latency_count != left->latency_count + SCENARIO_AGAIN)
		return fail(r, "the next life", "its updates are not exact");
	if (after.approximate != 0)
		return fail(r, "the next life", "begin != end was not mended");
	r->recoveries++;
	return 0;
}

/* The segment has changed: this is what a kill would leave. */
static int
judge_state(struct run *r)
{
	char path[128];
	struct verdict v;
	int rc;

	path_in(path, sizeof(path), r->copy);
	if (image_write(&r->last, path) < 0)
		return fail(r, "copy", strerror(errno));
	rc = judge_file(r->copy, r->verdict.n ? &r->verdict : NULL, &v);
	if (rc < 0)
		return fail(r, "a kill here would leave", v.why);
	r->states++;
	if (rc == 0)
		r->verdict = v;
	rc = check_recovery(r, r->copy, &v);
	empty(r->copy);
	return rc;
}

/* The file that is watched, mapped in whole: only its data is looked at. */
struct watch {
	int fd;
	const unsigned char *map;
	size_t size;
};

static int
watch_open(struct run *r, struct watch *w)
{
	char path[128];
	struct stat st;
	void *map;

	path_in(path, sizeof(path), r->live);
	w->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (w->fd < 0)
		return 0;
	if (fstat(w->fd, &st) < 0 || st.st_size == 0) {
		(void)close(w->fd);
		w->fd = -1;
		return 0;
	}
	w->size = (size_t)st.st_size;
	map = mmap(NULL, w->size, PROT_READ, MAP_SHARED, w->fd, 0);
	if (map == MAP_FAILED)
		return fail(r, "map", strerror(errno));
	w->map = map;
	return 0;
}

static void
watch_close(struct watch *w)
{
	if (w->fd < 0)
		return;
	(void)munmap((void *)(uintptr_t)w->map, w->size);
	(void)close(w->fd);
}

static int
look(struct run *r, struct watch *w)
{
	int rc = w->fd < 0 ? watch_open(r, w) : 0;

	if (rc < 0 || w->fd < 0 || image_is(&r->last, w->fd, w->map))
		return rc;
	rc = image_take(&r->last, w->fd);
	return rc < 0 ? fail(r, "read", strerror(-rc)) : judge_state(r);
}

static pid_t
start_traced(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		_exit(scenario_run(dir) == 0 ? 0 : 1);
	}
	if (pid > 0 && waitpid(pid, NULL, 0) == pid)
		(void)ptrace(PTRACE_SETOPTIONS, pid, NULL,
		    PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
			PTRACE_O_TRACESYSGOOD);
	return pid;
}

static void
reset(struct run *r)
{
	empty(r->live);
	if (r->before)
		(void)in_child(before, r->live);
	memset(&r->verdict, 0, sizeof(r->verdict));
	image_free(&r->last);
}

static bool
is_stop_of_ours(int status)
{
	int sig = WSTOPSIG(status);

	return sig == SIGTRAP || sig == SIGSTOP || sig == (SIGTRAP | 0x80);
}

/*
 * Step every thread until the first process ends, or for `limit` stops.
 * each() is called after every stop; a negative return ends it all.
 */
static int
drive(struct run *r, pid_t pid, int request, uint64_t limit,
    int (*each)(struct run *, struct watch *), int *exit_status)
{
	struct watch w = { .fd = -1 };
	int rc = 0, status;
	pid_t tid;

	*exit_status = -1;
	(void)ptrace((enum __ptrace_request)request, pid, NULL, NULL);
	while (rc == 0 && (tid = waitpid(-1, &status, __WALL)) > 0) {
		long sig;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid != pid)
				continue;
			*exit_status = status;
			break;
		}
		r->steps++;
		if (each)
			rc = each(r, &w);
		if (rc < 0 || --limit == 0)
			break;
		sig = is_stop_of_ours(status) ? 0 : WSTOPSIG(status);
		(void)ptrace((enum __ptrace_request)request, tid, NULL, sig);
	}
	watch_close(&w);
	return rc;
}

static void
end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

/* Every instruction; returns how many there were, or -1. */
static int64_t
step_all(struct run *r)
{
	uint64_t from = r->steps;
	int status, rc;
	pid_t pid;

	reset(r);
	pid = start_traced(r->live);
	rc = drive(r, pid, PTRACE_SINGLESTEP, UINT64_MAX, look, &status);
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		rc = fail(r, "the life that is stepped", "failed");
	end(pid);
	return rc < 0 ? -1 : (int64_t)(r->steps - from);
}

/* Kill for real after n stops.  1 if the life had ended before. */
static int
kill_at(struct run *r, int request, uint64_t n)
{
	uint64_t steps = r->steps;
	struct verdict left;
	int status, rc;
	pid_t pid;

	reset(r);
	pid = start_traced(r->live);
	(void)drive(r, pid, request, n, NULL, &status);
	end(pid);
	r->steps = n; /* for messages */
	rc = status != -1; /* it had ended before */
	if (rc == 0 && judge_file(r->live, NULL, &left) < 0)
		rc = fail(r, "a real kill left", left.why);
	else if (rc == 0) {
		rc = check_recovery(r, r->live, &left);
		r->kills++;
	}
	r->steps = steps;
	return rc;
}

static int
kill_at_system_calls(struct run *r)
{
	uint64_t n;
	int rc = 0;

	for (n = 1; rc == 0; n++)
		rc = kill_at(r, PTRACE_SYSCALL, n);
	return rc < 0 ? -1 : 0;
}

static int
kill_at_random(struct run *r, uint64_t seed, uint64_t kills, int64_t steps)
{
	uint64_t x = seed * UINT64_C(6364136223846793005) + 1;
	int rc = 0;

	for (; kills > 0 && rc >= 0; kills--) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		rc = kill_at(r, PTRACE_SINGLESTEP,
		    1 + (x >> 33) % (uint64_t)steps);
	}
	return rc < 0 ? -1 : 0;
}

static int
run_all(struct run *r, uint64_t seed, uint64_t kills)
{
	int64_t steps = 0;
	int round;

	for (round = 0; round < 2; round++) {
		r->before = round > 0;
		steps = step_all(r);
		if (steps < 0 || kill_at_system_calls(r) < 0 ||
		    kill_at_random(r, seed + (uint64_t)round, kills, steps) < 0)
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t kills = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
	struct run r = { .live = "/dev/shm/killpoint-live-XXXXXX",
		.copy = "/dev/shm/killpoint-copy-XXXXXX" };
	int rc;

	if (mkdtemp(r.live) == NULL || mkdtemp(r.copy) == NULL) {
		perror("killpoint: /dev/shm");
		return 1;
	}
	rc = run_all(&r, seed, kills);
	printf("killpoint: seed %" PRIu64 ": %" PRIu64 " instructions stepped, "
	    "%" PRIu64 " states judged, %" PRIu64 " next lives, %" PRIu64
	    " real kills: %s\n", seed, r.steps, r.states, r.recoveries, r.kills,
	    rc == 0 ? "sound" : "FAILED");
	empty(r.live);
	empty(r.copy);
	(void)rmdir(r.live);
	(void)rmdir(r.copy);
	image_free(&r.last);
	return rc == 0 ? 0 : 1;
}
