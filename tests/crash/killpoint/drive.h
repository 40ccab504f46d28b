/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_DRIVE_H
#define KILLPOINT_DRIVE_H
/*
 * drive -- run a writer, with all of its threads, from instruction to
 * instruction or up to one point (ptrace).
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether processes may be traced here at all. */
bool drive_possible(void);

/* A place in a life: so many stops at system calls (one where it is entered,
 * one where it returns), then so many instructions. */
struct point {
	uint32_t calls, steps;
};

#define DRIVE_THREADS	8
#define DRIVE_ELSEWHERE UINT32_MAX

struct drive {
	int (*life)(const char *dir);
	const char *dir;
	uint32_t step_from; /* system calls before: at full speed */
	/* after each instruction, if not NULL; but 0 ends the drive */
	int (*each)(void *arg, const struct drive *);
	/* when the life raises SCENARIO_SIBLING; it stands still meanwhile */
	int (*sibling)(void *arg);
	void *arg;

	pid_t pid;
	struct point at;
	uint64_t stops;
	uint32_t text; /* the next instruction, from the program's first one;
			* or DRIVE_ELSEWHERE, as in libc */
	bool ended;
	int status; /* of wait, once it has ended */
	pid_t in_call[DRIVE_THREADS];
};

/*
 * drive_run -- start the life and run it up to *until, or to its end if that
 * is NULL.  Return 0, or what each() or sibling() returned.
 */
int drive_run(struct drive *, const struct point *until);

/* SIGKILL, wherever it is. */
void drive_kill(struct drive *);

#endif
