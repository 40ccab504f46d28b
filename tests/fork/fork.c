/* SPDX-License-Identifier: Apache-2.0 */
/* A child writes lanes of its own, and keeps nothing of its parent. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static struct smx_counter count;
static struct smx_histogram observed;
static struct smx_gauge level;

static void
attach(uint32_t flags)
{
	struct smx_options o = { .flags = flags };

	REQUIRE(smx_attach("t", &o) == 0);
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	level = smx_gauge("level", "x");
	REQUIRE(count.cell && observed.cell && level.cell);
}

static void
update(void)
{
	smx_inc(count);
	smx_observe(observed, 5);
}

static void
check(struct live *l, uint64_t n, uint32_t alive)
{
	live_look(l, "smx.t");
	ck_assert_uint_eq(live_cell(l, "x_total", NULL), n);
	ck_assert_uint_eq(live_count(l, "x_seconds", NULL), n);
	ck_assert_uint_eq(live_sum(l, "x_seconds", NULL), 5 * n);
	ck_assert_uint_eq(l->snap.n_live, alive);
	ck_assert_uint_eq(l->snap.approximate, 0);
}

static int
update_often(void *arg)
{
	int i;

	REQUIRE(smx_attached() == 0); /* not yet */
	for (i = 0; i < 1000; i++)
		update();
	REQUIRE(smx_attached() == (arg == NULL));
	return 0;
}

START_TEST(updates_of_a_child_count_once)
{
	struct live l = { 0 };
	pid_t pid;
	int i;

	attach(0);
	update();
	pid = live_start(update_often, NULL);
	for (i = 0; i < 1000; i++)
		update();
	ck_assert_int_eq(live_wait(pid), 0);
	check(&l, 2001, 1);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 2); /* the dead child's */
	live_close(&l);
}
END_TEST

/* A child that is alive, seen from its parent. */
static int pipe_to[2], pipe_from[2];

static int
update_on_command(void *arg)
{
	char c;

	(void)arg;
	while (read(pipe_to[0], &c, 1) == 1) {
		if (c == 'u')
			update();
		if (c == 'g')
			smx_set(level, 7);
		if (c == 'd')
			smx_detach();
		REQUIRE(write(pipe_from[1], &c, 1) == 1);
	}
	return 0;
}

static void
command(char c)
{
	REQUIRE(write(pipe_to[1], &c, 1) == 1);
	REQUIRE(read(pipe_from[0], &c, 1) == 1);
}

static pid_t
start_commanded(void)
{
	REQUIRE(pipe(pipe_to) == 0 && pipe(pipe_from) == 0);
	return live_start(update_on_command, NULL);
}

START_TEST(a_child_has_slot_lane_and_gauges_of_its_own)
{
	struct live l = { 0 };
	double v = 0;
	pid_t pid;

	attach(0);
	smx_set(level, 1);
	update();
	pid = start_commanded();
	command('n');
	check(&l, 1, 1); /* nothing, before its first update */
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 1);
	command('u');
	check(&l, 2, 2);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 1);
	command('g');
	check(&l, 2, 2);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 8);
	(void)live_kill(pid, SIGKILL);
	check(&l, 2, 1);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 1);
	live_close(&l);
}
END_TEST

START_TEST(a_child_that_detaches_stays_detached)
{
	struct live l = { 0 };
	pid_t pid;

	attach(0);
	update();
	pid = start_commanded();
	command('d');
	command('u');
	command('g');
	check(&l, 1, 1);
	(void)live_kill(pid, SIGKILL);
	live_close(&l);
}
END_TEST

/* The parent dies at once; the child says so when it sees it. */
static int
orphan(void *arg)
{
	pid_t parent;

	attach(*(uint32_t *)arg);
	smx_set(level, 3);
	update();
	parent = getpid();
	if (fork() > 0)
		pause(); /* killed below */
	close(pipe_to[1]); /* ends when the test does */
	REQUIRE(write(pipe_from[1], &parent, sizeof(parent)) > 0);
	return update_on_command(NULL);
}

/* Both commanded by the test, which is neither's reader of end of file. */
static pid_t
start_orphan(uint32_t *flags)
{
	pid_t pid, said;

	REQUIRE(pipe(pipe_to) == 0 && pipe(pipe_from) == 0);
	pid = live_start(orphan, flags);
	REQUIRE(read(pipe_from[0], &said, sizeof(said)) ==
	    (ssize_t)sizeof(said));
	ck_assert_int_eq(said, pid);
	ck_assert_int_eq(live_kill(pid, SIGKILL), -SIGKILL);
	return pid;
}

static void
end_orphan(void)
{
	close(pipe_to[1]);
}

START_TEST(the_lease_of_a_dead_parent_is_not_kept)
{
	struct live l = { 0 };
	uint32_t flags = 0;
	double v = 0;

	(void)start_orphan(&flags);
	check(&l, 1, 0);
	ck_assert(!live_gauge(&l, "level", NULL, &v));
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_SLOT0, 1000), 0);
	command('u');
	check(&l, 2, 1);
	ck_assert(!live_gauge(&l, "level", NULL, &v));
	end_orphan();
	live_close(&l);
}
END_TEST

START_TEST(a_daemon_keeps_its_gauges_if_asked_to)
{
	struct live l = { 0 };
	uint32_t flags = SMX_FORK_GAUGES;
	double v = 0;

	(void)start_orphan(&flags);
	check(&l, 1, 0);
	command('u'); /* attaches, and brings them */
	check(&l, 2, 1);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 3);
	command('g');
	check(&l, 2, 1);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 7);
	end_orphan();
	live_close(&l);
}
END_TEST

/* As daemon(3) twice over: the middle one never updates. */
static int
become_daemon(void *arg)
{
	pid_t pid;

	attach(*(uint32_t *)arg);
	smx_set(level, 4);
	update();
	if (fork() > 0)
		return 0;
	(void)setsid();
	pid = fork();
	if (pid > 0)
		_exit(0);
	REQUIRE(chdir("/") == 0);
	close(pipe_to[1]); /* ends when the test does */
	return update_on_command(NULL);
}

START_TEST(gauges_come_through_a_double_fork)
{
	struct live l = { 0 };
	uint32_t flags = SMX_FORK_GAUGES;
	double v = 0;

	REQUIRE(pipe(pipe_to) == 0 && pipe(pipe_from) == 0);
	ck_assert_int_eq(live_run(become_daemon, &flags), 0);
	command('u');
	check(&l, 2, 1);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 4);
	end_orphan();
	live_close(&l);
}
END_TEST

static int
chain(void *left)
{
	uint32_t alive;
	struct live l = { 0 };

	update();
	live_look(&l, "smx.t");
	alive = l.snap.n_live;
	live_close(&l);
	REQUIRE(alive == 21 - (uint32_t)(intptr_t)left);
	if (left == NULL)
		return 0;
	update();
	return live_run(chain, (void *)((intptr_t)left - 1));
}

START_TEST(a_chain_of_twenty_forks)
{
	struct live l = { 0 };

	attach(0);
	ck_assert_int_eq(chain((void *)20), 0);
	check(&l, 41, 1);
	live_close(&l);
}
END_TEST

static int stop;

static void *
update_until_stopped(void *arg)
{
	uint64_t *n = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		update();
		++*n;
	}
	return NULL;
}

static void *
register_until_stopped(void *arg)
{
	uint64_t *n = arg;
	char name[32];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		snprintf(name, sizeof(name), "n%u_total",
		    (unsigned)(*n % 4000));
		smx_inc(smx_counter(name, "x"));
		++*n;
	}
	return NULL;
}

/* The child registers as well: no lock may be left behind by a thread that
 * is not in the child. */
static int
register_in_child(void *arg)
{
	char name[32];

	snprintf(name, sizeof(name), "child%d_total", (int)(intptr_t)arg);
	smx_inc(smx_counter(name, "x"));
	update();
	return smx_attached() ? 0 : 1;
}

START_TEST(forks_while_other_threads_update_and_register)
{
	struct live l = { 0 };
	pthread_t t[3];
	uint64_t n[3] = { 0 };
	int i;

	attach(0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL,
		    update_until_stopped, &n[i]), 0);
	ck_assert_int_eq(pthread_create(&t[2], NULL, register_until_stopped,
	    &n[2]), 0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(live_run(register_in_child,
		    (void *)(intptr_t)i), 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
	check(&l, n[0] + n[1] + 100, 1);
	ck_assert_uint_eq(live_cell(&l, "child99_total", NULL), 1);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	live_close(&l);
}
END_TEST

/* Signals to the whole process group, handled in parent and child. */
static uint64_t *handled; /* shared by both */

static void
on_usr1(int signal)
{
	(void)signal;
	smx_inc(count);
	(void)__atomic_fetch_add(handled, 1, __ATOMIC_SEQ_CST);
}

static int
bombard(void *arg)
{
	(void)signal(SIGUSR1, SIG_IGN);
	while (kill(-*(pid_t *)arg, SIGUSR1) == 0)
		;
	return 1;
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

START_TEST(a_handler_in_the_child_never_writes_its_parents_lane)
{
	struct live l = { 0 };
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };
	pid_t group = getpid(), bomber;
	int i;

	/* a group of its own: not the one of the test's runner */
	(void)setpgid(0, 0);
	ck_assert_int_eq(getpgrp(), group);
	handled = mmap(NULL, sizeof(*handled), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	attach(0);
	smx_inc(count);
	(void)sigaction(SIGUSR1, &sa, NULL);
	bomber = live_start(bombard, &group);
	/* on a busy machine the signals come late */
	for (i = 0; i < 150 ||
	    __atomic_load_n(handled, __ATOMIC_SEQ_CST) <= 150; i++)
		ck_assert_int_eq(live_run(do_nothing, NULL), 0);
	(void)live_kill(bomber, SIGKILL);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), *handled + 1);
	live_close(&l);
}
END_TEST

/* This program again, which then sleeps. */
static int
exec_self(void *arg)
{
	const char *how = arg;
	char *argv[] = { "fork", "--sleep", NULL };
	pid_t pid;

	attach(0);
	update();
	smx_set(level, 1);
	if (strcmp(how, "exec") == 0) {
		execve("/proc/self/exe", argv, environ);
		_exit(1);
	}
	if (strcmp(how, "vfork") == 0) {
		pid = vfork();
		if (pid == 0) {
			execve("/proc/self/exe", argv, environ);
			_exit(1);
		}
	} else {
		REQUIRE(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv,
		    environ) == 0);
	}
	update();
	return live_kill(pid, SIGKILL) == -SIGKILL ? 0 : 1;
}

static void
wait_for_lease(bool held)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < 5000; i++) {
		if ((live_locked("smx.t", SMX_LOCK_SLOT0, 100) != 0) == held)
			return;
		nanosleep(&pause, NULL);
	}
	ck_abort_msg("the lease is %s held", held ? "not" : "still");
}

/* It has become exec_self()'s other program. */
static bool
is_asleep(pid_t pid)
{
	char path[64], line[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	n = read(fd, line, sizeof(line));
	close(fd);
	return n > 0 && memmem(line, (size_t)n, "--sleep", 7) != NULL;
}

START_TEST(exec_drops_the_lease)
{
	struct live l = { 0 };
	pid_t pid = live_start(exec_self, "exec");

	while (!is_asleep(pid))
		usleep(1000);
	wait_for_lease(false);
	ck_assert_int_eq(kill(pid, 0), 0); /* alive, as another program */
	(void)live_kill(pid, SIGKILL);
	check(&l, 1, 0);
	live_close(&l);
}
END_TEST

START_TEST(a_spawned_program_keeps_nothing)
{
	static const char *const how[] = { "vfork", "spawn" };
	struct live l = { 0 };

	ck_assert_int_eq(live_run(exec_self, (void *)(uintptr_t)how[_i]), 0);
	check(&l, 2, 0);
	live_close(&l);
}
END_TEST

/* A child that cannot attach: the path names another file by now. */
static int
attach_to_another(void *arg)
{
	struct smx_error err;
	int i;

	(void)arg;
	for (i = 0; i < 3; i++) { /* not on the second try either */
		REQUIRE(smx_attach_error("t", NULL, &err) == -ESTALE);
		update();
		smx_set(level, 1);
	}
	return 0;
}

START_TEST(a_child_never_takes_another_file)
{
	struct live l = { 0 };

	attach(0);
	update();
	live_look(&l, "smx.t");
	ck_assert_int_eq(unlink(live_file("smx.t")), 0);
	ck_assert_int_eq(live_run(attach_to_another, NULL), 0);
	check(&l, 1, 1);
	live_close(&l);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("fork");
	TCase *tc;

	if (argc > 1 && strcmp(argv[1], "--sleep") == 0) {
		pause();
		return 0;
	}
	tc = live_case(s, "fork", 60);
	tcase_add_test(tc, updates_of_a_child_count_once);
	tcase_add_test(tc, a_child_has_slot_lane_and_gauges_of_its_own);
	tcase_add_test(tc, a_child_that_detaches_stays_detached);
	tcase_add_test(tc, the_lease_of_a_dead_parent_is_not_kept);
	tcase_add_test(tc, a_daemon_keeps_its_gauges_if_asked_to);
	tcase_add_test(tc, gauges_come_through_a_double_fork);
	tcase_add_test(tc, a_chain_of_twenty_forks);
	tcase_add_test(tc, forks_while_other_threads_update_and_register);
	tcase_add_test(tc,
	    a_handler_in_the_child_never_writes_its_parents_lane);
	tcase_add_test(tc, exec_drops_the_lease);
	tcase_add_loop_test(tc, a_spawned_program_keeps_nothing, 0, 2);
	tcase_add_test(tc, a_child_never_takes_another_file);
	return live_main(s);
}
