/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/race/chaos_work.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/segment_live.h"

struct ledger *ledger;

uint64_t
chaos_note(uint64_t *p, uint64_t n)
{
	return __atomic_fetch_add(p, n, __ATOMIC_SEQ_CST);
}

/* Of all, often one of two, so that many meet there; or of this line. */
static unsigned
some_key(const struct work *w, uint64_t r)
{
	if (r % 4 != 0)
		return (unsigned)(r / 4) % (r % 4 == 1 ? COMMON : 2);
	return COMMON + w->line * OWN + (unsigned)(r / 4) % OWN;
}

/* Many small steps: two threads in one lane would lose some. */
void
chaos_count(unsigned k, uint64_t v)
{
	struct smx_counter c;
	char name[32];
	uint64_t i;

	snprintf(name, sizeof(name), "c%u_total", k);
	c = smx_counter(name, "x");
	(void)chaos_note(&ledger->begun.count[k], v);
	for (i = 0; i < v; i++)
		smx_inc(c);
	(void)chaos_note(&ledger->done.count[k], v);
}

void
chaos_observe(unsigned k, uint64_t v)
{
	static const double bounds[] = { 0.0001, 0.0005 };
	char name[32];
	struct smx_desc d = { .name = name,
		.help = "x",
		.unit = "seconds",
		.exponent = 9,
		.bounds = bounds,
		.n_bounds = 2 };
	struct smx_histogram h;

	snprintf(name, sizeof(name), "h%u_seconds", k);
	REQUIRE(smx_histogram_register(&h, &d, NULL) == 0);
	(void)chaos_note(&ledger->begun.n[k], 1);
	(void)chaos_note(&ledger->begun.sum[k], v);
	smx_observe(h, v);
	(void)chaos_note(&ledger->done.sum[k], v);
	(void)chaos_note(&ledger->done.n[k], 1);
}

void
chaos_count_labelled(unsigned k)
{
	static const char *const names[] = { "k", NULL };
	struct smx_desc d = {
		.name = "f_total", .help = "x", .label_names = names
	};
	struct smx_counter_family f;
	char value[16];
	const char *values[] = { value };

	REQUIRE(smx_counter_family(&f, &d, NULL) == 0);
	snprintf(value, sizeof(value), "v%u", k);
	(void)chaos_note(&ledger->begun.labelled[k], 1);
	smx_inc(smx_counter_with(f, values));
	(void)chaos_note(&ledger->done.labelled[k], 1);
}

static pid_t fork_once(const struct work *, uint64_t seed);

void
chaos_wait_for(pid_t pid)
{
	int status;

	if (pid == 0)
		return;
	REQUIRE(waitpid(pid, &status, 0) == pid);
	REQUIRE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
				    : WEXITSTATUS(status) == 0);
}

/* A child lives while its parent goes on. */
void *
chaos_work(void *arg)
{
	struct work *w = arg;
	pid_t child = 0;
	unsigned i;

	for (i = 0; i < w->steps; i++) {
		uint64_t r = live_random(&w->seed);
		unsigned k = some_key(w, r >> 16);

		if (r % 64 == 0 && w->may_fork) {
			chaos_wait_for(child);
			child = fork_once(w, r);
		} else if (r % 4 == 0) {
			chaos_count(k, r >> 52);
		} else if (r % 4 == 1) {
			chaos_observe(k, r >> 44);
		} else if (r % 4 == 2) {
			chaos_count_labelled(k);
		} else {
			smx_gauge_add(smx_gauge("g", "x"), 1);
		}
	}
	chaos_wait_for(child);
	return NULL;
}

/* Between updates, in one of the ways there are. */
void
chaos_die(uint64_t r)
{
	(void)chaos_note(&ledger->ends, 1);
	if (r % 4 == 0)
		(void)kill(getpid(), SIGKILL);
	if (r % 4 == 1)
		smx_detach();
	_exit(0);
}

/* A child with this thread only, which never has children of its own. */
static pid_t
fork_once(const struct work *parent, uint64_t seed)
{
	struct work w = { parent->line, (unsigned)(seed >> 8) % 40, seed,
		false };
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		(void)chaos_work(&w);
		chaos_die(seed >> 32);
	}
	(void)chaos_note(&ledger->forks, 1);
	return pid;
}
