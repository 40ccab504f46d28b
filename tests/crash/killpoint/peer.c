/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"
#include "smx/writer.h"

static pthread_barrier_t barrier;
static struct smx_counter orders;

static void *
hold(void *arg)
{
	smx_inc(orders);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier);
	return arg;
}

static bool
obey(char deed, pthread_t *holder)
{
	int rc = 0;

	if (deed == PEER_HOLD)
		rc = pthread_create(holder, NULL, hold, NULL);
	if (rc == 0)
		(void)pthread_barrier_wait(&barrier);
	if (deed == PEER_RELEASE)
		rc = pthread_join(*holder, NULL);
	return rc == 0;
}

static int
serve(const char *dir, int from, int to)
{
	struct smx_options o = { .dir = dir, .lanes = scenario_lanes,
		.slots = 4 };
	pthread_t holder;
	char deed = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_barrier_init(&barrier, NULL, 2) != 0 ||
	    smx_attach(SCENARIO_SERVICE, &o) < 0)
		return 1;
	orders = smx_counter("orders_total", "Orders.");
	while (write(to, &deed, 1) == 1 && read(from, &deed, 1) == 1)
		if (!obey(deed, &holder))
			return 1;
	return 0;
}

static int
answer(const struct peer *p)
{
	char c;

	return read(p->from, &c, 1) == 1 ? 0 : -1;
}

int
peer_start(struct peer *p, const char *dir)
{
	int down[2], up[2];

	if (pipe(down) < 0 || pipe(up) < 0)
		return -1;
	p->pid = fork();
	if (p->pid == 0) {
		(void)close(down[1]);
		(void)close(up[0]);
		_exit(serve(dir, down[0], up[1]));
	}
	(void)close(down[0]);
	(void)close(up[1]);
	p->to = down[1];
	p->from = up[0];
	return p->pid > 0 ? answer(p) : -1;
}

int
peer_do(struct peer *p, enum peer_deed deed)
{
	char c = (char)deed;

	return write(p->to, &c, 1) == 1 ? answer(p) : -1;
}

void
peer_kill(struct peer *p)
{
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	(void)close(p->to);
	(void)close(p->from);
}
