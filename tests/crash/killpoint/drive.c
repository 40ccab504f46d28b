/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"

#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

#define CALL_STOP (SIGTRAP | 0x80)

static void
start(struct drive *d)
{
	d->pid = fork();
	if (d->pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		_exit(d->life(d->dir) == 0 ? 0 : 1);
	}
	if (d->pid > 0 && waitpid(d->pid, NULL, 0) == d->pid)
		(void)ptrace(PTRACE_SETOPTIONS, d->pid, NULL,
		    PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
			PTRACE_O_TRACESYSGOOD);
}

bool
drive_possible(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

#if defined(__x86_64__)
/* The address of the thread's next instruction. */
static uintptr_t
next_of(pid_t tid)
{
	return (uintptr_t)ptrace(PTRACE_PEEKUSER, tid,
	    (void *)offsetof(struct user_regs_struct, rip), NULL);
}
#endif

/* The life is a child of ours, so its addresses are those here. */
static uint32_t
text_of(pid_t tid)
{
#if defined(__x86_64__)
	extern const char __executable_start, etext;
	uintptr_t first = (uintptr_t)&__executable_start, at = next_of(tid);

	return at >= first && at < (uintptr_t)&etext ? (uint32_t)(at - first)
						     : DRIVE_ELSEWHERE;
#else
	(void)tid;
	return 0; /* who knows */
#endif
}

/* Is the thread's next instruction a system call?  Where we cannot tell,
 * points are counted in instructions alone: slower to go to. */
static bool
calls_next(pid_t tid)
{
#if defined(__x86_64__)
	return (ptrace(PTRACE_PEEKTEXT, tid, (void *)next_of(tid), NULL) &
	    0xffff) == 0x050f;
#else
	(void)tid;
	return false;
#endif
}

static pid_t *
find(struct drive *d, pid_t tid)
{
	unsigned i;

	for (i = 0; i < DRIVE_THREADS; i++)
		if (d->in_call[i] == tid)
			return &d->in_call[i];
	return NULL;
}

static void
count_call(struct drive *d)
{
	d->at.calls++;
	d->at.steps = 0;
}

static void
resume(struct drive *d, pid_t tid, bool stepping, int status)
{
	int sig = WSTOPSIG(status);
	pid_t *mark;

	if (sig == SIGTRAP || sig == SIGSTOP || sig == CALL_STOP ||
	    sig == SCENARIO_SIBLING)
		sig = 0;
	if (stepping && calls_next(tid)) {
		mark = find(d, 0);
		if (mark)
			*mark = tid;
		count_call(d);
	}
	(void)ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, tid, NULL,
	    (long)sig);
}

/* Where are we? */
static void
note(struct drive *d, pid_t tid, bool stepping, int status)
{
	pid_t *mark = find(d, tid);

	d->stops++;
	if (mark) {
		*mark = 0;
		count_call(d);
	} else if (WSTOPSIG(status) == CALL_STOP) {
		count_call(d);
	} else if (stepping) {
		d->at.steps++;
	}
}

static bool
reached(const struct drive *d, const struct point *p)
{
	return p && (d->at.calls > p->calls ||
			(d->at.calls == p->calls && d->at.steps >= p->steps));
}

static int
stopped(struct drive *d, pid_t tid, bool stepping, int status)
{
	int rc = 0;

	note(d, tid, stepping, status);
	d->text = d->each ? text_of(tid) : DRIVE_ELSEWHERE;
	if (WSTOPSIG(status) == SCENARIO_SIBLING)
		rc = d->sibling(d->arg);
	if (rc == 0 && d->each)
		rc = d->each(d->arg, d);
	return rc;
}

int
drive_run(struct drive *d, const struct point *until)
{
	uint32_t from = until ? until->calls : d->step_from;
	bool stepping = from == 0;
	int status = 0, rc;
	pid_t tid;

	start(d);
	resume(d, d->pid, stepping, status);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid != d->pid)
				continue;
			d->ended = true;
			d->status = status;
			break;
		}
		rc = stopped(d, tid, stepping, status);
		if (rc != 0 || reached(d, until))
			return rc;
		stepping = d->at.calls >= from;
		resume(d, tid, stepping, status);
	}
	return 0;
}

void
drive_kill(struct drive *d)
{
	(void)kill(d->pid, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}
