/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "smx/view.h"

struct guard {
	sigjmp_buf out;
	uintptr_t first, end;
	sigset_t mask; /* as it was when the signal came */
};

/* Initial-exec: the handler may not allocate, as other models would on a
 * thread's first look. */
static __thread struct guard *active
    __attribute__((tls_model("initial-exec")));
static __thread int ready __attribute__((tls_model("initial-exec")));

static struct sigaction before;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int install_error;

/* A fault that is not ours goes where it would have gone without us. */
static void
pass_on(int sig, siginfo_t *info, void *context)
{
	if ((before.sa_flags & SA_SIGINFO) != 0) {
		before.sa_sigaction(sig, info, context);
		return;
	}
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
		return;
	}
	/* sent by somebody, and ignored so far */
	if (before.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	signal(sig, SIG_DFL);
	if (info->si_code <= 0)
		raise(sig);
	/* else the instruction faults again, now for good */
}

static void
on_sigbus(int sig, siginfo_t *info, void *context)
{
	struct guard *g = active;
	uintptr_t at = (uintptr_t)info->si_addr;

	if (g == NULL || info->si_code <= 0 || at < g->first || at >= g->end) {
		pass_on(sig, info, context);
		return;
	}
	g->mask = ((const ucontext_t *)context)->uc_sigmask;
	siglongjmp(g->out, 1);
}

static void
install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigbus;
	action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &before) < 0)
		install_error = -errno;
}

int
smx_view_thread_init(void)
{
	sigset_t set;
	int err = -pthread_once(&once, install);

	if (err == 0)
		err = install_error;
	if (err < 0)
		return err;
	/* a blocked fault kills: thread pools block what they can */
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	err = -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	ready = err == 0;
	return err;
}

int
smx__guard_run(const void *base, size_t size, int (*fn)(void *), void *arg)
{
	struct guard g;
	int err = ready ? 0 : smx_view_thread_init();

	if (err < 0)
		return err;
	g.first = (uintptr_t)base;
	g.end = g.first + size;
	/* without saving the mask, which would be a system call on every read
	 * instead of one after a fault */
	if (sigsetjmp(g.out, 0) != 0) {
		active = NULL;
		pthread_sigmask(SIG_SETMASK, &g.mask, NULL);
		return -EFAULT;
	}
	active = &g;
	/* the handler runs in this thread: keeps the compiler in order */
	atomic_signal_fence(memory_order_seq_cst);
	err = fn(arg);
	atomic_signal_fence(memory_order_seq_cst);
	active = NULL;
	return err;
}
