/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of address space, locked memory and a memory cgroup, and more
 * threads than anybody planned: what is refused is refused with an error, and
 * what counts goes on counting. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct smx_counter count;

static bool
skip(const char *what)
{
	printf("skipped: %s: %s\n", what, strerror(errno));
	return false;
}

static void
limit(__rlimit_resource_t what, rlim_t soft)
{
	struct rlimit now;

	REQUIRE(getrlimit(what, &now) == 0);
	now.rlim_cur = soft < now.rlim_max ? soft : now.rlim_max;
	REQUIRE(setrlimit(what, &now) == 0);
}

/* Bytes of address space in use. */
static rlim_t
address_space(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	REQUIRE(f && fscanf(f, "%lu", &pages) == 1);
	fclose(f);
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

START_TEST(a_small_address_space_is_an_error)
{
	struct smx_error err = { 0 };
	struct live l = { 0 };

	ck_assert_uint_eq(smx_counter("x_total", "x").cell, 0);
	limit(RLIMIT_AS, address_space() + 65536);
	ck_assert_int_eq(smx_attach_error("t", NULL, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.msg, "memory"));
	limit(RLIMIT_AS, RLIM_INFINITY);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

static void *
count_in_thread(void *arg)
{
	(void)arg;
	limit(RLIMIT_AS, address_space());
	smx_inc(count);
	limit(RLIMIT_AS, RLIM_INFINITY);
	return NULL;
}

START_TEST(without_address_space_for_a_lane_a_thread_counts_in_the_shared_one)
{
	struct live l = { 0 };
	pthread_t t;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	ck_assert_int_eq(pthread_create(&t, NULL, count_in_thread, NULL), 0);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_uint_eq(l.snap.state.no_lane, 1);
	live_close(&l);
}
END_TEST

/* Whoever may lock what they like is not limited. */
static bool
become_nobody(void)
{
	if (chmod(live_path, 0777) < 0 || chmod(live_file(".."), 0711) < 0 ||
	    setegid(65534) < 0 || seteuid(65534) < 0)
		return geteuid() != 0 || skip("seteuid");
	return true;
}

START_TEST(little_memory_to_lock_is_an_error)
{
	struct live l = { 0 };
	struct smx_error err = { 0 };

	if (!become_nobody())
		return;
	limit(RLIMIT_MEMLOCK, 65536);
	if (mlockall(MCL_FUTURE) < 0) {
		(void)skip("mlockall");
		return;
	}
	ck_assert_int_lt(smx_attach_error("t", NULL, &err), 0);
	ck_assert_int_eq(err.code, -EAGAIN);
	smx_inc(smx_counter("x_total", "x"));
	ck_assert_int_eq(munlockall(), 0);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

/* A memory cgroup of this test's own, of either version. */
static char cgroup[128];

static bool
put(const char *file, const char *value)
{
	char path[192];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
make_cgroup(const char *limit_bytes)
{
	const char *const at[] = { "/sys/fs/cgroup/memory",
		"/sys/fs/cgroup" };
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(cgroup, sizeof(cgroup), "%s/smx-test-%d", at[i],
		    getpid());
		if (mkdir(cgroup, 0700) < 0)
			continue;
		if (put("memory.limit_in_bytes", limit_bytes) ||
		    put("memory.max", limit_bytes))
			return true;
		(void)rmdir(cgroup);
	}
	return skip("a memory cgroup");
}

static int
register_in_cgroup(void *arg)
{
	struct smx_options o = { .cells = 8 << 20, .dir_bytes = 1 << 20 };
	struct smx_desc d = { .name = "h_seconds", .help = "x",
		.exponent = 9, .native = 1, .schema = 8,
		.native_min = 1e-9, .native_max = 1e9 };
	static const char *const names[] = { "v", NULL };
	struct smx_histogram_family f;
	char value[16];
	const char *v = value;
	int i;

	(void)arg;
	REQUIRE(put("cgroup.procs", "0"));
	REQUIRE(smx_attach("t", &o) == 0);
	smx_add(smx_counter("x_total", "x"), 42);
	d.label_names = names;
	REQUIRE(smx_histogram_family(&f, &d, NULL) == 0);
	for (i = 0; i < 900; i++) {
		snprintf(value, sizeof(value), "%d", i);
		if (smx_histogram_with(f, &v).cell == 0)
			return 0;
	}
	return 1;
}

/* What is charged beyond the limit is an error, or the end of the process by
 * the kernel: at a registration, as with any other memory. */
START_TEST(a_memory_cgroup_stops_registrations_and_spoils_nothing)
{
	struct live l = { 0 };
	int rc;

	if (!make_cgroup("33554432"))
		return;
	rc = live_run(register_in_cgroup, NULL);
	(void)rmdir(cgroup);
	ck_assert_msg(rc == 0 || rc == -SIGKILL, "ended with %d", rc);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 42);
	live_close(&l);
}
END_TEST

#define N_THREADS 1000 /* and 64 lanes */

static pthread_barrier_t barrier;

static void *
count_at_once(void *arg)
{
	int i;

	(void)arg;
	(void)pthread_barrier_wait(&barrier);
	for (i = 0; i < 100; i++)
		smx_inc(count);
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

START_TEST(a_thousand_threads_at_once_lose_nothing)
{
	static pthread_t t[N_THREADS];
	struct live l = { 0 };
	pthread_attr_t a;
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, N_THREADS), 0);
	ck_assert_int_eq(pthread_attr_init(&a), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&a, 128 * 1024), 0);
	for (i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], &a, count_at_once,
		    NULL), 0);
	for (i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), N_THREADS * 100);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("limits");
	TCase *tc = live_case(s, "limits", 100);

	if (!LIVE_SANITIZED) { /* they reserve terabytes */
		tcase_add_test(tc, a_small_address_space_is_an_error);
		tcase_add_test(tc,
		    without_address_space_for_a_lane_a_thread_counts_in_the_shared_one);
		tcase_add_test(tc, little_memory_to_lock_is_an_error);
		tcase_add_test(tc,
		    a_memory_cgroup_stops_registrations_and_spoils_nothing);
	}
	tcase_add_test(tc, a_thousand_threads_at_once_lose_nothing);
	return live_main(s);
}
