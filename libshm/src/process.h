/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_PROCESS_H
#define SMX_SRC_PROCESS_H
/*
 * process -- what one process knows of the segment it writes.  One object;
 * everything in it is guarded by `lock`, save where a line says otherwise.
 *
 * P1  A handle exists only after its cells are committed in the overflow
 *     lane and in all lanes of this process (or in its gauge area), and a
 *     lane is given to a thread only after `need` bytes of it are committed.
 *     Both happen under `lock`, so the hot path needs no limit check.
 * P2  An address that a lane word or the gauge base ever named stays mapped:
 *     by the segment, or after fork and detach by private pages.
 * P3  The header mapping pins the file description that holds the lease; it
 *     is the last to go.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "area.h"
#include "keys.h"
#include "smx/layout.h"
#include "smx/writer.h"

enum smx__state {
	SMX__NEVER,    /* not attached yet */
	SMX__ATTACHED,
	SMX__FORKED,   /* a child of an attached process: attach on first use */
	SMX__DETACHED, /* on purpose, or the child could not attach */
};

/* A lane of this process; owned by one thread, or on its way back. */
struct smx__lane_ref {
	struct smx__area area;
	uint32_t number;
	struct smx__lane_ref *next;
};

#define SMX__NO_SLOT UINT32_MAX

/* Lane words with SMX__SLOW: the overflow base, or none, and this bit once
 * the thread's destructor has run. */
#define SMX__ENDED ((uintptr_t)3)
#define SMX__BASE(word) ((word) & ~SMX__ENDED)

struct smx__process {
	pthread_mutex_t lock;
	enum smx__state state; /* atomic: the slow path looks before locking */

	struct smx_options options; /* pointers replaced by the arrays below */
	char dir[4096];
	char file[160];
	dev_t dev;
	ino_t ino;

	struct smx_header *header; /* header, slots, lane table: one mapping */
	size_t head_size;
	struct smx_slot *slots;
	struct smx_lane *lanes;
	struct smx_header geometry; /* the immutable fields, validated */

	uint32_t slot; /* SMX__NO_SLOT: in the crowd */
	uint32_t generation;
	uint64_t need;	      /* P1: lane bytes behind any handle */
	uint64_t gauges_need; /* likewise of the gauge area */
	struct smx__area overflow;
	struct smx__area gauges;
	struct smx__area exemplars; /* reserved when first needed */
	uint64_t exemplars_need;    /* P1: bytes behind any handle */
	struct smx__lane_ref *own;
	uint64_t swept_ns; /* when dead owners were last looked for */
	uint32_t lane_hint; /* no lower one was free when last looked */

	struct smx__keys keys;
};

extern struct smx__process smx__process;

/* The base of the overflow lane, 0 if none; readable without the lock. */
extern uintptr_t smx__overflow;

/* This thread is inside the library: a signal handler that interrupts it
 * must not wait for the lock. */
extern __thread int smx__inside;

void smx__enter(struct smx__process *);
int smx__try_enter(struct smx__process *);
void smx__leave(struct smx__process *);
void smx__leave_child(struct smx__process *); /* of a fork, entered before */

/* attach.c: take up the segment again, in a forked child or after detach;
 * under the lock.  -ESTALE if it is another file by now. */
int smx__attach_child(struct smx__process *, struct smx_error *);

/* slot.c */
int smx__slot_take(struct smx__process *, int fd, struct smx_error *);

/* lane.c; all under the lock */
int smx__lane_claim(struct smx__process *);
void smx__lane_return(struct smx__process *, struct smx__lane_ref *);
/* The slot is ours, its generation odd; that is who owns them meanwhile. */
int smx__lane_sweep_slot(struct smx__process *, int fd, uint32_t generation);
int smx__lanes_commit(struct smx__process *, int fd, uint64_t need,
    struct smx_error *);
int smx__thread_key_create(void);
bool smx__thread_has_lane(const struct smx__process *);
void smx__thread_forget(void);

/* open.c: the file again, if the path still names it; -ESTALE if not. */
int smx__reopen(const struct smx__process *, struct smx_error *);

#endif
