/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/segment_live.h"

#define SERVICE "pm"
#define FILE_NAME "smx.pm"
#define CPU	"process_cpu_seconds_total"
#define SWITCHES "process_context_switches_total"
#define FAULTS	"process_page_faults_total"

/* What a child leaves for its judge: CPU time around its call. */
static struct {
	uint64_t before_ns, after_ns;
} *seen;

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
burn(uint64_t ns)
{
	uint64_t end = cpu_ns() + ns;

	while (cpu_ns() < end)
		;
}

static void
share_seen(void)
{
	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(seen != MAP_FAILED);
}

static double
gauge(const struct live *l, const char *name)
{
	double v = NAN;

	ck_assert_msg(live_gauge(l, name, NULL, &v), "%s is unset", name);
	return v;
}

/* A sanitizer may run one of its own. */
static double
n_threads(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/task", &st), 0);
	return (double)st.st_nlink - 2;
}

static int
publish_after_work(void *arg)
{
	int i = *(int *)arg;

	if (!smx_attached())
		REQUIRE(smx_attach(SERVICE, NULL) == 0);
	burn(30000000);
	seen[i].before_ns = cpu_ns();
	REQUIRE(smx_process_metrics() == 0);
	seen[i].after_ns = cpu_ns();
	return 0;
}

START_TEST(needs_a_segment)
{
	ck_assert_int_eq(smx_process_metrics(), -ENOTCONN);
}
END_TEST

START_TEST(says_what_the_kernel_says)
{
	struct live l = { 0 };
	struct rlimit files;
	struct timespec now;
	size_t size = 32u << 20;
	char *block = malloc(size);

	ck_assert_ptr_nonnull(block);
	for (size_t i = 0; i < size; i += 4096)
		((volatile char *)block)[i] = 1;
	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	clock_gettime(CLOCK_REALTIME, &now);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);

	ck_assert(gauge(&l, "process_resident_memory_bytes") > (double)size);
	ck_assert(gauge(&l, "process_virtual_memory_bytes") >
	    gauge(&l, "process_resident_memory_bytes"));
	ck_assert(gauge(&l, "process_threads") == n_threads());
	ck_assert(gauge(&l, "process_max_fds") == (double)files.rlim_cur);
	ck_assert(gauge(&l, "process_start_time_seconds") <
	    (double)now.tv_sec + 2);
	ck_assert(gauge(&l, "process_start_time_seconds") >
	    (double)now.tv_sec - 120);
	ck_assert_uint_gt(live_cell(&l, CPU, NULL), 0);
	ck_assert_uint_le(live_cell(&l, CPU, NULL), cpu_ns());
	ck_assert_uint_gt(live_cell(&l, FAULTS, "minor"), size / 4096 / 2);
	live_close(&l);
	free(block);
}
END_TEST

START_TEST(start_does_not_move)
{
	struct live l = { 0 };
	double start;

	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	start = gauge(&l, "process_start_time_seconds");
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(smx_process_metrics(), 0);
		live_look(&l, FILE_NAME);
		ck_assert(gauge(&l, "process_start_time_seconds") == start);
	}
	live_close(&l);
}
END_TEST

START_TEST(counts_descriptors_and_keeps_none)
{
	struct live l = { 0 };
	double first;
	int fds[7];

	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(smx_process_metrics(), 0);
	/* the reader holds what it has opened by now */
	live_look(&l, FILE_NAME);
	first = gauge(&l, "process_open_fds");
	for (int i = 0; i < 7; i++)
		fds[i] = dup(0);
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	ck_assert(gauge(&l, "process_open_fds") == first + 7);
	for (int i = 0; i < 7; i++)
		close(fds[i]);
	live_close(&l);
}
END_TEST

START_TEST(all_descriptors_are_open_when_none_is_left)
{
	struct rlimit few = { 64, 64 };
	struct live l = { 0 };
	int fd = 0;
	int last = 0;

	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	ck_assert_int_eq(smx_process_metrics(), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	while ((fd = dup(0)) >= 0)
		last = fd;
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_int_eq(smx_process_metrics(), 0);
	for (fd = last - 20; fd <= last; fd++)
		close(fd);
	live_look(&l, FILE_NAME);
	ck_assert(gauge(&l, "process_open_fds") == 64);
	ck_assert(gauge(&l, "process_max_fds") == 64);
	live_close(&l);
}
END_TEST

START_TEST(counters_go_on_over_restarts)
{
	struct live l = { 0 };
	uint64_t low = 0;
	uint64_t high = 0;

	share_seen();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(live_run(publish_after_work, &i), 0);
		low += seen[i].before_ns;
		high += seen[i].after_ns;
	}
	live_look(&l, FILE_NAME);
	ck_assert_uint_ge(live_cell(&l, CPU, NULL), low);
	ck_assert_uint_le(live_cell(&l, CPU, NULL), high);
	live_close(&l);
}
END_TEST

/* The parent's work, counted by the parent, is not the child's. */
START_TEST(forked_child_begins_anew)
{
	struct live l = { 0 };
	int own = 0;
	int child = 1;

	share_seen();
	ck_assert_int_eq(publish_after_work(&own), 0);
	ck_assert_int_eq(live_run(publish_after_work, &child), 0);
	live_look(&l, FILE_NAME);
	ck_assert_uint_ge(live_cell(&l, CPU, NULL),
	    seen[0].before_ns + seen[1].before_ns);
	ck_assert_uint_le(live_cell(&l, CPU, NULL),
	    seen[0].after_ns + seen[1].after_ns);
	live_close(&l);
}
END_TEST

static uint32_t stop;

static void *
publish_on_and_on(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		REQUIRE(smx_process_metrics() == 0);
	return NULL;
}

START_TEST(threads_that_meet_count_once)
{
	pthread_t threads[3];
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
		    publish_on_and_on, NULL), 0);
	burn(100000000);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	ck_assert_uint_ge(live_cell(&l, CPU, NULL), 100000000);
	ck_assert_uint_le(live_cell(&l, CPU, NULL), cpu_ns());
	live_close(&l);
}
END_TEST

/* Children of a process whose other thread is in the call just then. */
START_TEST(children_do_not_wait_for_the_parents_threads)
{
	uint64_t low = 0;
	pthread_t thread;
	struct live l = { 0 };

#ifdef __SANITIZE_ADDRESS__
	fprintf(stderr, "skipped: ASan's allocator may stay locked\n");
	return;
#endif
	share_seen();
	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, publish_on_and_on,
	    NULL), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(live_run(publish_after_work, &i), 0);
		low += seen[i].before_ns;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	low += cpu_ns();
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	ck_assert_uint_ge(live_cell(&l, CPU, NULL), low);
	live_close(&l);
}
END_TEST

START_TEST(leaves_a_name_to_the_service_that_took_it)
{
	struct smx_desc d = {
		.name = "process_open_fds", .help = "Ours.",
		.gauge_mode = SMX_MAX,
	};
	struct smx_gauge ours;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach(SERVICE, NULL), 0);
	ck_assert_int_eq(smx_gauge_register(&ours, &d, NULL), 0);
	smx_set(ours, -3);
	ck_assert_int_eq(smx_process_metrics(), 0);
	live_look(&l, FILE_NAME);
	ck_assert(gauge(&l, "process_open_fds") == -3);
	ck_assert(gauge(&l, "process_threads") == n_threads());
	live_close(&l);
}
END_TEST

static int
write_text(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd, ok;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ok = write(fd, text, strlen(text)) > 0;
	close(fd);
	return ok;
}

/* In a control group of its own, where this machine lets us make one. */
static int
publish_below_limit(void *arg)
{
	const char *dir = arg;

	if (!write_text(dir, "memory.max", "268435456") &&
	    !write_text(dir, "memory.limit_in_bytes", "268435456"))
		return 77;
	if (!write_text(dir, "cgroup.procs", "0"))
		return 77;
	REQUIRE(smx_attach(SERVICE, NULL) == 0);
	REQUIRE(smx_process_metrics() == 0);
	/* gauges of the dead are not shown: look while alive */
	struct live l = { 0 };
	double v = 0;

	live_look(&l, FILE_NAME);
	REQUIRE(live_gauge(&l, "process_memory_limit_bytes", NULL, &v));
	REQUIRE(v == 268435456);
	return 0;
}

START_TEST(knows_the_memory_limit)
{
	static const char *const roots[] = {
		"/sys/fs/cgroup/memory", "/sys/fs/cgroup"
	};
	char dir[128];
	int status = 77;

	for (size_t i = 0; i < 2 && status == 77; i++) {
		(void)snprintf(dir, sizeof(dir), "%s/smx-test-%d", roots[i],
		    (int)getpid());
		if (mkdir(dir, 0755) < 0)
			continue;
		status = live_run(publish_below_limit, dir);
		(void)rmdir(dir);
	}
	if (status == 77)
		fprintf(stderr, "skipped: no control group can be made here\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("process_metrics");
	TCase *t = live_case(s, "process_metrics", 60);

	tcase_add_test(t, needs_a_segment);
	tcase_add_test(t, says_what_the_kernel_says);
	tcase_add_test(t, start_does_not_move);
	tcase_add_test(t, counts_descriptors_and_keeps_none);
	tcase_add_test(t, all_descriptors_are_open_when_none_is_left);
	tcase_add_test(t, counters_go_on_over_restarts);
	tcase_add_test(t, forked_child_begins_anew);
	tcase_add_test(t, threads_that_meet_count_once);
	tcase_add_test(t, children_do_not_wait_for_the_parents_threads);
	tcase_add_test(t, leaves_a_name_to_the_service_that_took_it);
	tcase_add_test(t, knows_the_memory_limit);
	return live_main(s);
}
