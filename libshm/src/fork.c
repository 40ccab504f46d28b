/* SPDX-License-Identifier: Apache-2.0 */
#include "fork.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "exemplar_put.h"

static struct smx__lane_ref *buried;

/* The forking thread was inside the library already: it was interrupted by a
 * signal handler that forks.  Its lock is its own affair then. */
static __thread bool nested;

/* No handler may update in the child before its lanes are its own. */
static __thread sigset_t mask;

static void
before_fork(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &mask);
	nested = smx__inside > 0;
	if (!nested)
		smx__enter(&smx__process);
}

static void
in_parent(void)
{
	if (!nested)
		smx__leave(&smx__process);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

void
smx__fork_bury_lane(struct smx__lane_ref *ref)
{
	ref->next = buried;
	buried = ref;
}

void
smx__fork_bury(struct smx__process *p)
{
	memset(&p->overflow, 0, sizeof(p->overflow));
	memset(&p->gauges, 0, sizeof(p->gauges));
	memset(&p->exemplars, 0, sizeof(p->exemplars));
}

void
smx__let_go(struct smx__process *p, bool copy_gauges)
{
	uintptr_t gauges = __atomic_load_n(&smx__gauges, __ATOMIC_RELAXED);

	smx__lane = SMX__SLOW;
	__atomic_store_n(&smx__overflow, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&smx__gauges, gauges | SMX__SLOW, __ATOMIC_RELAXED);
	if (copy_gauges)
		(void)smx__area_copy(&p->gauges);
	else
		(void)smx__area_sink(&p->gauges);
	(void)smx__area_sink(&p->overflow);
	smx__exemplars_let_go(p);
	(void)mmap(p->header, p->head_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void
abandon(struct smx__process *p)
{
	while (p->own) {
		struct smx__lane_ref *ref = p->own;

		(void)smx__area_sink(&ref->area);
		p->own = ref->next;
		smx__fork_bury_lane(ref);
	}
	smx__thread_forget();
	smx__let_go(p, (p->options.flags & SMX_FORK_GAUGES) != 0);
	__atomic_store_n(&p->state, SMX__FORKED, __ATOMIC_RELEASE);
}

static void
in_child(void)
{
	struct smx__process *p = &smx__process;

	if (p->state == SMX__ATTACHED)
		abandon(p);
	if (!nested)
		smx__leave_child(p);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

int
smx__fork_register(void)
{
	return -pthread_atfork(before_fork, in_parent, in_child);
}
