/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that do as they like with descriptors: none of them is ours. */
#include "tests/segment_live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct smx_counter count;
static struct smx_gauge level;

static void
attach(void)
{
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	level = smx_gauge("level", "x");
}

static void *
update_in_thread(void *arg)
{
	(void)arg;
	smx_inc(count);
	return NULL;
}

static void
use_it_all(void)
{
	pthread_t t;

	smx_inc(count);
	smx_set(level, 1);
	REQUIRE(pthread_create(&t, NULL, update_in_thread, NULL) == 0);
	REQUIRE(pthread_join(t, NULL) == 0);
	smx_inc(smx_counter("later_total", "x"));
}

static void
check(uint64_t n, uint64_t later)
{
	struct live l = { 0 };

	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), n);
	ck_assert_uint_eq(live_cell(&l, "later_total", NULL), later);
	ck_assert_uint_eq(l.snap.n_live, 1);
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	live_close(&l);
}

static int
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	REQUIRE(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

START_TEST(keeps_no_descriptor)
{
	int before = open_descriptors();

	attach();
	use_it_all();
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_attach("u", NULL), -EBUSY);
	smx_detach();
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* What fails holds none either. */
START_TEST(leaks_no_descriptor_when_refused)
{
	struct smx_options o = { .dir = "/nonexistent" };
	int before = open_descriptors();

	ck_assert_int_eq(mkdir(live_file("smx.d"), 0700), 0);
	ck_assert_int_eq(mkfifo(live_file("smx.f"), 0600), 0);
	ck_assert_int_lt(smx_attach("d", NULL), 0);
	ck_assert_int_lt(smx_attach("f", NULL), 0);
	ck_assert_int_lt(smx_attach("t", &o), 0);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(survives_closefrom)
{
	attach();
	/* not those of the test's runner */
	ck_assert_int_eq(close_range(10, ~0U, 0), 0);
	use_it_all();
	ck_assert_int_eq(close_range(10, ~0U, 0), 0);
	use_it_all();
	check(4, 2);
}
END_TEST

static int
close_all(void *arg)
{
	(void)arg;
	if (smx_attach("t", NULL) < 0)
		return 1;
	closefrom(3);
	count = smx_counter("x_total", "x");
	level = smx_gauge("level", "x");
	use_it_all();
	check(2, 1); /* and the lease is still held */
	closefrom(0);
	use_it_all();
	check(4, 2);
	return 0;
}

START_TEST(survives_closefrom_three_at_once)
{
	ck_assert_int_eq(live_run(close_all, NULL), 0);
}
END_TEST

/* The numbers that attach has used name other files by now. */
START_TEST(survives_juggling_of_the_numbers)
{
	static const char text[] = "precious";
	char back[sizeof(text)];
	int fds[20], i, file;

	file = open(live_file("mine"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, text, sizeof(text)), sizeof(text));
	attach();
	for (i = 0; i < 20; i++)
		fds[i] = dup(file);
	use_it_all();
	for (i = 0; i < 20; i += 2)
		close(fds[i]);
	use_it_all();
	for (i = 0; i < 20; i += 2)
		ck_assert_int_eq(dup2(file, fds[i]), fds[i]);
	use_it_all();
	/* the segment itself under one, and closed: POSIX locks would go */
	ck_assert_int_ge(i = open(live_file("smx.t"), O_RDWR), 0);
	close(i);
	check(6, 3);
	ck_assert_int_eq(pread(file, back, sizeof(back), 0), sizeof(back));
	ck_assert_str_eq(back, text);
	ck_assert_int_eq(lseek(file, 0, SEEK_END), sizeof(text));
}
END_TEST

START_TEST(goes_on_without_descriptors_to_spare)
{
	struct smx_desc d = { .name = "new_total", .help = "x" };
	struct smx_counter c;
	struct rlimit limit;
	pthread_t t;
	struct live l = { 0 };

	attach();
	smx_inc(count);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 3; /* no new ones */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(smx_counter_register(&c, &d, NULL), -EMFILE);
	ck_assert_int_eq(pthread_create(&t, NULL, update_in_thread, NULL), 0);
	ck_assert_int_eq(pthread_join(t, NULL), 0); /* in overflow */
	smx_inc(count);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(smx_counter_register(&c, &d, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 3);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("descriptors");
	TCase *tc = live_case(s, "descriptors", 30);

	tcase_add_test(tc, keeps_no_descriptor);
	tcase_add_test(tc, leaks_no_descriptor_when_refused);
	tcase_add_test(tc, survives_closefrom);
	tcase_add_test(tc, survives_closefrom_three_at_once);
	tcase_add_test(tc, survives_juggling_of_the_numbers);
	tcase_add_test(tc, goes_on_without_descriptors_to_spare);
	return live_main(s);
}
