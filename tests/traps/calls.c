/* SPDX-License-Identifier: Apache-2.0 */
/* The hot path: no system call, no memory, and locked pages if wanted. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPDATES 10000000

static struct smx_counter count;
static struct smx_gauge level;
static struct smx_histogram observed;
static struct smx_counter_family family;

static void
prepare(void)
{
	static const char *const names[] = { "v", NULL };
	struct smx_desc d = { .name = "v_total", .help = "x",
		.label_names = names };
	const char *value = "known";

	REQUIRE(smx_attach("t", NULL) == 0);
	count = smx_counter("x_total", "x");
	level = smx_gauge("level", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	REQUIRE(smx_counter_family(&family, &d, NULL) == 0);
	smx_inc(count);
	smx_inc(smx_counter_with(family, &value));
}

static void
update(uint64_t i)
{
	const char *value = "known";

	smx_inc(count);
	smx_set(level, (double)i);
	smx_observe(observed, i * 977);
	if (i % 16 == 0)
		smx_inc(smx_counter_with(family, &value));
}

#define ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* From here on any system call but exit_group is death. */
static void
forbid_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]),
		filter };

	REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	REQUIRE(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ==
	    0);
}

static int
update_without_calls(void *arg)
{
	uint64_t i;

	prepare();
	if (arg) /* a call that must be seen */
		smx_detach();
	forbid_calls();
	for (i = 1; i < UPDATES; i++)
		update(i);
	if (arg)
		(void)smx_attach("t", NULL);
	syscall(SYS_exit_group, 0);
	return 0;
}

START_TEST(ten_million_updates_make_no_system_call)
{
	struct live l = { 0 };

	ck_assert_int_eq(live_run(update_without_calls, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), UPDATES);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), UPDATES - 1);
	live_close(&l);
}
END_TEST

START_TEST(the_filter_catches_a_system_call)
{
	ck_assert_int_eq(live_run(update_without_calls, &count), -SIGSYS);
}
END_TEST

/* Resident pages and faults of this process. */
static long
resident(void)
{
	long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	REQUIRE(f && fscanf(f, "%ld %ld", &size, &pages) == 2);
	fclose(f);
	return pages;
}

static long
faults(void)
{
	struct rusage u;

	REQUIRE(getrusage(RUSAGE_SELF, &u) == 0);
	return u.ru_minflt + u.ru_majflt;
}

START_TEST(ten_million_updates_take_no_memory)
{
	long pages, faulted;
	uint64_t i;

	prepare();
	for (i = 0; i < 100000; i++)
		update(i);
	(void)resident();
	pages = resident();
	faulted = faults();
	for (i = 0; i < UPDATES; i++)
		update(i);
	ck_assert_int_le(faults() - faulted, 4);
	ck_assert_int_le(resident() - pages, 4);
}
END_TEST

/* A thread that got its lane beforehand, and a handle that it never used. */
static pthread_barrier_t barrier;

static void *
first_use_without_calls(void *arg)
{
	(void)arg;
	REQUIRE(smx_thread_attach() == 0);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier);
	forbid_calls();
	update(1);
	syscall(SYS_exit_group, 0);
	return NULL;
}

static int
register_for_another_thread(void *arg)
{
	char name[32];
	pthread_t t;
	int i;

	(void)arg;
	REQUIRE(smx_attach("t", NULL) == 0);
	REQUIRE(pthread_barrier_init(&barrier, NULL, 2) == 0);
	REQUIRE(pthread_create(&t, NULL, first_use_without_calls, NULL) == 0);
	(void)pthread_barrier_wait(&barrier);
	for (i = 0; i < 3000; i++) { /* several chunks of the lane */
		snprintf(name, sizeof(name), "n%d_total", i);
		REQUIRE(smx_counter(name, "x").cell != 0);
	}
	prepare();
	(void)pthread_barrier_wait(&barrier);
	pause();
	return 1;
}

START_TEST(handles_are_ready_in_all_lanes)
{
	struct live l = { 0 };

	ck_assert_int_eq(live_run(register_for_another_thread, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	live_close(&l);
}
END_TEST

/* Blocks that the file has, in bytes. */
static int64_t
blocks(void)
{
	struct stat st;

	ck_assert_int_eq(stat(live_file("smx.t"), &st), 0);
	return (int64_t)st.st_blocks * 512;
}

static void *
update_once(void *arg)
{
	(void)arg;
	update(1);
	return NULL;
}

static bool
lock_all(int flags)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	/* under a limit the stack of a thread may be too much already */
	if (setrlimit(RLIMIT_MEMLOCK, &all) == 0 && mlockall(flags) == 0)
		return true;
	printf("skipped: mlockall: %s\n", strerror(errno));
	return false;
}

static void
register_and_thread(void)
{
	char name[32];
	pthread_t t;
	int i;

	for (i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "n%d_total", i);
		REQUIRE(smx_counter(name, "x").cell != 0);
	}
	REQUIRE(pthread_create(&t, NULL, update_once, NULL) == 0);
	REQUIRE(pthread_join(t, NULL) == 0);
	update(2);
}

START_TEST(locking_all_memory_does_not_fill_the_segment)
{
	struct live l = { 0 };

	/* _i: before attach, or after */
	if (_i == 0 && !lock_all(MCL_CURRENT | MCL_FUTURE))
		return;
	prepare();
	if (_i == 1 && !lock_all(MCL_CURRENT | MCL_FUTURE))
		return;
	register_and_thread();
	ck_assert_int_lt(blocks(), 512 * 1024); /* of some 14 MiB */
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 3);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	live_close(&l);
}
END_TEST

START_TEST(a_segment_commits_little)
{
	prepare();
	register_and_thread();
	ck_assert_int_lt(blocks(), 512 * 1024);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("calls");
	TCase *tc = live_case(s, "calls", 100);

	if (!LIVE_SANITIZED) { /* they make calls of their own */
		tcase_add_test(tc, ten_million_updates_make_no_system_call);
		tcase_add_test(tc, the_filter_catches_a_system_call);
		tcase_add_test(tc, ten_million_updates_take_no_memory);
		tcase_add_test(tc, handles_are_ready_in_all_lanes);
		tcase_add_loop_test(tc,
		    locking_all_memory_does_not_fill_the_segment, 0, 2);
	}
	tcase_add_test(tc, a_segment_commits_little);
	return live_main(s);
}
